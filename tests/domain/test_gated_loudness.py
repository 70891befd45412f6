"""Gated loudness in pieces equals pyloudnorm's of the whole."""

import math

import numpy as np
import pyloudnorm
import pytest

from songbench.domain import gated_loudness as module
from songbench.domain.gated_loudness import gated_loudness


@pytest.mark.parametrize("seconds", [0.4, 0.46, 0.54, 3.337])
@pytest.mark.parametrize("channels", [1, 2, 5])
@pytest.mark.parametrize("rate", [16_000, 44_100, 47_999, 48_000])
def test_it_is_that_of_pyloudnorm(rate, channels, seconds, monkeypatch):
    monkeypatch.setattr(module, "_PIECE", 10_007)
    noise = np.random.default_rng(0).standard_normal((channels, math.ceil(seconds * rate)))
    samples = (noise * np.linspace(0, 0.3, noise.shape[1])).astype(np.float32)
    expected = pyloudnorm.Meter(rate).integrated_loudness(samples.T.astype(np.float64))
    assert gated_loudness(samples, rate) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("samples", [np.zeros((2, 48_000), np.float32), np.full((1, 48_000), 1e-6, np.float32)])
def test_silence_has_no_loudness(samples):
    assert gated_loudness(samples, 48_000) is None


@pytest.mark.parametrize("shape", [(2, 19_000), (6, 48_000)])
def test_less_than_a_block_and_unknown_channels_are_refused(shape):
    with pytest.raises(ValueError, match="no loudness"):
        gated_loudness(np.zeros(shape, np.float32), 48_000)
