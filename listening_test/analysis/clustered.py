"""Variance of estimates whose data share raters and prompts, from what each answer contributes.

An estimate is, to first order, its expectation plus a sum of contributions, one per answer. Contributions of one rater
resemble each other, and so do those of one prompt. The variance of the sum is that over raters, plus that over prompts,
less that over both together, which the two count twice (Cameron, Gelbach and Miller 2011).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from listening_test.analysis.mixed import Codes, pair_codes
from songbench.statistics import Array


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
    taken below the larger of the parts over raters and over prompts.

    Args:
        contributions: of each answer to the estimate, shape (n,).
        rater: codes, shape (n,), of at least 2 raters.
        item: codes, shape (n,), of at least 2 items.
    """
    by_rater, of_raters = _part(contributions, rater)
    by_item, of_items = _part(contributions, item)
    both, _ = _part(contributions, pair_codes(rater, item))
    variance = max(by_rater + by_item - both, by_rater, by_item)
    return Spread(math.sqrt(variance), min(of_raters, of_items) - 1.0)


def _part(contributions: Array, codes: Codes) -> tuple[float, int]:
    """The sum over clusters of the squared sums, raised for the number of clusters that contribute; their number."""
    sums = np.bincount(codes, contributions)
    clusters = max(2, int(np.sum(np.bincount(codes) > 0)))
    return float(np.sum(sums**2)) * clusters / (clusters - 1), clusters
