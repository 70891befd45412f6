import numpy as np
import pytest

from songbench.contracts import registry
from songbench.domain.audio import Audio, MemoryAudio
from songbench.domain.damages import DAMAGES, STRENGTHS, VALIDATED, damages_of
from songbench.domain.errors import InputError
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import TRACKS, Prompt
from songbench.domain.song import Failure, Request
from systems.damaged import band

RATE = 16_000


def clicks(seconds=8.0, gap=0.5, hertz=1000.0):
    """A short tone at each of some moments, in two channels."""
    time = np.arange(round(0.05 * RATE)) / RATE
    wave = np.zeros(round(seconds * RATE), np.float32)
    for start in np.arange(0.1, seconds - 0.1, gap):
        wave[round(start * RATE) :][: len(time)] = 0.5 * np.sin(2 * np.pi * hertz * time)
    return Audio(np.stack([wave, 0.5 * wave]), RATE)


def first_sounds(audio):
    """When each click begins, in seconds."""
    loud = np.abs(audio.samples[0]) > 0.1
    places = np.flatnonzero(loud)
    return places[np.diff(places, prepend=-RATE) > 0.2 * RATE] / RATE


def request(**sources):
    prompt = Prompt(id="p", lyrics=parse_lyrics("[verse]\nla"), track="v2a", seconds=8.0)
    parts = {name: MemoryAudio(audio) for name, audio in sources.items()}
    return Request(prompt=prompt, take=0, seed=1, vocal=MemoryAudio(clicks(hertz=300.0)), **parts)


def damaged(name, **sources):
    return next(iter(registry.build_system(f"damaged:{name}", {"base": "oracle"}).generate([request(**sources)])))


@pytest.mark.parametrize("strength", STRENGTHS)
def test_a_late_band_keeps_its_length_and_loses_its_end(strength):
    late = band.late_band(clicks(), strength)
    assert late.samples.shape == clicks().samples.shape
    shift = band.LATE_SECONDS[strength - 1]
    assert first_sounds(late)[:5] == pytest.approx(first_sounds(clicks())[:5] + shift, abs=1e-3)


@pytest.mark.parametrize("strength", STRENGTHS)
def test_a_slower_band_drifts_away_at_its_own_pitch(strength):
    slow = band.slower_band(clicks(), strength)
    assert slow.samples.shape == clicks().samples.shape
    expected = first_sounds(clicks()) * (1 + band.SLOWER[strength - 1])
    assert first_sounds(slow)[:15] == pytest.approx(expected[:15], abs=0.02)
    spectrum = np.abs(np.fft.rfft(slow.samples[0]))
    assert np.fft.rfftfreq(slow.samples.shape[1], 1 / RATE)[spectrum.argmax()] == pytest.approx(1000, rel=0.01)


@pytest.mark.parametrize("strength", STRENGTHS)
def test_a_transposed_band_keeps_its_time(strength):
    high = band.transposed_band(clicks(), strength)
    spectrum = np.abs(np.fft.rfft(high.samples[0]))
    hertz = np.fft.rfftfreq(high.samples.shape[1], 1 / RATE)[spectrum.argmax()]
    assert hertz == pytest.approx(1000 * 2 ** (band.SEMITONES[strength - 1] / 12), rel=0.01)
    assert first_sounds(high)[:15] == pytest.approx(first_sounds(clicks())[:15], abs=0.03)


@pytest.mark.parametrize("strength", STRENGTHS)
def test_a_stopped_band_is_itself_and_then_silent(strength):
    stopped = band.stopped_band(clicks(), strength)
    end = round(max(8.0 * (4 - strength) / 4, 1.0) * RATE)
    assert not stopped.samples[:, end:].any()
    head = end - round(0.02 * RATE)
    assert np.array_equal(stopped.samples[:, :head], clicks().samples[:, :head])


@pytest.mark.parametrize("strength", STRENGTHS)
def test_a_mixed_vocal_lies_as_far_below_the_band_as_it_says(strength):
    truth, vocal = clicks(), clicks(hertz=300.0)
    added = band.mixed_vocal(truth, vocal.at(22_050), strength).samples - truth.samples
    level = 10 * np.log10(np.mean(added**2) / np.mean(truth.samples**2))
    assert level == pytest.approx(band.VOCAL_DB[strength - 1], abs=0.2)
    silent = Audio(np.zeros((1, RATE), np.float32), RATE)
    assert np.array_equal(band.mixed_vocal(truth, silent, strength).samples, truth.samples)


@pytest.mark.parametrize("name", damages_of("v2a"))
def test_every_damage_of_the_track_is_done_to_the_truth(name):
    truth = clicks()
    song = damaged(f"{name}-4", reference=truth, other_reference=clicks(gap=0.35, hertz=700.0))
    samples = song.audio.samples
    assert samples.shape == truth.samples.shape and np.isfinite(samples).all()
    assert np.abs(samples - truth.samples).max() > 1e-3
    assert registry.build_system(f"damaged:{name}-1", {"base": "oracle"}).card.tracks == ("v2a",)


def test_another_band_has_to_be_there():
    card = registry.build_system("damaged:other_band-1", {"base": "oracle"}).card
    assert card.conditions == ("reference song", "another reference song")
    outcome = damaged("other_band-2", reference=clicks())
    assert isinstance(outcome, Failure) and "no other prompt" in outcome.cause


def test_damage_of_one_track_is_not_done_to_songs_of_the_other():
    with pytest.raises(InputError, match="track v2a"):
        registry.build_system("damaged:late_band-1")
    with pytest.raises(InputError, match="track song"):
        registry.build_system("damaged:wrong_lyrics-1", {"base": "oracle"})


def test_each_track_has_damages_and_songs_to_damage():
    assert set(VALIDATED) == set(TRACKS)
    for damage in DAMAGES.values():
        assert damage.tracks and set(damage.tracks) <= set(TRACKS)
