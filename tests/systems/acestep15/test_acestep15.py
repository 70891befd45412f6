"""ACE-Step 1.5: what its code is given, in each of its states, and what becomes of its pitfalls."""

import dataclasses
import inspect
import json
import sys
from types import SimpleNamespace

import acestep15_stand_in
import numpy as np
import pytest
from shared_files import shared

from songbench.contracts.card_checks import faults_of_system
from songbench.domain.audio import Audio, MemoryAudio
from songbench.domain.errors import InputError
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import FileAsset, Prompt
from songbench.domain.song import Failure, Request, Song
from songbench.plugin import build_system
from songbench.resources import weights
from systems.acestep15.acestep15_worker import Worker
from systems.acestep15.environment import CHECKOUT
from systems.acestep15.revision import PINNED, Revision, present_revision
from systems.acestep15.system import AceStep15
from systems.acestep15.variants import VARIANTS

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
MUSIC = MemoryAudio(Audio(np.full((2, 4800), 0.25, dtype="float32"), 48_000))
SILENCE = MemoryAudio(Audio(np.zeros((2, 4800), dtype="float32"), 48_000))


def request(lyrics="[verse]\nThe wind is singing\n", seed=5, audio=None, **facts):
    asset = None if audio is None else FileAsset("style.wav")
    prompt = Prompt(
        id="p",
        lyrics=parse_lyrics(lyrics),
        **{"style": "warm folk, guitar", "seconds": 20.0, "prompt_audio": asset, **facts},
    )
    return Request(prompt=prompt, take=0, seed=seed, prompt_audio=audio)


class Bench:
    """Adapters before stand-ins for their code, in this Python."""

    def __init__(self, root, patch):
        self.root, self.patch, self.systems = root, patch, {}
        patch.setenv("SONGBENCH_ENVIRONMENTS", str(root / "environments"))
        patch.setenv("SONGBENCH_WEIGHTS", str(root / "weights"))
        patch.setenv("SONGBENCH_ENV_ACESTEP15", sys.executable)
        patch.setenv("MAX_CUDA_VRAM", "4")
        patch.setenv("SONGBENCH_UPSTREAM_ACESTEP15", "")  # so that what it was before is remembered from here
        for later in (False, True):
            for name, text in acestep15_stand_in.files(later=later).items():
                path = root / ("later" if later else "pinned") / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)

    def system(self, state="pinned", **settings):
        """The adapter before one state of the code."""
        key = (state, *sorted(settings.items()))
        if key not in self.systems:
            self.patch.setenv("SONGBENCH_UPSTREAM_ACESTEP15", str(self.root / state))
            built = AceStep15(**settings)
            built.weights = tuple(self.small(entry) for entry in built.weights)
            self.systems[key] = built
        self.patch.setenv("SONGBENCH_UPSTREAM_ACESTEP15", str(self.root / state))
        return self.systems[key]

    def small(self, entry):
        files = tuple(dataclasses.replace(file, sha256=EMPTY, size=0) for file in entry.files)
        small = dataclasses.replace(entry, files=files)
        for file in files:
            path = weights.folder_of(small) / file.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return small


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        built = Bench(tmp_path_factory.mktemp("acestep15"), patch)
        yield built
        for system in built.systems.values():
            system.close()


def outcome(system, order):
    (answer,) = system.generate([order])
    return answer


# What it is


def test_every_variant_has_a_card_of_its_own_and_a_name_that_builds_it():
    cards = {name: build_system(f"acestep15:{name}").card for name in VARIANTS}
    assert not [fault for card in cards.values() for fault in faults_of_system(card)]
    assert len({card.name for card in cards.values()}) == len(VARIANTS) == 9 * 4 * 3 + 3
    assert build_system("acestep15").card.name == "acestep15" == cards["turbo"].name
    planned = cards["sft-lm-4b-audio"]
    assert "acestep15-sft" in planned.needs and "acestep15-lm-4b" in planned.needs
    assert planned.conditions == ("lyrics", "prompt audio") and "timbre" in planned.style_rule
    assert not [need for need in cards["base-no-lm"].needs if "-lm-" in need]


def test_a_variant_by_its_parts():
    assert AceStep15(model="sft", lm="none").card.name == "acestep15:sft-no-lm"
    with pytest.raises(InputError, match="means model 'sft'"):
        AceStep15(variant="sft", model="base")
    with pytest.raises(InputError, match="no variant 'sfd'"):
        AceStep15(variant="sfd")


def test_settings_have_the_names_and_defaults_of_the_authors():
    options = {
        option["flag"].removeprefix("GenerationParams."): option["default"]
        for option in json.loads(shared("facts/systems/acestep15.json").read_text())["options"]
        if str(option["flag"]).startswith("GenerationParams.")
    }
    parameters = AceStep15(model="base").parameters["parameters"]
    differing = {name for name, value in parameters.items() if options[name] != value}
    assert differing == {"inference_steps", "use_cot_metas", "use_cot_caption", "use_cot_language"}
    assert set(parameters) <= set(inspect.signature(AceStep15).parameters)


@pytest.mark.parametrize(
    ("model", "steps", "shift"), [("turbo", 8, 3.0), ("turbo-shift1", 8, 1.0), ("sft", 50, 1.0), ("base", 50, 1.0)]
)
def test_each_model_has_its_advised_shift_and_steps(model, steps, shift):
    parameters = AceStep15(model=model).parameters["parameters"]
    assert (parameters["inference_steps"], parameters["shift"]) == (steps, shift)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"shift": 1.5}, "shifts of 1, 2, 3"),
        ({"inference_steps": 20}, "at most 8 steps"),
        ({"guidance_scale": 5.0}, "takes no guidance"),
        ({"use_adg": True}, "base alone"),
        ({"use_cot_caption": True}, "use_cot_metas"),
        ({"use_cot_metas": True, "lm": "none"}, "nothing that plans"),
    ],
)
def test_settings_without_effect_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        AceStep15(**settings)


# What it is given


def test_lyrics_stand_under_tags_with_a_language_and_a_length():
    text = "[intro] [intro]\n\n[verse]\n风 在唱歌\n\n[inst] [inst]\n\n[silence]\n\n[outro]\n再见\n"
    rendered = AceStep15().render(request(text, language="zh"))
    assert rendered.inputs["lyrics"] == (
        "[Intro]\n\n[Verse]\n风 在唱歌\n\n[Instrumental]\n\n[Silence]\n\n[Outro]\n再见\n"
    )
    assert rendered.inputs["language"] == "zh" and rendered.inputs["seconds"] == 20.0
    assert AceStep15().render(request(text, language="mixed")).inputs["language"] == "unknown"
    assert AceStep15().render(request(text, language="zh", seconds=None)).inputs["seconds"] >= 10.0


def test_a_song_without_words_says_so():
    assert AceStep15().render(request("[intro] [intro]\n\n[inst]\n")).inputs["lyrics"] == "[Instrumental]"


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"style": ""}, "no style in words"),
        ({"style": "x" * 513}, "513 characters, of which the system takes 512"),
        ({"lyrics": "[verse]\n" + "la la la la\n" * 350}, "of which the system takes 4096"),
        ({"seconds": 9.0}, "songs of 10 to 600 s"),
        ({"language": "eo"}, "does not sing eo"),
    ],
)
def test_unsupported_prompts(facts, reason):
    assert reason in AceStep15().unsupported(request(**facts))


def test_a_variant_needs_its_own_kind_of_style():
    audio = AceStep15(style="audio")
    assert audio.unsupported(request(style="", audio=MUSIC)) is None
    assert "no style audio" in audio.unsupported(request())
    assert audio.render(request(audio=MUSIC)).rendering.style == "audio"
    assert AceStep15(style="both").render(request(audio=MUSIC)).inputs["style"] == "warm folk, guitar"


# The state of its code


def test_the_state_of_the_code_is_read_and_chooses_the_pitfalls(bench, monkeypatch):
    monkeypatch.delenv("SONGBENCH_UPSTREAM_ACESTEP15", raising=False)
    monkeypatch.setenv("SONGBENCH_CHECKOUTS", str(bench.root / "none"))
    assert present_revision() == PINNED and AceStep15().card.upstream == f"{CHECKOUT.repository}@{CHECKOUT.commit}"
    for state, later in (("pinned", False), ("later", True)):
        monkeypatch.setenv("SONGBENCH_UPSTREAM_ACESTEP15", str(bench.root / state))
        assert present_revision() == Revision(commit="", later=later, xl=later)
        pitfalls = " ".join(map(str, AceStep15().card.pitfalls))
        assert ("-1 dBFS" in pitfalls) is later and ("on a CPU" in pitfalls) is not later
        assert AceStep15(model="xl-sft").availability().reason.endswith("its XL models") is not later


def test_levels_are_left_as_they_are_in_a_later_state(bench):
    song = outcome(bench.system("later", lm="none"), request())
    assert song.record.settings["enable_normalization"] is False
    assert "enable_normalization" not in outcome(bench.system(lm="none"), request()).record.settings


# Songs


def test_seeds_and_settings_reach_the_code(bench):
    system = bench.system(lm="none")
    first, repetition, second = system.generate([request(), request(), request(seed=6)])
    assert isinstance(first, Song) and first.audio.rate == 48_000 and not first.record.lossy
    assert (first.audio.samples == repetition.audio.samples).all()
    assert first.audio.samples[0, 0] != second.audio.samples[0, 0]
    settings = first.record.settings
    assert settings["seed"] == 5 and settings["shift"] == 3.0 and settings["guidance_scale"] == 1.0
    assert settings["duration"] == 20.0 and settings["thinking"] is False and settings["lm_backend"] is None
    assert settings["task_type"] == "text2music" and settings["attention"] == "sdpa"
    assert not {"caption", "lyrics"} & settings.keys() and not first.record.notes
    assert first.record.stages == {"dit_total_time_cost": 0.25}


def test_the_language_model_plans_and_rewrites_nothing_unless_told(bench):
    song, repetition = bench.system().generate([request(), request()])
    assert (song.audio.samples == repetition.audio.samples).all(), "it samples by the seed"
    assert song.record.settings["thinking"] is True and song.record.settings["lm_backend"] == "pt"
    assert song.record.settings["lm_metadata"] == {"duration": 20} and not song.record.notes
    rewriting = bench.system(use_cot_metas=True, use_cot_caption=True, use_cot_language=True)
    assert outcome(rewriting, request()).record.notes == (
        "the language model made the style text: something else",
        "the language model made the language: fr",
    )


def test_another_backend_of_the_language_model_is_an_error(bench):
    failure = outcome(bench.system(backend="vllm"), request())
    assert isinstance(failure, Failure) and "runs by pt only, not by vllm" in failure.cause


def test_a_release_candidate_of_python_is_refused_with_vllm(monkeypatch):
    """It crashes there."""
    monkeypatch.setattr(sys, "version_info", SimpleNamespace(releaselevel="candidate"))
    with pytest.raises(RuntimeError, match="is no final release, and crashes in vLLM"):
        Worker({"backend": "vllm"})


def test_a_device_that_is_not_there_is_an_error(bench):
    assert "the device cuda is not there: cpu would be used" in outcome(bench.system(device="cuda"), request()).cause


def test_reference_audio_is_cropped_by_the_seed_and_its_length_is_not_the_songs(bench):
    system = bench.system(lm="none", style="audio")
    first, repetition = system.generate([request(audio=MUSIC), request(audio=MUSIC)])
    assert (first.audio.samples == repetition.audio.samples).all()
    assert first.record.settings["duration"] == 20.0 and first.record.conditions == ("lyrics", "prompt audio")


def test_reference_audio_that_was_left_out_is_a_failure(bench):
    failure = outcome(bench.system(lm="none", style="audio"), request(audio=SILENCE))
    assert "the reference audio is silent or could not be read" in failure.cause


def test_a_length_that_was_cut_is_noted(bench):
    cut = outcome(bench.system(lm="none"), request(seconds=300.0))
    assert cut.record.notes == ("300 s were asked for, and 180.0 s made, as its code rates this device 'tier1'",)
    assert not outcome(bench.system("later", lm="none"), request(seconds=300.0)).record.notes


def test_a_style_text_that_was_cut_is_noted_and_lyrics_that_were_are_a_failure(bench):
    system = bench.system(lm="none")
    song = outcome(system, request(style="曲" * 300))
    assert song.record.notes == ("of the style text with its instruction 256 of 300 tokens were read",)
    failure = outcome(system, request("[verse]\n" + "歌" * 2100 + "\n", language="zh"))
    assert "the lyrics have 2109 tokens, of which 2048 are read" in failure.cause


@pytest.mark.parametrize("state", ["pinned", "later"])
@pytest.mark.parametrize(
    ("words", "cause"),
    [
        ("silent", "the song is silent"),
        ("unsaved", "no file was saved: made"),
        ("out of memory", "CUDA out of memory"),
        ("another seed", "the seed 1 was taken instead of 5"),
        ("twice", "2 came"),
    ],
)
def test_failures(bench, state, words, cause):
    failure = outcome(bench.system(state, lm="none"), request(f"[verse]\n{words} words\n"))
    assert isinstance(failure, Failure) and cause in failure.cause


def test_nothing_is_written_into_the_checkout_or_over_the_weights(bench):
    """Even the state of the code that writes its own over what lies beside the weights."""
    outcome(bench.system("later", lm="none"), request())
    for folder in ("pinned", "later"):
        paths = (path for path in (bench.root / folder).rglob("*") if path.is_file())
        assert {str(path.relative_to(bench.root / folder)) for path in paths} == set(
            acestep15_stand_in.files(later=True)
        )
    assert all(path.stat().st_size == 0 for path in (bench.root / "weights").rglob("config.json"))
