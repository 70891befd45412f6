"""The mean over songs, with prompts drawn at random: its confidence interval."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from songbench.statistics.arrays import Array
from songbench.statistics.resampling import bootstrap_reach
from songbench.statistics.takes import Takes

DUST = 1e-12
"""A spread below this share of the values is rounding: they do not vary."""


class Interval(NamedTuple):
    """A confidence interval; ``low <= high``."""

    low: float
    high: float


def bootstrap_interval(
    takes: Takes, *, confidence: float = 0.95, replicates: int = 2000, seed: int = 0
) -> Interval | None:
    """Bootstrap-t interval of the weighted mean, never narrower on a side than Student's.

    Prompts are drawn with replacement, each with all its takes: their means vary as prompts vary and, as far as takes
    differ, as takes do. The weighted mean is a ratio, and so is every resampled one; its standard error is that of the
    linearised values (`prompt_values`). See `songbench.statistics.resampling` for the quantiles.

    The interval always holds the figure. It may go beyond what a score can be; the caller cuts it. Where the
    prompts have all the same value it has no width: these prompts did not vary, which does not say that others could
    not.

    Args:
        takes: the values.
        confidence: in (0, 1).
        replicates: how many times to resample.
        seed: the same seed and the same values give the same interval, in whatever order they come.

    Returns:
        The interval, or None with a single prompt, which says nothing about other prompts.

    >>> interval = bootstrap_interval(Takes.of(["a", "b", "c", "d"], [1.0, 2.0, 3.0, 4.0]))
    >>> interval.low < 2.5 < interval.high
    True
    >>> bootstrap_interval(Takes.of(["a", "a"], [1.0, 2.0])) is None
    True
    """
    _, means, weights = takes.by_prompt()
    n, figure = len(means), takes.figure
    if n < 2:
        return None
    weights = weights / weights.mean()
    residuals = weights * (means - figure)
    error = standard_error(residuals)
    if error <= DUST * float(np.abs(means).max()):
        return Interval(figure, figure)
    below, above = bootstrap_reach(residuals, weights, confidence=confidence, replicates=replicates, seed=seed)
    return Interval(figure - above * error, figure - below * error)


def standard_error(values: Array) -> float:
    """Of the mean of independent values, shape (n,), n >= 2.

    >>> round(standard_error(np.array([1.0, 2.0, 3.0, 4.0, 5.0])), 3)
    0.707
    """
    return float(np.std(values, ddof=1)) / math.sqrt(len(values))
