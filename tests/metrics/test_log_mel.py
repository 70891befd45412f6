"""The spectrogram that Whisper hears: upstream's numbers, and the same ones whatever BLAS chooses."""

import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor

from metrics.features.log_mel import LogMel

UPSTREAM = FeatureExtractor()


@pytest.mark.parametrize("samples", [250, 400, 15_999, 16_000, 16_081, 160_000])
def test_is_upstream_s_within_rounding(samples):
    waveform = (0.1 * np.random.default_rng(samples).normal(size=samples)).astype(np.float32)
    spectrogram, expected = LogMel(UPSTREAM)(waveform), UPSTREAM(waveform)
    assert spectrogram.dtype == np.float32 and spectrogram.shape == expected.shape
    assert spectrogram == pytest.approx(expected, abs=2e-6)


def test_of_silence_is_flat():
    assert np.unique(LogMel(UPSTREAM)(np.zeros(16_000, np.float32))).size == 1


def test_has_the_sizes_that_faster_whisper_asks_for():
    mel = LogMel(UPSTREAM)
    assert (mel.sampling_rate, mel.hop_length, mel.nb_max_frames) == (16_000, 160, 3000)
