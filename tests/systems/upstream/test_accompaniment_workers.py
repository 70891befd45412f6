"""Accompaniments by workers that call other people's functions: what those are given, and what comes back."""

import re
import sys

import accompaniment_modules
import numpy as np
import pytest
from accompanying import ask, before_stand_in, vocal

from songbench.contracts.card_checks import faults_of_system
from songbench.contracts.cards import VOCAL_RULES
from songbench.contracts.registry import build_system
from songbench.domain.audio import Audio, MemoryAudio
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.song import Failure, Song

SYSTEMS = {
    "fastsag": (accompaniment_modules.FASTSAG, {"steps": 4}),
    "musecontrollite": (accompaniment_modules.MUSECONTROLLITE, {"steps": 4}),
    "songecho": (accompaniment_modules.SONGECHO, {"infer_steps": 4}),
}
TONE = vocal(3.5, rate=16_000)


@pytest.fixture(scope="module")
def roots(tmp_path_factory):
    """A system and its folder, by the way it is called."""
    built = {}
    with pytest.MonkeyPatch.context() as patch:
        for name, (files, settings) in SYSTEMS.items():
            root = tmp_path_factory.mktemp(name)
            accompaniment_modules.lay_out(files, root / "code")
            built[name] = (before_stand_in(name, root, patch, python=sys.executable, **settings), root)
        yield built
        for system, _ in built.values():
            system.close()


@pytest.fixture
def system(roots, monkeypatch):
    """A function that gives the system of a name, its weights where they are looked for."""

    def choose(name):
        built, root = roots[name]
        for function in ("path", "verified"):
            monkeypatch.setattr(f"songbench.resources.weights.{function}", lambda entry: root / "weights" / entry.name)
        return built

    return choose


@pytest.mark.parametrize(
    ("name", "rate", "channels"), [("fastsag", 24_000, 1), ("musecontrollite", 44_100, 2), ("songecho", 48_000, 2)]
)
def test_it_follows_from_its_seed_and_has_the_length_of_the_vocal(system, roots, name, rate, channels):
    song, repetition, variation = system(name).generate([ask(TONE), ask(TONE), ask(TONE, seed=6)])
    assert isinstance(song, Song), song
    assert song.audio.rate == rate and song.audio.samples.shape == (channels, round(3.5 * rate))
    assert np.array_equal(song.audio.samples, repetition.audio.samples)
    assert not np.array_equal(song.audio.samples, variation.audio.samples)
    assert song.record.conditions == system(name).card.conditions and not song.record.loading_included
    assert not list((roots[name][1] / "code").rglob("__pycache__")), "the checkout was written into"


@pytest.mark.parametrize(
    ("name", "fault", "words"),
    [
        ("fastsag", {"seed": 13}, "tensors of different sizes"),
        ("musecontrollite", {"style": "crash"}, "out of memory"),
        ("songecho", {"style": "crash"}, "out of memory"),
    ],
)
def test_what_goes_wrong_is_told_and_the_next_song_is_made(system, name, fault, words):
    failure, song = system(name).generate([ask(TONE, **fault), ask(TONE)])
    assert isinstance(failure, Failure) and re.search(words, failure.cause), failure
    assert isinstance(song, Song), song


def test_what_is_longer_than_a_system_hears_is_refused_before_or_when_it_is_seen(system):
    for name, seconds, most in (("fastsag", 10.5, "10"), ("musecontrollite", 48.0, "47.55")):
        assert f"of which the system takes {most}" in system(name).unsupported(ask(seconds=seconds))
        (failure,) = system(name).generate([ask(vocal(seconds, rate=8_000))])
        assert isinstance(failure, Failure) and f"of which the system takes {most}" in failure.cause
    (failure,) = system("songecho").generate([ask(vocal(0.3))])
    assert isinstance(failure, Failure) and "has 0.30 s; the system needs 3 s" in failure.cause


def test_fastsag_gives_the_accompaniment_before_the_vocal_is_added(system):
    (song,) = system("fastsag").generate([ask(TONE)])
    expected = 0.9 * np.random.default_rng(5).uniform(-1, 1, 240_000 - 128)[: round(3.5 * 24_000)]
    assert np.allclose(song.audio.samples[0], expected, atol=1e-6)
    assert song.record.rendering.notes == ("it takes no style",)
    second = build_system("fastsag", {"vocoder": "v2"})
    assert second.parameters["weights"].keys() != system("fastsag").parameters["weights"].keys()


def test_what_is_followed_is_a_variant_of_its_own():
    usual, melody = build_system("musecontrollite"), build_system("musecontrollite:melody")
    assert usual.settings["condition_type"] == ["dynamics", "rhythm", "melody_mono"]
    assert melody.settings["condition_type"] == ["melody_mono"] and melody.card.name == "musecontrollite:melody"
    assert "no style in words" in usual.unsupported(ask(style=""))


def test_a_cover_says_that_a_voice_of_its_own_sounds_in_it(system):
    lyrics = parse_lyrics("[intro] [intro]\n\n[verse]\nMorning comes in\nWhat is that?\n")
    (song,) = system("songecho").generate([ask(TONE, lyrics=lyrics)])
    assert isinstance(song, Song), song
    assert song.record.notes == (VOCAL_RULES["sung anew"], "1 lines could not be read and were left out")
    assert song.record.rendering.lyrics == "[Intro]\n\n[Verse]\nMorning comes in\nWhat is that?\n"
    assert system("songecho").card.vocal_rule == "sung anew"


def test_a_vocal_without_a_pitch_is_no_melody(system):
    hiss = MemoryAudio(Audio(np.full((1, 48_000 * 3), 0.01, dtype="float32"), 48_000))
    (failure,) = system("songecho").generate([ask(hiss)])
    assert isinstance(failure, Failure) and "no pitch was found in the vocal" in failure.cause


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"lyrics_known": False}, "nobody says which words"),
        ({"lyrics": parse_lyrics("[inst] [inst]")}, "nothing is sung"),
        ({"style": "x" * 257}, "257 characters, of which the system takes 256"),
        ({"style": ""}, "no style in words"),
        ({"language": "sv"}, "does not sing sv"),
    ],
)
def test_what_songecho_cannot_sing_is_unsupported(facts, reason):
    assert reason in build_system("songecho").unsupported(ask(**facts))


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_card_says_what_a_table_needs(name):
    card = build_system(name).card
    assert not faults_of_system(card) and card.tracks == ("v2a",) and card.conditions[0] == "vocal"
    for fact in ("upstream", "code_licence", "weights_licence", "length_rule", "vocal_rule", "seed_rule", "output"):
        assert getattr(card, fact), fact
    assert card.pitfalls and "never" in card.verified.lower()
    assert "no vocal" in build_system(name).unsupported(ask(vocal=None))
