"""Values that share raters and items, both drawn at random: standard errors and resampling without a model.

`crossed_spread`: an estimate is, to first order, its expectation plus a sum of contributions, one per answer.
Contributions of one rater resemble each other, and so do those of one item. The variance of the sum is that over
raters, plus that over items, less that over both together, which the two count twice (Cameron, Gelbach and Miller
2011).

`crossed_draws`: the means of systems when raters and items are drawn anew, for data that a mixed model cannot take.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from songbench.statistics.arrays import Array, Codes, pair_codes


class Spread(NamedTuple):
    """Of one estimate.

    Attributes:
        error: standard error.
        freedom: degrees of freedom, at least 1.
    """

    error: float
    freedom: float


def crossed_spread(contributions: Array, rater: Codes, item: Codes) -> Spread:
    """Standard error of a sum of contributions.

    With G clusters a sum of squares is raised by G / (G - 1), and the smaller number of clusters less one serves as
    degrees of freedom. The difference of the three parts can come out too small, even negative, by chance; it is never
    taken below the larger of the parts over raters and over items.

    Args:
        contributions: of each answer to the estimate, shape (n,).
        rater: codes, shape (n,), of at least 2 raters.
        item: codes, shape (n,), of at least 2 items.

    >>> rater, item = np.repeat(np.arange(4), 5), np.tile(np.arange(5), 4)
    >>> crossed_spread(np.repeat([1.0, -1.0, 1.0, -1.0], 5), rater, item).freedom
    3.0
    """
    by_rater, of_raters = _part(contributions, rater)
    by_item, of_items = _part(contributions, item)
    by_pair, _ = _part(contributions, pair_codes(rater, item))
    variance = max(by_rater + by_item - by_pair, by_rater, by_item)
    return Spread(math.sqrt(variance), min(of_raters, of_items) - 1.0)


def _part(contributions: Array, codes: Codes) -> tuple[float, int]:
    """The sum over clusters of the squared sums, raised for the number of clusters that contribute; their number.

    Both arrays have shape (n,).
    """
    sums = np.bincount(codes, contributions)
    clusters = max(2, int(np.sum(np.bincount(codes) > 0)))
    return float(np.sum(sums**2)) * clusters / (clusters - 1), clusters


def crossed_draws(
    values: Array, rater: Codes, item: Codes, system: Codes, *, replicates: int = 1000, seed: int = 0
) -> Array:
    """Means of the systems when raters and items are drawn anew, with replacement ("pigeonhole", Owen 2007).

    A value counts as often as its rater was drawn times its item was drawn. The spread of the means is that of the
    crossed model with the residual counted up to three times; intervals are therefore too wide rather than too narrow.

    Args:
        values: shape (n,).
        rater: codes, shape (n,).
        item: codes, shape (n,).
        system: codes, shape (n,).
        replicates: how many times to draw.
        seed: of the draws.

    Returns:
        Shape (replicates, systems); NaN where a system lost all its values.
    """
    raters, items, systems = (int(codes.max(initial=-1)) + 1 for codes in (rater, item, system))
    sums, counts = np.zeros((systems, raters, items)), np.zeros((systems, raters, items))
    np.add.at(sums, (system, rater, item), values)
    np.add.at(counts, (system, rater, item), 1.0)
    rng = np.random.default_rng(seed)
    of_raters = rng.multinomial(raters, np.full(raters, 1 / raters), size=replicates).astype(np.float64)
    of_items = rng.multinomial(items, np.full(items, 1 / items), size=replicates).astype(np.float64)
    totals = np.einsum("br,sri,bi->bs", of_raters, sums, of_items, optimize=True)
    weights = np.einsum("br,sri,bi->bs", of_raters, counts, of_items, optimize=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        means: Array = np.where(weights > 0, totals / weights, np.nan)
    return means


def smallest_p(raters: int, items: int) -> float:
    """The smallest two-sided p that flipping the signs of so few raters or items could give.

    >>> smallest_p(5, 8)
    0.0625
    """
    return float(2.0 ** (1 - min(raters, items)))
