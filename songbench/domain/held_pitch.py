"""How much of a voice's pitch is held as notes are: most of what is sung, less of what is spoken."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

FRAMES = 100
"""Moments per second."""

LEAST_HELD = 0.5
"""Share from which on a voice sings, chosen with the numbers below on 19 sung pieces (two recordings of singers, 16
vocals of `rulebased`, a tune of short notes), which have 0.56 or more, and 23 spoken ones (a recording of a speaker,
22 texts that espeak-ng read), which have 0.48 or less. Notes below a quarter of a second are not held, and the turning
points of a slow intonation are.
"""

_MEAN = 21
"""Moments over which pitch is averaged, so that vibrato, whose cycle is about as long, does not count as movement."""
_REACH = 7
_MOST_SEMITONES = 0.1
"""How far these means may move within `_REACH` moments."""
_LEAST_VOICED = 50


def held_share(pitch: npt.NDArray[np.floating]) -> float | None:
    """The share of a voice's time with a pitch in which it is held: for 0.27 s, but for vibrato, on one height.

    Args:
        pitch: semitones above anything, shape (n,), `FRAMES` a second; NaN where there is none.

    Returns:
        0 to 1; None for less than half a second with a pitch.

    Example:
        >>> import numpy as np
        >>> time = np.arange(300) / FRAMES
        >>> print(held_share(60 + 0.5 * np.sin(2 * np.pi * 5 * time)), held_share(60 + 4 * time))
        1.0 0.0
    """
    import numpy as np

    voiced = ~np.isnan(pitch)
    if np.count_nonzero(voiced) < _LEAST_VOICED:
        return None
    span = _MEAN + _REACH - 1
    if len(pitch) < span:
        return 0.0
    filled = np.where(voiced, pitch - np.nanmean(pitch), 0.0)
    means = _window_sums(filled, _MEAN) / _MEAN
    means[_window_sums(voiced, _MEAN) < _MEAN] = np.nan
    around = np.lib.stride_tricks.sliding_window_view(means, _REACH)
    steady = around.max(axis=1) - around.min(axis=1) <= _MOST_SEMITONES  # never where one of them is NaN
    # A moment is held where any steady stretch of `span` moments has it.
    coverage = _window_sums(np.pad(steady, span - 1), span) > 0
    return float(np.count_nonzero(coverage & voiced) / np.count_nonzero(voiced))


def _window_sums(values: npt.NDArray[np.generic], size: int) -> npt.NDArray[np.float64]:
    """Sums of `size` neighbours, shape (n,) to (n - size + 1,)."""
    import numpy as np

    sums = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    return np.asarray(sums[size:] - sums[:-size])
