"""Accompaniments by other people's programs: how they are called, what comes back, and what goes wrong in silence."""

import re
import sys

import numpy as np
import pytest
from accompanying import ask, before_stand_in, vocal

from songbench.contracts.card_checks import faults_of_system
from songbench.contracts.registry import build_system
from songbench.domain.song import Failure, Song

PROGRAMS = {"anyaccomp": "infer_from_folder.py", "ladaband_upstream": "codes/infer.py"}
BARE_PYTHON = getattr(sys, "_base_executable", sys.executable)


@pytest.fixture(scope="module")
def systems(tmp_path_factory):
    """Each system upon its stand-in, by the way it is called."""
    built = {}
    with pytest.MonkeyPatch.context() as patch:
        for name, program in PROGRAMS.items():
            root = tmp_path_factory.mktemp(name)
            built[name] = (before_stand_in(name, root, patch, python=BARE_PYTHON, program=program), root)
        yield built
        for system, _ in built.values():
            system.close()


@pytest.fixture
def system(systems, monkeypatch):
    """A function that gives the system of a name, its weights where they are looked for."""

    def choose(name):
        built, root = systems[name]
        for function in ("path", "verified"):
            monkeypatch.setattr(f"songbench.resources.weights.{function}", lambda entry: root / "weights" / entry.name)
        return built

    return choose


@pytest.mark.parametrize(("name", "rate", "channels"), [("anyaccomp", 24_000, 1), ("ladaband_upstream", 48_000, 2)])
def test_an_accompaniment_follows_from_its_seed_and_has_the_length_of_the_vocal(system, name, rate, channels):
    song, repetition, variation = system(name).generate([ask(), ask(), ask(seed=6)])
    assert isinstance(song, Song), song
    assert song.audio.rate == rate and song.audio.samples.shape == (channels, rate // 2)
    assert np.array_equal(song.audio.samples, repetition.audio.samples)
    assert not np.array_equal(song.audio.samples, variation.audio.samples)
    assert song.record.conditions[0] == "vocal" and song.record.seed_honoured and not song.record.lossy
    assert not [note for note in song.record.notes if "mix" in note]


@pytest.mark.parametrize(
    ("name", "fault", "words"),
    [
        ("anyaccomp", "crash", r"exit code 0 .*illegal memory access.*without accompaniment/fault-crash"),
        ("anyaccomp", "killed", "SIGKILL"),
        ("ladaband_upstream", "crash", "exit code 0 .*out of memory"),
        ("ladaband_upstream", "killed", "SIGKILL"),
    ],
)
def test_what_goes_wrong_is_told_and_the_next_song_is_made(system, name, fault, words):
    failure, song = system(name).generate([ask(id=f"fault-{fault}"), ask()])
    assert isinstance(failure, Failure) and re.search(words, failure.cause), failure
    assert isinstance(song, Song), song


def test_the_time_of_ladaband_is_that_which_it_reports(system):
    (song,) = system("ladaband_upstream").generate([ask(vocal(0.3, rate=8_000, channels=2))])
    assert song.record.seconds == 0.25 and not song.record.loading_included
    assert song.audio.samples.shape == (2, 14_400)


def test_a_slash_in_the_text_would_be_a_folder_and_is_given_as_a_hyphen(system):
    ladaband = system("ladaband_upstream")
    request = ask(style="pop/rock, 4/4, a song about {rain}/wind")
    invocation = ladaband.invoke(request)
    assert "--texts=pop-rock, 4-4, a song about {brace}rain}/wind" in invocation.arguments
    assert invocation.rendering.notes == ("the first slashes of the text are given as hyphens",)
    (song,) = ladaband.generate([request])
    assert isinstance(song, Song), song


def test_ladaband_is_asked_for_the_accompaniment_alone_of_the_whole_vocal():
    words = build_system("ladaband_upstream", {"sampling_steps": 8}).invoke(ask()).arguments
    assert {"--acc_only", "--save_format=wav", "--vocal_fps={vocal}", "--seed=5", "--sampling_steps=8"} <= set(words)
    assert words[words.index("--seg_time") + 1 :][:2] == ("0", "-1")
    assert not [word for word in words if word.startswith("--ref_audios")]


def test_its_style_is_text_or_a_clip_or_both():
    audio, mixed = build_system("ladaband_upstream:audio"), build_system("ladaband_upstream:both")
    words, notes = audio.invoke(ask()).arguments, audio.invoke(ask()).rendering.notes
    assert "--ref_audios={prompt_audio}" in words and not [word for word in words if word.startswith("--texts")]
    assert notes == ("in the place of the text it hears the vector of an empty one",)
    assert {"--texts=pop/rock", "--ref_audios={prompt_audio}"} <= set(mixed.invoke(ask(style="pop/rock")).arguments)
    assert "no style audio" in mixed.unsupported(ask(prompt_audio=None))
    assert "no style in words" in build_system("ladaband_upstream").unsupported(ask(style=""))
    assert mixed.card.conditions == ("vocal", "style text", "prompt audio")


def test_songs_beyond_its_training_say_so():
    notes = build_system("ladaband_upstream").invoke(ask(seconds=200.0)).rendering.notes
    assert notes == ("longer than the 163.84 s that it was trained with",)


def test_anyaccomp_takes_no_style_and_says_so():
    system = build_system("anyaccomp", {"device": "cpu", "steps": 20})
    invocation = system.invoke(ask())
    assert invocation.rendering.notes == ("it takes no style",) and invocation.outputs == {
        "mix": "accompaniment/song.1.wav"
    }
    assert {"--device=cpu", "--n_timesteps=20", "--input_folder={vocal_folder}"} <= set(invocation.arguments)
    assert system.unsupported(ask(style="")) is None and "device" not in system.parameters


@pytest.mark.parametrize(
    "spec", ["anyaccomp", "ladaband_upstream", "ladaband_upstream:audio", "ladaband_upstream:both"]
)
def test_the_card_says_what_the_table_needs(spec):
    card = build_system(spec).card
    assert card.name == spec and card.tracks == ("v2a",) and card.vocal_rule == "left out" and card.pitfalls
    assert not faults_of_system(card)
    assert "never" in card.verified.lower()
    assert "no vocal" in build_system(spec).unsupported(ask(vocal=None))
