import numpy as np
import pytest
from accompaniments import FEATURES, SECONDS, answer, band, melody, silence, values_of, verdict_of

from metrics.features.onsets import Onsets
from metrics.functional.onsets import BEAT_WINDOW, agreement, chance_agreement
from metrics.onset_f1 import onset_f1_librosa
from songbench.contracts.feature import Feature
from songbench.domain.audio import Audio, MemoryAudio
from songbench.domain.errors import InputError
from songbench.domain.score import NotApplicable, Scores

METRIC = onset_f1_librosa()


@pytest.mark.parametrize("window", [0.02, 0.05, 0.3])
def test_agreement_is_that_of_mir_eval(window):
    onset = pytest.importorskip("mir_eval.onset", reason="mir_eval, of requirements/dev-lock.txt, is not installed")
    beat = pytest.importorskip("mir_eval.beat")
    rng = np.random.default_rng(0)
    for _ in range(30):
        reference, estimate = (np.sort(rng.uniform(0, 10, rng.integers(1, 60))) for _ in range(2))
        result = agreement(reference, estimate, window)
        assert (result.f1, result.precision, result.recall) == pytest.approx(
            onset.f_measure(reference, estimate, window)
        )
        assert agreement(reference, estimate, BEAT_WINDOW).f1 == pytest.approx(beat.f_measure(reference, estimate))


def test_figures_of_music_are_those_of_librosa_and_mir_eval():
    """Found and matched by both packages as their documentation shows, from the audio on."""
    librosa, onset = pytest.importorskip("librosa"), pytest.importorskip("mir_eval.onset")
    vocal, truth, late = melody(), band(), band(late=0.03)
    values = values_of(METRIC, late, vocal, truth)
    times = {}
    for name, audio in (("late", late), ("ref", truth), ("vocal", vocal)):
        samples = audio.mono().at(22_050).samples[0]
        times[name] = librosa.onset.onset_detect(y=samples, sr=22_050, units="time")
    f1_ref, *_ = onset.f_measure(times["ref"], times["late"], window=0.05)
    f1_vocal, _, recall_vocal = onset.f_measure(times["vocal"], times["late"], window=0.05)
    assert 0 < f1_vocal < f1_ref <= 1
    expected = {"onset_f1_ref": f1_ref, "onset_f1_vocal": f1_vocal, "onset_recall_vocal": recall_vocal}
    assert {name: values[name] / 100 for name in expected} == pytest.approx(expected)


def test_lists_without_moments_and_moments_that_are_none():
    assert agreement([], [1.0]).f1 == agreement([1.0], []).f1 == agreement([], []).f1 == 0
    for broken in ([[1.0]], [np.nan], [-1.0], ["late"]):
        with pytest.raises(InputError, match="estimate"):
            agreement([1.0], broken)
    with pytest.raises(InputError, match="window"):
        agreement([1.0], [1.0], -0.1)
    with pytest.raises(InputError, match="duration"):
        chance_agreement([1.0], [1.0], 0.0)


def test_chance_follows_density_and_not_order():
    rng = np.random.default_rng(0)
    dense, thin = (np.sort(rng.uniform(0, 60, count)) for count in (300, 60))
    assert chance_agreement(dense, dense, 60).f1 > chance_agreement(thin, thin, 60).f1 + 0.2
    unrelated = np.sort(rng.uniform(0, 60, 300))
    assert agreement(dense, unrelated).f1 == pytest.approx(chance_agreement(dense, unrelated, 60).f1, abs=0.05)


def test_onsets_are_found_where_notes_begin():
    (feature,) = FEATURES.of(Onsets(), [MemoryAudio(band())])
    beats = np.arange(1, SECONDS / 0.5) * 0.5
    assert agreement(beats, feature.arrays["times"]).recall > 0.95
    assert feature.data == {"seconds": SECONDS}


def test_the_true_band_is_perfect_and_one_that_comes_late_is_at_chance():
    vocal, truth = melody(), band()
    oracle, late = (values_of(METRIC, given, vocal, truth) for given in (truth, band(late=0.2)))
    assert oracle["onset_f1_ref"] == 100 > oracle["onset_f1_ref_chance"]
    assert late["onset_f1_ref"] < 20
    assert oracle["onset_recall_vocal"] > late["onset_recall_vocal"] + 30
    assert oracle["onset_density"] == pytest.approx(2, abs=0.3)
    assert values_of(METRIC, vocal, vocal, truth)["onset_f1_vocal"] == 100


def test_a_silent_or_tiny_accompaniment_has_no_onset_and_0_percent():
    for quiet in (silence(), silence(0.3), melody(seconds=0.3)):
        values = values_of(METRIC, quiet, melody(), band())
        assert {value for name, value in values.items()} == {0}


def test_what_there_is_nothing_to_compare_with_is_not_applicable():
    alone = verdict_of(METRIC, band())
    assert alone == NotApplicable("the prompt has no true accompaniment; the prompt has no vocal")
    silent = verdict_of(METRIC, band(), silence(), melody(seconds=0.3))
    assert silent == NotApplicable("the true accompaniment is shorter than 1 s; the vocal is silent")


def test_a_vocal_without_onsets_is_nothing_to_compare_with():
    class Planted:
        def of(self, extractor, sources):
            return [Feature({"times": np.zeros(0)}, {"seconds": 3.0}) for _ in sources]

    (verdict,) = METRIC.score([answer(band(), melody(), band())], Planted())
    assert verdict == NotApplicable("the true accompaniment has no onsets; the vocal has no onsets")


def test_a_vocal_without_truth_leaves_its_fields_empty_and_says_why():
    verdict = verdict_of(METRIC, band(), melody())
    assert isinstance(verdict, Scores)
    assert set(verdict.missing) == {"onset_f1_ref", "onset_f1_ref_chance"}
    assert set(verdict.missing.values()) == {"the prompt has no true accompaniment"}
    assert set(verdict.detail["onsets_per_second"]) == {"accompaniment", "vocal"}


def test_telephone_and_clipped_audio_are_scored():
    telephone = melody(rate=8000)
    clipped = Audio(np.clip(band().samples * 20, -1, 1), 22_050)
    for accompaniment, vocal in ((band(), telephone), (clipped, melody())):
        assert values_of(METRIC, accompaniment, vocal, band())["onset_f1_ref"] > 60
    assert answer(band()).request.vocal is None
