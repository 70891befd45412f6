"""SongGen: what its code does in silence when it is used as it comes, and what becomes of that here."""

import json
import os
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from shared_files import shared

from songbench.contracts.card_checks import faults_of_system
from songbench.domain.errors import UnsupportedError
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import FileAsset, Prompt
from songbench.domain.song import Failure, Request, Song
from systems.songgen.card import card_of
from systems.songgen.environment import CHECKOUT, ENVIRONMENT
from systems.songgen.rendering import check_line, render
from systems.songgen.system import SongGen

PROMPT = Prompt(
    id="p",
    lyrics=parse_lyrics("[intro] [intro]\n\n[verse]\nMorning comes in slowly.\nover the railway line\n"),
    style="pop, piano",
)

STAND_IN = '''
"""Stands for the package songgen: its names, what it loads from where, and what it gives."""
import glob, os, random, signal, sys, time
from types import SimpleNamespace

import numpy

seeds = []
sys.modules["torch"] = SimpleNamespace(
    cuda=SimpleNamespace(is_available=lambda: False), manual_seed=lambda seed: seeds.append(seed)
)
HERE = os.path.dirname(os.path.abspath(__file__))
for pattern in (
    HERE + "/xcodec_wrapper/xcodec_infer/ckpts/general_more/*.pth",
    os.environ["HF_HUB_CACHE"] + "/models--m-a-p--MERT-v1-330M/snapshots/*/config.json",
    os.environ["HF_HUB_CACHE"] + "/models--ZhenYe234--hubert_base_general_audio/refs/main",
    os.environ["TORCH_HOME"] + "/hub/checkpoints/*.th",
):
    assert glob.glob(pattern), pattern
assert os.environ["HF_HUB_OFFLINE"] == "1"

class Tensor:
    def __init__(self, samples):
        self.samples = numpy.asarray(samples, dtype="float32")[None]
    def cpu(self):
        return self
    def numpy(self):
        return self.samples

class Model:
    config = SimpleNamespace(sampling_rate=16000)
    generation_config = SimpleNamespace(max_length=100, temperature=1.0, top_k=50, top_p=1.0)
    tracks = 1
    @classmethod
    def from_pretrained(cls, folder, attn_implementation):
        assert os.path.exists(folder + "/config.json") and attn_implementation == "sdpa"
        return cls()
    def to(self, device):
        assert device == "cpu"
        return self
    def generate(self, do_sample, words, **settings):
        print("sung:", words, settings, flush=True)
        if "crash" in words:
            raise ValueError("tensors of different sizes")
        if "memory" in words:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")
        if "killed" in words:
            os.kill(os.getpid(), signal.SIGKILL)
        if "hang" in words:
            time.sleep(60)
        samples = numpy.random.uniform(-0.5, 0.5, 32000 if "long" in words else 4000)
        if "nan" in words:
            samples[:] = float("nan")
        if "nothing" in words:
            samples = samples[:1]
        assert do_sample and seeds
        tracks = tuple(Tensor(samples[: len(samples) - number]) for number in range(self.tracks))
        return tracks if self.tracks > 1 else tracks[0]

class SongGenMixedForConditionalGeneration(Model):
    pass

class SongGenDualTrackForConditionalGeneration(Model):
    tracks = 2
    generation_config = SimpleNamespace(max_length=200, temperature=1.0, top_k=50, top_p=1.0)

class SongGenProcessor:
    def __init__(self, ckpt_path, device):
        assert os.path.exists(ckpt_path + "/config.json")
    def __call__(
        self, text, lyrics, refaudio_path=None, refaudio_type=None, ref_voice_path=None, start=0, separate=False
    ):
        assert ref_voice_path is None and refaudio_path is None and text and "[" not in lyrics
        return {"words": lyrics.strip().replace("\\n", ".")}
'''


def ask(words="over the railway line", seed=5, **facts):
    lyrics = parse_lyrics(f"[verse]\nMorning comes in slowly\n{words}\n")
    return Request(prompt=replace(PROMPT, **{"lyrics": lyrics, **facts}), take=0, seed=seed)


def rendered(**facts):
    return render(Request(prompt=replace(PROMPT, **facts), take=0, seed=5))


def verses(count):
    line = "We walked along the river in the evening"
    return parse_lyrics("\n\n".join(["[verse]\n" + "\n".join([line] * 4)] * count))


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory):
    """Builds the system upon a stand-in for the package songgen; weights are empty files."""
    root = tmp_path_factory.mktemp("songgen")
    checkout = root / "checkout"
    for file in CHECKOUT.files:
        (checkout / file).parent.mkdir(parents=True, exist_ok=True)
        (checkout / file).touch()
    (checkout / "songgen" / "__init__.py").write_text(STAND_IN, encoding="utf-8")
    systems = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SONGBENCH_UPSTREAM_SONGGEN", str(checkout))
        patch.setenv("SONGBENCH_ENV_SONGGEN", sys.executable)
        patch.setenv("SONGBENCH_ENVIRONMENTS", str(root / "environments"))
        for function in ("path", "verified"):
            patch.setattr(f"songbench.resources.weights.{function}", lambda entry: root / "weights" / entry.name)

        def build(variant=None, **settings):
            system = SongGen(variant, **settings)
            for entry in system.weights:
                folder = root / "weights" / entry.name
                folder.mkdir(parents=True, exist_ok=True)
                for name in ("config.json", "weights.pth", "weights.th"):
                    (folder / name).touch()
            systems.append(system)
            return system

        yield build
        for system in systems:
            system.close()


@pytest.fixture(scope="module")
def mixed(stand_in):
    return stand_in(temperature=0.9, timeout_s=5.0)


def test_songs_follow_from_their_seed(mixed):
    song, repetition, variation = list(mixed.generate([ask(), ask(), ask(seed=6)]))
    assert isinstance(song, Song), song
    assert song.audio.rate == 16_000 and song.audio.samples.shape == (1, 4000)
    assert np.array_equal(song.audio.samples, repetition.audio.samples)
    assert not np.array_equal(song.audio.samples, variation.audio.samples)
    assert song.record.settings["temperature"] == 0.9 and song.record.settings["top_k"] == 50
    assert song.record.conditions == ("lyrics", "style text") and not song.record.loading_included
    assert song.record.rendering.lyrics == "Morning comes in slowly\nover the railway line"
    assert not list(Path(os.environ["SONGBENCH_UPSTREAM_SONGGEN"]).rglob("*.pth")), "the checkout was written into"


def test_of_two_tracks_the_mix_is_their_sum(stand_in):
    (song,) = stand_in("dual").generate([ask()])
    assert isinstance(song, Song), song
    parts = [source.load().samples for source in song.stems.values()]
    assert set(song.stems) == {"vocals", "accompaniment"}
    assert np.allclose(sum(parts), song.audio.samples, atol=1e-6)
    assert song.audio.samples.shape == (1, 3999), "both are cut to the shorter"


def test_a_song_that_reaches_the_limit_says_so(mixed):
    short, long = list(mixed.generate([ask(), ask("a long way home")]))
    assert not any("limit" in note for note in short.record.notes)
    assert long.record.notes == ("stopped at the limit of 2 s, where words may be missing",)


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        ("crash", "tensors of different sizes"),
        ("memory", "out of memory"),
        ("killed", "SIGKILL|signal 9|-9"),
        ("nothing", "gave 1 samples and ended"),
        ("nan", "NaN|finite|not a number"),
    ],
)
def test_what_goes_wrong_is_told_and_the_next_song_is_made(mixed, words, cause):
    failure, song = list(mixed.generate([ask(f"{words} now"), ask()]))
    assert isinstance(failure, Failure) and re.search(cause, failure.cause), failure
    assert isinstance(song, Song), song


def test_one_that_hangs_is_ended_and_the_next_song_is_made(mixed):
    list(mixed.generate([ask()]))  # the worker has started
    worker = mixed._worker
    timeout_s, worker._timeout_s = worker._timeout_s, 0.3
    (failure,) = mixed.generate([ask("hang now")])
    worker._timeout_s = timeout_s
    (song,) = mixed.generate([ask()])
    assert isinstance(failure, Failure) and "no answer after" in failure.cause, failure
    assert isinstance(song, Song), song


def test_tags_and_instrumental_sections_are_left_out_and_recorded():
    rendering = rendered().rendering
    assert rendering.lyrics == "Morning comes in slowly\nover the railway line"
    assert rendering.tags == {"intro": None, "verse": None}
    assert rendering.notes == ("sections without words are left out",)
    with pytest.raises(UnsupportedError, match="nothing is sung"):
        rendered(lyrics=parse_lyrics("[inst] [inst]"))


def test_the_end_of_a_line_makes_no_abbreviation():
    lyrics = rendered(lyrics=parse_lyrics("[verse]\nI love you, hon\nand Co\nAnd the cost.\nHello, st\n")).inputs[
        "lyrics"
    ]
    assert lyrics == "I love you, hon \nand Co \nAnd the cost\nHello, st"
    assert not re.search(r"\b(hon|co|st)\.", lyrics.replace("\n", "."), re.IGNORECASE)


def test_letters_outside_of_its_vocabulary_are_named():
    for line in ("夜が来る", "сердце", "på gata", "love 你"):
        with pytest.raises(UnsupportedError, match="it would drop"):
            check_line(line)
    with pytest.raises(UnsupportedError, match="nothing that it sings"):
        check_line("...")
    for line in ("Café déjà vu", "24 hours", "don’t"):
        check_line(line)


def test_lengths_are_those_of_the_model():
    def notes(**facts):
        return rendered(lyrics=verses(1), **facts).rendering.notes

    assert notes() == ()
    assert notes(seconds=20.0) == ("20 s were asked for; the model decides",)
    assert notes(seconds=180.0) == ("180 s were asked for; the model decides, 30 s at most",)
    (hurried,) = rendered(lyrics=verses(2)).rendering.notes
    assert re.fullmatch(r"the words would take \d+ s at ease, and the model stops after 30 s", hurried)
    with pytest.raises(UnsupportedError, match="30 s are too short"):
        rendered(lyrics=verses(6))


def test_other_styles_and_languages_are_unsupported():
    assert "no style in words" in SongGen().unsupported(ask(style=""))
    assert "does not sing zh" in SongGen().unsupported(ask(language="zh"))
    assert "prompt audio" not in SongGen().card.conditions
    assert rendered(prompt_audio=FileAsset("clip.wav")).inputs["prompt_audio"] is None


def test_variants_have_weights_and_stems_of_their_own():
    mixed, dual = SongGen(), SongGen("dual")
    assert not faults_of_system(mixed.card) and not faults_of_system(dual.card)
    assert (mixed.card.name, dual.card.name) == ("songgen", "songgen:dual")
    assert dual.card.stems == ("vocals", "accompaniment") and not mixed.card.stems
    assert mixed.parameters["weights"].keys() != dual.parameters["weights"].keys()


def test_pins_and_quirks_are_those_of_its_contract():
    contract = json.loads(shared("facts/systems/songgen.json").read_text(encoding="utf-8"))
    assert (CHECKOUT.repository, CHECKOUT.commit) == (contract["repo"], contract["commit"])
    assert {"torch==2.3.0", "transformers==4.43.3"} <= set(ENVIRONMENT.requirements)
    assert len(card_of("songgen", tracks=False).pitfalls) >= len(contract["quirks"])
    arguments = [option["flag"] for option in contract["options"] if "." not in option["flag"]]
    assert all(name in STAND_IN for name in arguments[:7]), "the stand-in takes what its processor takes"
