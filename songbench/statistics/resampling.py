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

from collections.abc import Hashable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from songbench.statistics.arrays import Array
from songbench.statistics.student import t_quantile

LEAST_ERROR = 0.4
"""The least standard error of a resample, as a share of that of the values themselves."""
NUMBERS_AT_ONCE = 1_000_000
"""How many numbers an array in the middle of a calculation has, so that memory does not grow with a leaderboard."""


class Reaches(NamedTuple):
    """Quantiles of t: each interval goes from ``figure - above * error`` to ``figure - below * error``.

    Attributes:
        below: at most minus Student's quantile, shape (m,).
        above: at least Student's quantile, shape (m,).
    """

    below: Array
    above: Array


def bootstrap_reaches(
    residuals: Array, weights: Array | None = None, *, confidence: float, replicates: int, seed: int
) -> Reaches:
    """The reaches that resampling prompts calls for: of m figures, each of n prompts, which are drawn for all at once.

    The draws depend on n and the seed alone, so that every figure has the reach that it would have by itself; only the
    order of summation in the matrix products, and so the last bits, depend on what is computed together.

    Args:
        residuals: of each prompt, its linearised value (`prompt_values`) minus the figure, shape (m, n), n >= 2; those
            of each figure sum to 0 and are not all 0.
        weights: of each prompt relative to the others, mean 1, shape (m, n); None: all are 1.
        confidence: of the intervals, in (0, 1).
        replicates: how many times to resample; 0: Student's t as it is.
        seed: the same seed and values give the same reaches.
    """
    from scipy.special import ndtr

    m, n = residuals.shape
    student = t_quantile(n - 1, confidence)
    if not replicates:
        return Reaches(np.full(m, -student), np.full(m, student))
    tail = float(ndtr(-student))
    t = _resampled_t(residuals, weights, replicates, seed)
    below, above = np.quantile(t, [tail, 1 - tail], axis=1)
    return Reaches(np.minimum(below, -student), np.maximum(above, student))


def _resampled_t(residuals: Array, weights: Array | None, replicates: int, seed: int) -> Array:
    """T of each resample, shape (m, replicates), from residuals and weights of shape (m, n)."""
    m, n = residuals.shape
    # here and below without the factor 1 / sqrt(n (n - 1)), which cancels
    least = LEAST_ERROR * np.sqrt(np.sum(residuals**2, axis=1))
    terms = [residuals, residuals**2]
    if weights is not None:
        terms += [weights, residuals * weights, weights**2]
    columns = np.concatenate(terms).T
    t = np.empty((m, replicates))
    counts = _times_drawn(n, replicates, seed)
    block = max(1, NUMBERS_AT_ONCE // max(n, len(terms) * m))
    for begin in range(0, replicates, block):
        sums = (counts[begin : begin + block].astype(np.float64) @ columns).T.reshape(len(terms), m, -1)
        if weights is None:  # every resample is of n prompts that count alike
            value, squares = sums
            weight, products, squared_weights = n, value, n
        else:
            value, squares, weight, products, squared_weights = sums
        shift = value / weight  # resampled figure minus figure
        spread = np.sqrt(np.maximum(squares - 2 * shift * products + shift**2 * squared_weights, 0)) * n / weight
        t[:, begin : begin + block] = shift / np.maximum(spread, least[:, None])
    t *= np.sqrt(n * (n - 1))
    return t


@lru_cache(maxsize=4)
def _times_drawn(n: int, replicates: int, seed: int) -> npt.NDArray[np.uint16]:
    """How often each resample draws each prompt, shape (replicates, n): the same for every system and column."""
    counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=replicates)
    return counts.astype(np.uint16)


def blocks_of_one_size(
    sizes: Sequence[int], replicates: int, kinds: Sequence[Hashable] | None = None
) -> Iterator[list[int]]:
    """The places of figures that are computed together: of the same number of prompts and kind, and few enough.

    Args:
        sizes: the number of prompts of each figure.
        replicates: of the bootstrap.
        kinds: of each figure; None: all are of one kind.

    >>> list(blocks_of_one_size([5, 4, 5], replicates=10))
    [[0, 2], [1]]
    """
    groups: dict[tuple[int, Hashable], list[int]] = {}
    for place, size in enumerate(sizes):
        groups.setdefault((size, kinds[place] if kinds else None), []).append(place)
    for (size, _), places in groups.items():
        block = max(1, NUMBERS_AT_ONCE // max(size, replicates, 1))
        for begin in range(0, len(places), block):
            yield places[begin : begin + block]
