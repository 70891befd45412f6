"""Bootstrap-t: how far an interval must reach to either side when the values are skewed.

Scores are skewed as a rule: most songs of a system have few phoneme errors and some have many. The mean of such values
is below the truth in most samples, and so is their spread, so Student's interval misses a truth that lies above it far
more often than it says: 95 % intervals of 20 lognormal values hold it in 87 %, and the percentiles of resampled means
(also expanded, accelerated or bias-corrected) in 88 to 91 %. Resampling t itself, the mean over its own standard error,
shows both effects at once (Efron 1982; second-order correct: Hall 1988). Three things are done to its quantiles, each
for few prompts; all were chosen by simulation, see ``benchmarks/leaderboard_calibration.py``:

- A resample that happens to draw nearly one prompt alone has no spread, and its t no bound. A resampled standard error
  is taken as at least `LEAST_ERROR` of the observed one.
- Few values show too little of their tails. The quantiles are taken further out: at the normal probability of Student's
  quantile instead of at alpha / 2 (as Hesterberg 2015 expands percentiles).
- A sample that does not look skewed may be of skewed scores all the same. No side reaches less far than Student's t.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from songbench.statistics.arrays import Array
from songbench.statistics.student import t_quantile

LEAST_ERROR = 0.4
"""The least standard error of a resample, as a share of that of the values themselves."""
_NUMBERS_AT_ONCE = 1_000_000


class Reach(NamedTuple):
    """Quantiles of t: an interval goes from ``figure - above * error`` to ``figure - below * error``.

    Attributes:
        below: at most minus Student's quantile.
        above: at least Student's quantile.
    """

    below: float
    above: float


def student_reach(n: int, confidence: float) -> Reach:
    """The reach of Student's t, the same on either side."""
    quantile = t_quantile(n - 1, confidence)
    return Reach(-quantile, quantile)


def bootstrap_reach(residuals: Array, weights: Array, *, confidence: float, replicates: int, seed: int) -> Reach:
    """The reach that resampling prompts calls for.

    Args:
        residuals: of each prompt, its linearised value (`prompt_values`) minus the figure, shape (n,), n >= 2; they sum
            to 0 and are not all 0.
        weights: of each prompt relative to the others, mean 1, shape (n,).
        confidence: of the interval, in (0, 1).
        replicates: how many times to resample; 0: Student's t as it is.
        seed: the same seed and values give the same reach.
    """
    from scipy.special import ndtr

    n = len(residuals)
    student = student_reach(n, confidence)
    if not replicates:
        return student
    tail = float(ndtr(student.below))
    below, above = np.quantile(_resampled_t(residuals, weights, replicates, seed), [tail, 1 - tail])
    return Reach(min(float(below), student.below), max(float(above), student.above))


def _resampled_t(residuals: Array, weights: Array, replicates: int, seed: int) -> Array:
    """T of each resample, shape (replicates,), from residuals and weights of shape (n,)."""
    n = len(residuals)
    error = np.sqrt(np.sum(residuals**2))  # here and below without the factor 1 / sqrt(n (n - 1)), which cancels
    terms = np.stack([residuals, weights, residuals**2, residuals * weights, weights**2], axis=1)
    t = np.empty(replicates)
    counts = _times_drawn(n, replicates, seed)
    block = max(1, _NUMBERS_AT_ONCE // n)
    for begin in range(0, replicates, block):
        part = slice(begin, begin + block)
        value, weight, squares, products, squared_weights = (counts[part].astype(np.float64) @ terms).T
        shift = value / weight  # resampled figure minus figure
        spread = np.sqrt(np.maximum(squares - 2 * shift * products + shift**2 * squared_weights, 0)) * n / weight
        t[part] = shift / np.maximum(spread, LEAST_ERROR * error)
    t *= np.sqrt(n * (n - 1))
    return t


@lru_cache(maxsize=4)
def _times_drawn(n: int, replicates: int, seed: int) -> npt.NDArray[np.uint16]:
    """How often each resample draws each prompt, shape (replicates, n): the same for every system and column."""
    counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=replicates)
    return counts.astype(np.uint16)
