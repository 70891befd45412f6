import numpy as np
import pytest
from accompaniments import band, melody, silence, values_of, verdict_of

from metrics.beats import beats_librosa
from metrics.functional.beats import level_f1, tempo
from songbench.domain.score import NotApplicable

METRIC = beats_librosa()


def test_counting_twice_or_half_as_fast_is_no_error_of_level():
    beats = np.arange(0, 20, 0.5)
    for counted in (beats, beats[::2], beats[1::2], np.arange(0, 20, 0.25)):
        assert level_f1(beats, counted) > 0.95
    assert level_f1(beats, beats + 0.1) < 0.1
    assert level_f1(beats, []) == 0


def test_tempo_is_the_median_and_needs_two_beats():
    assert tempo([0, 0.5, 1.0, 1.5, 3.0]) == 120
    assert tempo([1.0]) is None


def test_beats_of_the_truth_agree_and_those_of_a_late_band_do_not():
    truth = band()
    oracle, late = (values_of(METRIC, accompaniment, melody(), truth) for accompaniment in (truth, band(late=0.15)))
    assert oracle["beat_f1_ref"] == oracle["beat_f1_ref_level"] == 100
    assert oracle["tempo"] == pytest.approx(120, abs=3)
    assert late["beat_f1_ref"] < 30


def test_silence_has_no_beats_and_0_percent():
    verdict = verdict_of(METRIC, silence(), melody(), band())
    assert verdict.values["beat_f1_ref"] == verdict.values["beat_f1_vocal"] == 0
    assert verdict.missing == {"tempo": "no beats were found in the accompaniment"}


def test_what_there_is_nothing_to_compare_with_is_not_applicable():
    assert isinstance(verdict_of(METRIC, band()), NotApplicable)
    verdict = verdict_of(METRIC, band(), silence(), band())
    assert verdict.missing["beat_f1_vocal"] == "the vocal is silent"
