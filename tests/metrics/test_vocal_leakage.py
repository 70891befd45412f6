import numpy as np
import pytest
from accompaniments import RATE, band, melody, silence, values_of, verdict_of

from metrics.functional import leakage
from metrics.functional.vocal_leakage import RATE as LEAKAGE_RATE
from metrics.loudness_balance import loudness_balance, sung_blocks
from metrics.vocal_leakage import vocal_leakage_coherence
from songbench.domain.audio import Audio
from songbench.domain.errors import InputError
from songbench.domain.score import NotApplicable

LEAKAGE, BALANCE = vocal_leakage_coherence(), loudness_balance()


def test_copies_are_found_at_any_level_sign_delay_and_equaliser():
    rng = np.random.default_rng(0)
    vocal = rng.standard_normal(8 * LEAKAGE_RATE) * np.repeat(rng.random(80), LEAKAGE_RATE // 10)
    for copy, delay in ((-0.01 * vocal, 0), (np.roll(vocal, 4000), 0.25), (np.roll(vocal, -7000), -0.4375)):
        result = leakage(vocal, copy)
        assert result.share > 0.97 and result.delay == pytest.approx(delay)
    equalised = np.convolve(vocal, [1.0, -0.9], "same")
    assert leakage(vocal, equalised).share > 0.95


def test_the_share_follows_the_level_and_ends_at_chance():
    rng = np.random.default_rng(1)
    vocal, noise = rng.standard_normal((2, 8 * LEAKAGE_RATE))
    shares = [leakage(vocal, noise + gain * vocal).share for gain in (1.0, 0.3, 0.1)]
    assert shares == pytest.approx([0.5, 0.083, 0.01], abs=0.02)
    unrelated = leakage(vocal, noise)
    assert unrelated.share == pytest.approx(unrelated.chance, abs=0.003)


@pytest.mark.parametrize("vocal", [np.ones(100), np.zeros(LEAKAGE_RATE), np.full(LEAKAGE_RATE, np.nan)])
def test_what_cannot_leak_is_refused(vocal):
    with pytest.raises(InputError):
        leakage(vocal, np.ones(LEAKAGE_RATE))
    with pytest.raises(InputError, match="resample"):
        leakage(np.ones(LEAKAGE_RATE), np.ones(LEAKAGE_RATE), 8000)


def test_a_copy_of_the_vocal_is_noticed_and_a_band_is_not():
    vocal = melody()
    assert values_of(LEAKAGE, vocal, vocal)["vocal_leakage"] == pytest.approx(100, abs=0.1)
    stereo = Audio(np.repeat(0.5 * vocal.at(44_100).samples, 2, axis=0), 44_100)
    assert values_of(LEAKAGE, stereo, vocal)["vocal_leakage"] > 95
    clean = values_of(LEAKAGE, band(), melody(transpose=1))
    mixed = Audio(band().samples + vocal.samples, RATE)
    assert clean["vocal_leakage"] < 10 < values_of(LEAKAGE, mixed, vocal)["vocal_leakage"]


def test_silence_leaks_nothing():
    for accompaniment, vocal, reason in (
        (band(), None, "the prompt has no vocal"),
        (silence(), melody(), "the accompaniment is silent"),
        (band(), silence(), "the vocal is silent"),
        (band(seconds=0.5), melody(), "the accompaniment is shorter than 1 s"),
    ):
        assert verdict_of(LEAKAGE, accompaniment, vocal) == NotApplicable(reason)
    late = Audio(np.concatenate([np.zeros((1, 4 * RATE), np.float32), melody().samples], axis=1), RATE)
    assert "while the other lasts" in verdict_of(LEAKAGE, band(seconds=2.0), late).reason


def test_balance_is_the_difference_of_loudness_where_somebody_sings():
    vocal = melody()
    assert values_of(BALANCE, vocal, vocal) == {"loudness_balance": 0}
    louder = Audio(2 * vocal.samples, RATE)
    assert values_of(BALANCE, louder, vocal)["loudness_balance"] == pytest.approx(6.02, abs=0.05)
    pause = ~np.repeat(sung_blocks(vocal), RATE // 10)[: vocal.samples.shape[1]]
    noisy = Audio(np.where(pause, 0.5, vocal.samples).astype(np.float32), RATE)
    assert pause.any() and values_of(BALANCE, noisy, vocal)["loudness_balance"] == pytest.approx(0, abs=0.05)


def test_balance_with_silence_is_not_applicable():
    for accompaniment, vocal in ((silence(), melody()), (band(), silence()), (band(), melody(seconds=0.3))):
        assert "no loudness" in verdict_of(BALANCE, accompaniment, vocal).reason
    assert verdict_of(BALANCE, band()) == NotApplicable("the prompt has no vocal")
