import numpy as np
import pytest
from accompaniments import CHORDS, FEATURES, RATE, SECONDS, band, melody, silence, values_of, verdict_of

from metrics.chord_fit import chord_fit_hpcp
from metrics.features.pitch import STEP, Pitch
from metrics.features.profiles import PitchProfiles
from metrics.functional.triads import BLOCK, NO_CHORD, chord_fit, chords
from songbench.domain.audio import Audio, MemoryAudio
from songbench.domain.errors import InputError
from songbench.domain.score import NotApplicable

METRIC = chord_fit_hpcp()
NAMES = [0, 21, 5, 7]  # of CHORDS: C major, A minor, F major, G major


def test_the_chords_of_a_band_are_heard():
    (feature,) = FEATURES.of(PitchProfiles(), [MemoryAudio(band())])
    course = chords(feature.arrays["profiles"], feature.arrays["audible"])
    truth = np.repeat(NAMES * 2, round(2 / BLOCK))[: len(course)]
    assert len(CHORDS) == len(NAMES)
    assert len(course) == pytest.approx(SECONDS / BLOCK, abs=1)
    assert (course[: len(truth)] == truth).mean() > 0.9


def test_where_nothing_is_audible_there_is_no_chord():
    profiles = np.ones((44, 12))
    audible = np.arange(44) < 22
    course = chords(profiles, audible)
    assert (course[5:] == NO_CHORD).all() and (course[:4] != NO_CHORD).all()
    with pytest.raises(InputError, match="audible"):
        chords(profiles, audible[:-1])


def test_a_steady_pitch_is_read_in_hertz():
    time = np.arange(3 * RATE) / RATE
    wave = 0.1 * sum(np.sin(2 * np.pi * 220 * k * time) / k for k in range(1, 9))
    wave[RATE : 2 * RATE] = 0
    (feature,) = FEATURES.of(Pitch(), [MemoryAudio(Audio(wave.astype(np.float32)[None], RATE))])
    hertz = feature.arrays["hertz"]
    assert np.median(hertz[20:80]) == pytest.approx(220, rel=0.005)
    assert not hertz[120:180].any()
    assert len(hertz) == pytest.approx(3 / STEP, abs=2)


def test_all_keys_together_fit_a_quarter():
    rng = np.random.default_rng(0)
    hertz = 440 * 2 ** (rng.integers(-12, 12, 500) / 12)
    course = rng.integers(0, 24, 21)
    fits = [chord_fit(hertz * 2 ** (shift / 12), 0.01, course).fit for shift in range(12)]
    assert np.mean(fits) == pytest.approx(0.25)


@pytest.mark.parametrize("hertz", [[], [0.0], [-1.0, 2.0], [np.nan], [[220.0]]])
def test_melodies_without_pitch_are_refused(hertz):
    with pytest.raises(InputError, match="hertz"):
        chord_fit(hertz, 0.01, [0])
    with pytest.raises(InputError, match="course"):
        chord_fit([220.0], 0.01, [24])


def test_a_melody_fits_its_band_and_not_another_key_or_order():
    oracle, higher = (values_of(METRIC, accompaniment, melody()) for accompaniment in (band(), band(transpose=1)))
    assert oracle["chord_fit"] > 85 and oracle["chord_fit_key"] == 0
    assert oracle["chord_fit"] > oracle["chord_fit_chance"] + 20
    assert higher["chord_fit"] < 30 and higher["chord_fit_key"] == 1


def test_a_silent_band_has_0_percent_and_half_a_band_half():
    silent = verdict_of(METRIC, silence(), melody())
    assert silent.values == {"chord_fit": 0}
    assert set(silent.missing) == {"chord_fit_chance", "chord_fit_key"}
    half = Audio(band().samples[:, : round(RATE * SECONDS / 2)], RATE)
    assert values_of(METRIC, half, melody())["chord_fit"] == pytest.approx(50, abs=8)


def test_vocals_without_a_melody_are_not_applicable():
    noise = Audio(np.random.default_rng(0).uniform(-0.1, 0.1, (1, 4 * RATE)).astype(np.float32), RATE)
    reasons = {
        "the prompt has no vocal": None,
        "the vocal is silent": silence(),
        "the vocal is shorter than 1 s": melody(seconds=0.3),
        "the vocal has less than 1 s of pitch": noise,
    }
    for reason, vocal in reasons.items():
        assert verdict_of(METRIC, band(), vocal) == NotApplicable(reason)
