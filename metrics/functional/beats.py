"""Agreement of two lists of beats, and at which level of the metre they agree best."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from metrics.functional.checks import moments
from metrics.functional.onsets import BEAT_WINDOW, agreement


def level_f1(reference: npt.ArrayLike, estimate: npt.ArrayLike, window: float = BEAT_WINDOW) -> float:
    """F1 of beats where counting twice or half as fast is no error: the best of the estimate, half and twice of it.

    Args:
        reference: seconds, shape (n,), n >= 0.
        estimate: seconds, shape (m,), m >= 0.
        window: seconds that partners may be apart, >= 0.

    Returns:
        The highest F1 of all beats, every second one (both ways), and all with those halfway between; 0 to 1.

    Raises:
        InputError: as `metrics.functional.onsets.agreement`.

    Example:
        >>> level_f1([0.0, 0.5, 1.0, 1.5, 2.0], [0.0, 1.0, 2.0])
        1.0
    """
    beats = moments(estimate, "estimate")
    halfway = np.sort(np.concatenate([beats, (beats[1:] + beats[:-1]) / 2]))
    return max(agreement(reference, counted, window).f1 for counted in (beats, beats[::2], beats[1::2], halfway))


def tempo(beats: npt.ArrayLike) -> float | None:
    """Beats per minute by the median distance of neighbours, or None where there are fewer than two.

    Args:
        beats: seconds, shape (n,), n >= 0, no two at once.

    Raises:
        InputError: for another shape, NaN, infinity or times below 0.

    Example:
        >>> tempo([0.0, 0.5, 1.0])
        120.0
    """
    distances = np.diff(moments(beats, "beats"))
    return 60 / float(np.median(distances)) if len(distances) and np.median(distances) > 0 else None
