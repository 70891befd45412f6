"""The frequency balance of accompaniments and references, varied at random before they are tokenised.

Three second-order filters of R. Bristow-Johnson's Audio EQ Cookbook: a shelf that takes some bass away, a peak that
lifts the middle, a shelf that lifts the treble; after each the signal is clamped to full scale. The recursion runs in
float64; the float32 recursion of torchaudio differs from it by up to 2.5e-4 of full scale.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt
    import torch

    Wave = npt.NDArray[np.float32]

Shape = Literal["low shelf", "peak", "high shelf"]

CHANCE = 0.7
"""Of a recording to be filtered (the released configurations; section 5.2 of the paper says 0.5)."""


@dataclass(frozen=True)
class Filter:
    """A second-order filter.

    Attributes:
        shape: what it lifts or lowers.
        gain: in dB.
        frequency: its corner or centre, in Hz.
        quality: Q; the higher, the narrower.
    """

    shape: Shape
    gain: float
    frequency: float
    quality: float

    def coefficients(self, rate: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Numerator and denominator at a sampling rate, each shape (3,)."""
        angle = 2 * math.pi * self.frequency / rate
        cosine, alpha = math.cos(angle), math.sin(angle) / (2 * self.quality)
        amplitude = 10 ** (self.gain / 40)
        if self.shape == "peak":
            numerator = [1 + alpha * amplitude, -2 * cosine, 1 - alpha * amplitude]
            return np.array(numerator), np.array([1 + alpha / amplitude, -2 * cosine, 1 - alpha / amplitude])
        side = 1.0 if self.shape == "low shelf" else -1.0
        width = 2 * math.sqrt(amplitude) * alpha
        lower = side * (amplitude - 1) * cosine
        upper = side * (amplitude + 1) * cosine
        numerator = [
            amplitude * (amplitude + 1 - lower + width),
            2 * side * amplitude * (amplitude - 1 - upper),
            amplitude * (amplitude + 1 - lower - width),
        ]
        denominator = [
            amplitude + 1 + lower + width,
            -2 * side * (amplitude - 1 + upper),
            amplitude + 1 + lower - width,
        ]
        return np.array(numerator), np.array(denominator)

    def __call__(self, samples: Wave, rate: int) -> Wave:
        """The filtered signal, clamped to full scale; shape (channels, n)."""
        from scipy.signal import lfilter

        numerator, denominator = self.coefficients(rate)
        filtered = lfilter(numerator, denominator, samples.astype(np.float64), axis=-1)
        clamped: Wave = filtered.clip(-1, 1).astype(np.float32)
        return clamped


RANGES: Mapping[Shape, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    "low shelf": ((-5.0, -2.0), (80.0, 180.0), (0.6, 1.1)),
    "peak": ((1.0, 3.0), (1200.0, 2600.0), (0.6, 1.2)),
    "high shelf": ((1.0, 3.5), (3200.0, 5800.0), (0.6, 1.0)),
}
"""From where to where gain, frequency and Q are drawn, evenly; in the order in which the filters are applied."""


def random_filters(generator: torch.Generator, chance: float = CHANCE) -> tuple[Filter, ...]:
    """The filters of one recording: all three, or by chance none."""
    import torch

    draws = torch.rand(1 + 3 * len(RANGES), generator=generator, dtype=torch.float64).tolist()
    if draws[0] >= chance:
        return ()
    values = iter(draws[1:])
    return tuple(
        Filter(shape, *(low + next(values) * (high - low) for low, high in ranges)) for shape, ranges in RANGES.items()
    )


def equalised(samples: Wave, rate: int, filters: tuple[Filter, ...]) -> Wave:
    """The signal after all filters, shape (channels, n)."""
    for step in filters:
        samples = step(samples, rate)
    return samples
