"""The gain rule on signals whose loudness is known because they were made here."""

import numpy as np
import pytest

from songbench.domain.audio import Audio
from songbench.domain.mixing import HIGHEST_PEAK_DBFS, LOUDNESS_LUFS, mix_with_vocal


def tone(hertz, seconds, *, level=0.1, rate=24_000, channels=1):
    times = np.arange(round(seconds * rate)) / rate
    return Audio(np.tile((level * np.sin(2 * np.pi * hertz * times)).astype(np.float32), (channels, 1)), rate)


def silence(seconds, rate=24_000):
    return Audio(np.zeros((1, round(seconds * rate)), np.float32), rate)


def power(audio, hertz):
    """Of one tone in the first channel, in dB relative to a full-scale sine."""
    samples = audio.samples[0]
    times = np.arange(len(samples)) / audio.rate
    return 20 * np.log10(2 * abs(np.mean(samples * np.exp(-2j * np.pi * hertz * times))))


def test_both_are_brought_to_one_loudness_whatever_their_level_and_layout():
    quiet_mono, loud_stereo = tone(997, 2, level=0.002), tone(1500, 2, level=0.9, channels=2)
    mix = mix_with_vocal(quiet_mono, loud_stereo)
    assert mix.samples.shape == (2, 48_000)
    assert mix.samples.dtype == np.float32
    assert power(mix, 997) == pytest.approx(LOUDNESS_LUFS, abs=0.1)  # a 997 Hz sine on both sides: 0 dBFS is 0 LUFS
    assert power(mix, 1500) == pytest.approx(LOUDNESS_LUFS, abs=1.5)  # the filter of BS.1770 hears it a little louder


def test_the_level_of_what_comes_in_makes_no_difference():
    vocal, band = tone(440, 1), tone(660, 1, level=0.3)
    louder = mix_with_vocal(tone(440, 1, level=0.5), tone(660, 1, level=0.01))
    np.testing.assert_allclose(mix_with_vocal(vocal, band).samples, louder.samples, atol=1e-5)


def test_the_longer_one_and_the_higher_rate_decide():
    mix = mix_with_vocal(tone(440, 2, rate=16_000), tone(660, 1, rate=24_000))
    assert mix.rate == 24_000
    assert mix.seconds == 2
    assert power(mix.cut(1.2, 0.5), 660) < -60
    assert mix_with_vocal(tone(440, 1), tone(660, 2)).seconds == 2


def test_silence_stays_silence_and_is_no_error():
    vocal = tone(997, 1)
    assert power(mix_with_vocal(vocal, silence(1)), 997) == pytest.approx(LOUDNESS_LUFS, abs=0.1)
    assert not mix_with_vocal(silence(1), silence(1)).samples.any()
    assert not mix_with_vocal(silence(0), silence(0.1)).samples.any()


def test_what_is_below_the_gate_is_not_raised():
    hiss = tone(997, 1, level=1e-5)
    assert np.abs(mix_with_vocal(silence(1), hiss).samples).max() == pytest.approx(1e-5, rel=1e-3)


def test_less_than_a_block_of_loudness_is_mixed_too():
    mix = mix_with_vocal(tone(997, 0.3), silence(0.3))
    assert mix.seconds == pytest.approx(0.3)
    assert np.abs(mix.samples).max() > 0.05


def test_one_gain_keeps_the_peak_below_full_scale():
    clicks = silence(2)
    clicks.samples[0, ::6000] = 0.9
    mix = mix_with_vocal(clicks, tone(440, 2))
    assert np.abs(mix.samples).max() == pytest.approx(10 ** (HIGHEST_PEAK_DBFS / 20), rel=1e-5)


@pytest.mark.parametrize("rate", [8_000, 11_025])
def test_low_rates_and_many_channels(rate):
    mix = mix_with_vocal(tone(997, 1, rate=rate), tone(500, 1, rate=rate, channels=4))
    assert mix.rate == rate
    assert power(mix, 997) == pytest.approx(LOUDNESS_LUFS, abs=0.2)
