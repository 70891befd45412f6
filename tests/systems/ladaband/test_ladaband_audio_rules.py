"""Filters, levels and schedules of training where upstream has no numbers."""

import numpy as np
import pytest
import torch

from songbench.domain.errors import InputError
from systems.ladaband.training.equaliser import RANGES, Filter, equalised, random_filters
from systems.ladaband.training.loudness import at_training_level
from systems.training.learning_rate import CosineSchedule


def level(filtered, frequency):
    """The gain in dB at a frequency of what a filter made of an impulse at 48 kHz."""
    spectrum = np.abs(np.fft.rfft(filtered[0]))
    return 20 * np.log10(spectrum[round(frequency * filtered.shape[1] / 48_000)] / 0.25)


def impulse():
    samples = np.zeros((1, 48_000), np.float32)
    samples[0, 0] = 0.25
    return samples


@pytest.mark.parametrize(
    ("shape", "lifted", "untouched"),
    [("low shelf", 20, 12_000), ("peak", 1500, 20_000), ("high shelf", 20_000, 60)],
)
def test_filters_lift_their_band_by_their_gain(shape, lifted, untouched):
    filtered = Filter(shape, 3.0, 1500.0, 0.7)(impulse(), 48_000)
    assert level(filtered, lifted) == pytest.approx(3.0, abs=0.1)
    assert level(filtered, untouched) == pytest.approx(0.0, abs=0.15)


def test_filters_are_drawn_within_their_ranges_or_left_out():
    generator = torch.Generator().manual_seed(0)
    draws = [random_filters(generator) for _ in range(400)]
    applied = [filters for filters in draws if filters]
    assert 0.6 < len(applied) / len(draws) < 0.8
    for filters in applied:
        assert [one.shape for one in filters] == list(RANGES)
        for band in filters:
            values = (band.gain, band.frequency, band.quality)
            assert all(low <= value <= high for value, (low, high) in zip(values, RANGES[band.shape], strict=True))
    assert not any(random_filters(generator, chance=0.0) for _ in range(20))
    samples = impulse()
    assert equalised(samples, 48_000, ()) is samples


def test_level_of_training():
    tone = np.sin(np.arange(48_000) * 0.1, dtype=np.float32)[None] * np.float32(0.01)
    assert 20 * np.log10(np.sqrt(np.mean(at_training_level(tone) ** 2))) == pytest.approx(-16, abs=1e-3)
    assert 20 * np.log10(np.abs(at_training_level(impulse())).max()) == pytest.approx(-1, abs=1e-3)
    assert at_training_level(np.zeros((2, 0), np.float32)).shape == (2, 0)


def test_schedule_stays_at_zero_and_refuses_what_never_falls():
    assert CosineSchedule(total=10, warm_up=2)(25) == pytest.approx(0)
    assert CosineSchedule(total=10)(0) == 1
    with pytest.raises(InputError, match="no room"):
        CosineSchedule(total=10, warm_up=6, hold=4)
