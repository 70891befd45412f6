"""ACE-Step v1: what its pipeline is given, and what becomes of its pitfalls, before a stand-in with its signature."""

import inspect
import json
import sys
from dataclasses import replace

import pytest
from shared_files import shared

from songbench.contracts.card_checks import faults_of_system
from songbench.contracts.conflicts import dependences_of
from songbench.domain.errors import InputError
from songbench.domain.lyric_timing import RULE
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.song import Failure, Request, Song
from songbench.plugin import build_system
from songbench.resources import weights
from systems.acestep.environment import WEIGHTS
from systems.acestep.system import AceStep

PIPELINE = """
import json, os, random, struct, wave

SUPPORT_LANGUAGES = {"en": 259, "fr": 262}


class Tokenizer:
    def encode(self, text, language):
        if "unreadable" in text:
            raise ValueError("no such letter")
        return [len(text)]


class ACEStepPipeline:
    def __init__(
        self, checkpoint_dir=None, device_id=0, dtype="bfloat16", text_encoder_checkpoint_path=None,
        persistent_storage_path=None, torch_compile=False, cpu_offload=False, quantized=False, overlapped_decode=False,
        **kwargs
    ):
        self.device, self.dtype, self.loaded = "cpu", os.environ.get("ACE_PIPELINE_DTYPE", dtype), False

    def load_checkpoint(self, checkpoint_dir=None, export_quantized_weights=False):
        self.lyric_tokenizer, self.loaded = Tokenizer(), True
        self.text_tokenizer = lambda text: {"input_ids": text.split()}

    def get_lang(self, line):
        return "fr" if "amour" in line else "xh" if "wind" in line else "en"

    def __call__(
        self, format="wav", audio_duration=60.0, prompt=None, lyrics=None, infer_step=60, guidance_scale=15.0,
        scheduler_type="euler", cfg_type="apg", omega_scale=10.0, manual_seeds=None, guidance_interval=0.5,
        guidance_interval_decay=0.0, min_guidance_scale=3.0, use_erg_tag=True, use_erg_lyric=True,
        use_erg_diffusion=True, oss_steps=None, guidance_scale_text=0.0, guidance_scale_lyric=0.0,
        audio2audio_enable=False, ref_audio_strength=0.5, ref_audio_input=None, lora_name_or_path="none",
        lora_weight=1.0, retake_seeds=None, retake_variance=0.5, task="text2music", repaint_start=0, repaint_end=0,
        src_audio_path=None, edit_target_prompt=None, edit_target_lyrics=None, edit_n_min=0.0, edit_n_max=1.0,
        edit_n_avg=1, save_path=None, batch_size=1, debug=False
    ):
        assert self.loaded, "loading would be part of the song's time"
        if audio_duration <= 0:
            audio_duration = random.uniform(30.0, 240.0)
        for line in lyrics.split("\\n"):
            if line:
                try:
                    self.lyric_tokenizer.encode(line, self.get_lang(line))
                except Exception as error:
                    print("tokenize error", error)
        if "raises" in lyrics:
            raise RuntimeError("CUDA out of memory")
        seeds = [1] if "otherwise" in lyrics else manual_seeds
        os.makedirs(os.path.dirname(save_path), exist_ok=True)
        if "silent" not in lyrics:
            level = random.Random(seeds[0]).randrange(1, 9999)
            with wave.open(save_path, "wb") as file:
                file.setnchannels(2)
                file.setsampwidth(2)
                file.setframerate(48000)
                file.writeframes(struct.pack("<hh", level, -level) * round(audio_duration * 480))
        report = {
            "format": format, "task": task, "prompt": prompt, "lyrics": lyrics, "audio_duration": audio_duration,
            "infer_step": infer_step, "guidance_scale": guidance_scale, "cfg_type": cfg_type, "oss_steps": [],
            "timecosts": {"diffusion": 0.5}, "actual_seeds": seeds, "retake_seeds": retake_seeds,
            "audio_path": save_path, "audio2audio_enable": audio2audio_enable,
        }
        with open(save_path.replace("." + format, "_input_params.json"), "w") as file:
            json.dump(report, file)
        return [save_path] + [report]
"""
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def request(lyrics="[verse]\nThe wind is singing\n", seed=5, name="p", **facts):
    prompt = Prompt(id=name, lyrics=parse_lyrics(lyrics), **{"style": "warm folk, guitar", "seconds": 20.0, **facts})
    return Request(prompt=prompt, take=0, seed=seed)


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    """The adapter before a stand-in for its pipeline, in this Python."""
    root = tmp_path_factory.mktemp("acestep")
    for name, text in (
        ("acestep/__init__.py", ""),
        ("acestep/pipeline_ace_step.py", PIPELINE),
        ("acestep/models/lyrics_utils/vocab.json", "{}"),
    ):
        path = root / "checkout" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SONGBENCH_ENVIRONMENTS", str(root / "environments"))
        patch.setenv("SONGBENCH_WEIGHTS", str(root / "weights"))
        patch.setenv("SONGBENCH_ENV_ACESTEP", sys.executable)
        patch.setenv("SONGBENCH_UPSTREAM_ACESTEP", str(root / "checkout"))
        patch.setenv("ACE_PIPELINE_DTYPE", "float64")
        built = AceStep(infer_step=27)
        small = replace(WEIGHTS, files=tuple(replace(file, sha256=EMPTY, size=0) for file in WEIGHTS.files))
        for file in small.files:
            path = weights.folder_of(small) / file.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        built.weights = (small,)
        yield built
        built.close()


def test_card_and_settings():
    system = build_system("acestep", {"guidance_scale": 7})
    assert not faults_of_system(system.card) and system.parameters["sampling"]["guidance_scale"] == 7
    assert [dependence.family for dependence in dependences_of("acestep")] == ["mert"]
    assert "prompt audio" not in system.card.conditions, "audio2audio is no style prompt"
    with pytest.raises(InputError, match="infer_step"):
        build_system("acestep", {"infer_step": 0})


def test_settings_are_arguments_of_the_pipeline_with_its_defaults():
    options = {
        option["flag"].removeprefix("__call__."): option["default"]
        for option in json.loads(shared("facts/systems/acestep.json").read_text())["options"]
        if option["flag"].startswith("__call__.")
    }
    settings = AceStep().parameters["sampling"]
    assert {name: options[name] for name in settings} == settings
    assert set(settings) <= set(inspect.signature(AceStep).parameters)


def test_lyrics_stand_under_tags_and_lengths_are_always_given():
    text = "[intro] [intro]\n\n[verse]\nThe wind\n\n[inst] [inst]\n\n[silence]\n\n[outro]\nGoodbye\n"
    rendered = AceStep().render(request(text))
    assert rendered.rendering.lyrics == "[intro]\n\n[verse]\nThe wind\n\n[inst]\n\n[outro]\nGoodbye\n"
    assert rendered.rendering.tags == {"silence": None} and rendered.inputs["seconds"] == 20.0
    timed = AceStep().render(request(text, seconds=None))
    assert 5 < timed.inputs["seconds"] < 60 and f"length by {RULE}" in timed.rendering.notes


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"style": ""}, "no style in words"),
        ({"seconds": 241.0}, "songs of 1 to 240 s, and 241 s are wanted"),
        (
            {"seconds": None, "lyrics": "[verse]\n" + "The wind is singing in the trees\n" * 120},
            "longest song has 240 s",
        ),
        ({"language": "fi"}, "does not sing fi"),
    ],
)
def test_unsupported_prompts(facts, reason):
    assert reason in AceStep().unsupported(request(**facts))


def test_songs_of_a_stand_in(system):
    """Seed, settings and length reach the pipeline; what it says of them is recorded."""
    first, again, second = system.generate([request(), request(name="q"), request(seed=6, seconds=10.0)])
    assert isinstance(first, Song) and first.audio.rate == 48_000
    assert first.audio.seconds == pytest.approx(0.2) and second.audio.seconds == pytest.approx(0.1)
    assert (first.audio.samples == again.audio.samples).all(), "two songs of one second are two files"
    assert first.audio.samples[0, 0] != second.audio.samples[0, 0]
    record = first.record
    assert record.stages == {"diffusion": 0.5} and record.settings["infer_step"] == 27
    assert record.settings["dtype"] == "bfloat16", "no variable overrides it"
    assert record.settings["task"] == "text2music" and record.settings["audio2audio_enable"] is False
    assert record.own_process and not record.loading_included and not record.notes
    assert record.conditions == ("lyrics", "style text") and record.rendering.seconds == 20.0


def test_what_the_pipeline_passes_over_is_noted(system):
    lyrics = "[verse]\nThe unreadable line\nUn amour\n"
    (song,) = system.generate([request(lyrics, style="word " * 300)])
    assert song.record.notes == (
        "not given to the model, as it could not read it: The unreadable line",
        "of the style text 256 of 300 tokens were read",
        "lines read in another language: 1 as fr",
    )
    assert song.record.settings["line_languages"] == {"en": 1, "fr": 1}


@pytest.mark.parametrize(
    ("word", "cause"),
    [
        ("raises", "CUDA out of memory"),
        ("otherwise", "took the seed [1] instead of 5"),
        ("silent", "wrote no song.wav"),
    ],
)
def test_failures(system, word, cause):
    (failure,) = system.generate([request(f"[verse]\n{word} words\n")])
    assert isinstance(failure, Failure) and cause in failure.cause


def test_missing_weights_are_an_error_and_nothing_is_fetched(system, monkeypatch, tmp_path):
    incomplete = replace(system.weights[0], files=system.weights[0].files[:2], version="2")
    monkeypatch.setattr(system, "weights", (incomplete,))
    for file in incomplete.files:
        path = weights.folder_of(incomplete) / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    system.close()
    (failure,) = system.generate([request()])
    assert "the weights lack music_dcae_f8c8, music_vocoder, umt5-base" in failure.cause
