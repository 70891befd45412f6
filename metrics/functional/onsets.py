"""MomentAgreement of two lists of moments, such as onsets or beats: how many of one have a partner in the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metrics.functional.checks import moments
from songbench.domain.errors import InputError

ONSET_WINDOW = 0.05
"""Seconds that partners may be apart, mir_eval's default for onsets."""
BEAT_WINDOW = 0.07
"""The same for beats."""
CHANCE_SHIFTS = 20
"""Shifts in a circle over which a chance level is averaged."""
SHIFT_SECONDS = (5.0, 25.0)
"""The smallest and the largest of them."""


@dataclass(frozen=True)
class MomentAgreement:
    """How well moments agree with those of a reference.

    Attributes:
        f1: harmonic mean of precision and recall, 0 to 1; 0 where either list is empty.
        precision: share of the estimated moments that have a partner.
        recall: share of the reference's moments that have one.
    """

    f1: float
    precision: float
    recall: float


def agreement(reference: npt.ArrayLike, estimate: npt.ArrayLike, window: float = ONSET_WINDOW) -> MomentAgreement:
    """F1, precision and recall of moments, as ``mir_eval.onset.f_measure`` has them.

    Partners are at most `window` apart, nobody has two, and as many as possible have one. With a window of
    `BEAT_WINDOW` this is ``mir_eval.beat.f_measure`` of all beats; mir_eval's own evaluation leaves out those before
    5 s.

    Args:
        reference: seconds, shape (n,), n >= 0.
        estimate: seconds, shape (m,), m >= 0.
        window: seconds, >= 0.

    Raises:
        InputError: for other shapes, NaN, infinity, times below 0 or a window below 0.

    Example:
        Of three moments one is 30 ms late and one is missing.

        >>> agreement([1.0, 2.0, 3.0], [1.0, 2.03])
        MomentAgreement(f1=0.8, precision=1.0, recall=0.6666666666666666)
    """
    expected, actual = moments(reference, "reference"), moments(estimate, "estimate")
    if not window >= 0:
        raise InputError(f"The window must be at least 0 s, not {window}.", field="window")
    if not len(expected) or not len(actual):
        return MomentAgreement(0.0, 0.0, 0.0)
    pairs = _pairs(expected, actual, window)
    f1 = 2 * pairs / (len(expected) + len(actual))
    return MomentAgreement(f1, pairs / len(actual), pairs / len(expected))


def chance_agreement(
    reference: npt.ArrayLike, estimate: npt.ArrayLike, seconds: float, window: float = ONSET_WINDOW
) -> MomentAgreement:
    """What the same moments agree when they have nothing to do with the reference: their density alone.

    The estimate is shifted in a circle by 20 amounts from 5 to 25 s (of shorter audio, from a sixth to five sixths of
    it), and the agreements are averaged.

    Args:
        reference: as in `agreement`.
        estimate: likewise.
        seconds: of the audio, > 0.
        window: likewise.

    Raises:
        InputError: as `agreement`, and for a duration that is no number above 0.

    Example:
        >>> beats = np.arange(0, 60, 0.5)
        >>> print(f"{agreement(beats, beats).f1:.2f} {chance_agreement(beats, beats, 60.0).f1:.2f}")
        1.00 0.20
    """
    if not 0 < seconds < np.inf:
        raise InputError(f"The duration must be a number of seconds above 0, not {seconds}.", field="seconds")
    actual = moments(estimate, "estimate")
    low, high = SHIFT_SECONDS if seconds >= sum(SHIFT_SECONDS) else (seconds / 6, 5 * seconds / 6)
    shifted = [agreement(reference, (actual + by) % seconds, window) for by in np.linspace(low, high, CHANCE_SHIFTS)]
    return MomentAgreement(
        f1=float(np.mean([part.f1 for part in shifted])),
        precision=float(np.mean([part.precision for part in shifted])),
        recall=float(np.mean([part.recall for part in shifted])),
    )


def _pairs(reference: npt.NDArray[np.float64], estimate: npt.NDArray[np.float64], window: float) -> int:
    """The largest number of pairs, of sorted moments of shapes (n,) and (m,).

    Taking the earliest partner that is left is optimal, as all windows are equally wide.
    """
    pairs = i = j = 0
    while i < len(reference) and j < len(estimate):
        distance = estimate[j] - reference[i]
        if abs(distance) <= window:
            pairs, i, j = pairs + 1, i + 1, j + 1
        elif distance < 0:
            j += 1
        else:
            i += 1
    return pairs
