"""The pitch of a singer: portamento into notes, vibrato on long ones, a little drift."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

_PORTAMENTO_SECONDS = 0.07
_VIBRATO_HZ = 5.4
_VIBRATO_CENTS = 32.0
_VIBRATO_DELAY, _VIBRATO_RISE = 0.28, 0.3
_VIBRATO_LEAST_NOTE = 0.5
_DRIFT_CENTS = 5.0

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Note:
    """A sung note.

    Attributes:
        pitch: MIDI number.
        start: seconds, where the vowel starts.
        end: seconds.
    """

    pitch: int
    start: float
    end: float


def pitch_curve(notes: Sequence[Note], times: Array, rng: np.random.Generator) -> Array:
    """Fundamental frequency of a sung line.

    Args:
        notes: in time order; each holds until the next begins.
        times: seconds, evenly spaced, (n,).
        rng: source of the drift; advanced.

    Returns:
        Hz, (n,), defined everywhere (also where the voice is silent or unvoiced).
    """
    starts = np.array([note.start for note in notes])
    index = np.clip(np.searchsorted(starts, times + 0.2 * _PORTAMENTO_SECONDS, side="right") - 1, 0, None)
    semitones = np.array([note.pitch for note in notes], dtype=np.float64)[index]
    step = float(times[1] - times[0]) if len(times) > 1 else 0.005
    glide = _smooth(semitones, max(1, round(_PORTAMENTO_SECONDS / step)))
    cents = _vibrato(notes, times, index) + _DRIFT_CENTS * _drift(len(times), step, rng)
    return 440.0 * np.exp2((glide - 69.0) / 12.0 + cents / 1200.0)


def _smooth(values: Array, width: int) -> Array:
    """Convolution with a Hann window, (n,) to (n,), ends held; not by `np.convolve`, whose sums vary by processor."""
    window = np.hanning(width + 2)[1:-1]
    padded = np.pad(values, (width // 2, width - 1 - width // 2), mode="edge")
    smooth: Array = (sliding_window_view(padded, width) * (window / window.sum())).sum(axis=1)
    return smooth


def _vibrato(notes: Sequence[Note], times: Array, index: npt.NDArray[np.int64]) -> Array:
    """Cents at `times` in the notes of `index`, all (n,): a sine that grows after the start of each long note."""
    starts = np.array([note.start for note in notes])[index]
    long = np.array([note.end - note.start >= _VIBRATO_LEAST_NOTE for note in notes])[index]
    age = times - starts - _VIBRATO_DELAY
    depth = long * _VIBRATO_CENTS * np.clip(age / _VIBRATO_RISE, 0, 1)
    return np.asarray(depth * np.sin(2 * np.pi * _VIBRATO_HZ * np.maximum(age, 0)))


def _drift(count: int, step: float, rng: np.random.Generator) -> Array:
    """Slow random wander of about unit size, (count,): noise at 4 points per second, interpolated."""
    knots = rng.standard_normal(int(count * step * 4) + 2)
    return np.asarray(np.interp(np.arange(count) * step * 4, np.arange(len(knots)), knots))
