import sys

import numpy as np
import pytest
from accompaniments import RATE, band, melody, performance, silence, values_of, verdict_of

from metrics.functional import hpcp as profiles_of
from metrics.functional.pitch_profiles import HOP, best_transposition, frame_similarity, mean_similarity
from metrics.functional.pitch_profiles import RATE as HPCP_RATE
from metrics.hpcp import hpcp_own
from songbench.domain.audio import Audio
from songbench.domain.errors import InputError
from songbench.domain.score import NotApplicable

METRIC = hpcp_own()


def test_profiles_are_those_of_essentia():
    pytest.importorskip("essentia", reason="essentia (AGPL) is never installed here; see benchmarks/hpcp_essentia.py")
    sys.path.insert(0, "benchmarks")
    from hpcp_essentia import essentia_profiles

    samples = band().at(HPCP_RATE).samples[0]
    profiles, _ = profiles_of(samples)
    assert np.abs(essentia_profiles(samples)[: len(profiles)] - profiles).max() < 1e-3


def test_a_profile_says_which_pitch_classes_sound_and_when():
    audio = performance([(0.0, 57, 1.0), (1.0, 60, 1.0)], seconds=2.0, rate=HPCP_RATE)  # A, then C
    profiles, audible = profiles_of(audio.samples[0])
    assert profiles.shape == (int(np.ceil(2 * HPCP_RATE / HOP)), 12)
    assert audible.all()
    assert profiles[5].argmax() == 0 and profiles[30].argmax() == 3
    assert (profiles.max(axis=1) == 1).all()


def test_level_does_not_matter_until_nothing_is_audible():
    samples = band().at(HPCP_RATE).samples[0]
    loud, soft = (profiles_of(gain * samples)[0] for gain in (1.0, 0.1))
    assert np.abs(loud - soft).max() < 1e-3
    assert not profiles_of(1e-5 * samples)[1].any()
    assert not profiles_of(0 * samples)[0].any()


@pytest.mark.parametrize("samples", [[], [[0.1]], [np.nan], ["a"]])
def test_broken_samples_are_refused(samples):
    with pytest.raises(InputError, match="samples"):
        profiles_of(samples)


def test_other_rates_and_broken_profiles_are_refused():
    with pytest.raises(InputError, match="resample it to 44100"):
        profiles_of([0.1], 48_000)
    for broken in (np.ones((2, 11)), np.full((2, 12), -1.0), np.full((2, 12), np.nan), [], [["a"] * 12]):
        with pytest.raises(InputError, match="judged"):
            mean_similarity(np.ones((2, 12)), broken)
    with pytest.raises(InputError, match="at least one"):
        frame_similarity(np.ones((2, 12)), [False, False], np.ones((2, 12)))


def test_transpositions_are_found_and_equal_ones_are_none():
    rng = np.random.default_rng(0)
    profiles, audible = rng.random((50, 12)), np.ones(50, bool)
    for shift in range(-5, 7):
        assert best_transposition(profiles, audible, np.roll(profiles, shift, axis=1)) == shift
    assert best_transposition(np.ones((3, 12)), [True] * 3, np.ones((3, 12))) == 0


def test_the_truth_is_perfect_and_another_key_is_noticed():
    vocal, truth = melody(), band()
    oracle, higher = (values_of(METRIC, given, vocal, truth) for given in (truth, band(transpose=2)))
    assert oracle["hpcp_frame_ref"] == pytest.approx(100) and oracle["hpcp_key_ref"] == 0
    assert oracle["hpcp_frame_vocal"] > oracle["hpcp_frame_vocal_chance"] + 20
    assert oracle["hpcp_frame_vocal"] > higher["hpcp_frame_vocal"] + 20
    assert higher["hpcp_frame_ref"] < 50 and higher["hpcp_key_ref"] == 2
    assert higher["hpcp_mean_ref"] > higher["hpcp_frame_ref"], "means hardly tell songs apart"


def test_moments_without_a_band_count_against_it():
    truth = band()
    half = Audio(truth.samples * (np.arange(truth.samples.shape[1]) < truth.samples.shape[1] / 2), RATE)
    short = Audio(truth.samples[:, : truth.samples.shape[1] // 2], RATE)
    for partial in (half, short):
        assert values_of(METRIC, partial, melody(), truth)["hpcp_frame_ref"] == pytest.approx(50, abs=2)
    for quiet in (silence(), silence(0.3)):
        values = values_of(METRIC, quiet, melody(), truth)
        assert values == {"hpcp_frame_ref": 0, "hpcp_frame_vocal": 0}


def test_what_there_is_nothing_to_compare_with_is_not_applicable():
    assert verdict_of(METRIC, band()) == NotApplicable("the prompt has no true accompaniment; the prompt has no vocal")
    verdict = verdict_of(METRIC, band(), silence(), band())
    assert {verdict.missing[name] for name in ("hpcp_frame_vocal", "hpcp_key_vocal")} == {"the vocal is silent"}
