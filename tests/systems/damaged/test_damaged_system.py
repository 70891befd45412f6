import numpy as np
import pytest

from songbench.contracts import registry
from songbench.contracts.cards import ASPECTS
from songbench.domain.audio import MemoryAudio
from songbench.domain.damages import DAMAGES, STRENGTHS, damages_of
from songbench.domain.errors import InputError
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.song import Failure, Request
from systems.damaged import system, words

LYRICS = parse_lyrics("[intro] [intro]\n\n[verse]\nDown by the river\nthe water is slow\n\n[chorus]\nCome home\n")
PROMPT = Prompt(id="p", lyrics=LYRICS, seconds=9.0, style="folk")


@pytest.fixture(scope="module")
def clean():
    return next(iter(registry.build_system("rulebased").generate([Request(prompt=PROMPT, take=0, seed=3)])))


@pytest.fixture(scope="module")
def request_(clean):
    return Request(prompt=PROMPT, take=0, seed=3, prompt_audio=MemoryAudio(clean.audio.cut(2.0, 2.0)))


def damaged(name, request):
    return next(iter(registry.build_system(f"damaged:{name}").generate([request])))


@pytest.mark.parametrize("name", damages_of("song"))
def test_every_damage_changes_the_song_and_says_what_still_holds(name, clean, request_):
    song = damaged(f"{name}-4", request_)
    assert song.request is request_
    audio, source = song.audio.samples, clean.audio.samples
    assert np.isfinite(audio).all()
    assert audio.shape != source.shape or np.abs(audio - source).max() > 1e-3
    for stem in song.stems.values():
        assert stem.load().samples.shape == audio.shape
    if song.sections:
        assert song.sections[-1].end == pytest.approx(song.audio.seconds, abs=0.6)
    assert song.record.seconds is None, "the time of the base is not the time of this song"


def test_what_is_sung_changes_and_what_is_asked_does_not(request_, clean):
    wrong, twice = damaged("wrong_lyrics-4", request_), damaged("repeated_lines-4", request_)
    assert wrong.prompt == twice.prompt == PROMPT
    assert not {word.text for word in wrong.words} & {"river", "water"}
    assert [word.text for word in twice.words].count("river") == 2
    assert [word.text for word in clean.words].count("river") == 1


@pytest.mark.parametrize("strength", STRENGTHS)
def test_wrong_lines_are_counted(strength):
    lyrics = parse_lyrics("[verse]\n" + "\n".join(f"line number {i}" for i in range(8)))
    changed = words.wrong_lyrics(lyrics, "en", strength, 1)
    assert sum(a != b for a, b in zip(lyrics.lines, changed.lines, strict=True)) == 2 * strength
    assert len(words.repeated_lines(lyrics, strength, 1).lines) == 8 + 2 * strength
    assert all(line in words.OTHER_LINES["zh"] for line in words.wrong_lyrics(lyrics, "zh", 4, 1).lines)


def test_what_the_base_does_not_give_cannot_be_damaged_and_the_rest_can(request_):
    for name, cause in (
        ("voice_removed-1", "no vocal stem"),
        ("shuffled_sections-1", "where its sections lie"),
        ("dropped_lines-1", "no vocal stem"),
    ):
        outcome = next(iter(registry.build_system(f"damaged:{name}", {"base": "noise"}).generate([request_])))
        assert isinstance(outcome, Failure)
        assert cause in outcome.cause
    fine = next(iter(registry.build_system("damaged:lowpass-1", {"base": "noise"}).generate([request_])))
    assert not isinstance(fine, Failure)
    bare = Request(prompt=PROMPT, take=0, seed=3)
    assert "no audio to copy" in next(iter(registry.build_system("damaged:prompt_copied-1").generate([bare]))).cause


@pytest.mark.parametrize("variant", [":nois-3", ":noise-5", ":noise"])
def test_a_misspelt_damage_is_refused_with_the_nearest(variant):
    with pytest.raises(InputError, match=r"damaged:NAME-STRENGTH") as caught:
        registry.build_system(f"damaged{variant}")
    assert "nois" not in variant or "noise" in str(caught.value)


def test_without_a_damage_the_songs_stay_as_they_are(clean, request_):
    system = registry.build_system("damaged")
    assert "wrong_lyrics" in system.card.summary
    song = next(iter(system.generate([request_])))
    np.testing.assert_array_equal(song.audio.samples, clean.audio.samples)


def test_the_catalogue_speaks_of_known_aspects():
    for damage in DAMAGES.values():
        assert damage.harms
        assert set(damage.harms) | set(damage.touches) <= set(ASPECTS)
        assert not set(damage.harms) & set(damage.touches)
        assert len(damage.strengths) == len(STRENGTHS)


def test_the_same_request_gives_the_same_samples_in_another_order(request_):
    first = [damaged(name, request_).source.digest for name in ("noise-2", "dropped_lines-1")]
    system._bases.clear()  # of no use to other tests, so this one comes last
    assert [damaged(name, request_).source.digest for name in ("dropped_lines-1", "noise-2")] == first[::-1]
