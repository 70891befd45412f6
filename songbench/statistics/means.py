"""The mean over songs, with prompts drawn at random: its confidence interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from songbench.statistics.arrays import Array
from songbench.statistics.resampling import blocks_of_one_size, bootstrap_reaches
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
    return bootstrap_intervals([takes], confidence=confidence, replicates=replicates, seed=seed)[0]


def bootstrap_intervals(
    samples: Sequence[Takes], *, confidence: float = 0.95, replicates: int = 2000, seed: int = 0
) -> list[Interval | None]:
    """What `bootstrap_interval` gives for each of many samples; those of as many prompts are resampled together.

    Args:
        samples: the values of each.
        confidence: as there.
        replicates: as there.
        seed: as there.
    """
    intervals: list[Interval | None] = [None] * len(samples)
    prompts = [takes.starts.size for takes in samples]
    for places in blocks_of_one_size(prompts, replicates, [takes.even for takes in samples]):
        if prompts[places[0]] < 2:
            continue
        block = _intervals([samples[place] for place in places], confidence, replicates, seed)
        for place, interval in zip(places, block, strict=True):
            intervals[place] = interval
    return intervals


def _intervals(samples: Sequence[Takes], confidence: float, replicates: int, seed: int) -> list[Interval]:
    """Of samples of the same number of prompts, at least 2."""
    # 1. the linearised values of prompts, each minus its figure
    columns = [takes.by_prompt() for takes in samples]
    means, weights = np.array([column[1] for column in columns]), np.array([column[2] for column in columns])
    figures = np.array([takes.figure for takes in samples])
    weights /= weights.mean(axis=1, keepdims=True)
    residuals = weights * (means - figures[:, None])
    # 2. how far the figures of those that vary are uncertain
    errors = standard_errors(residuals)
    varied = errors > DUST * np.abs(means).max(axis=1)
    below, above = np.zeros((2, len(samples)))
    if varied.any():
        below[varied], above[varied] = bootstrap_reaches(
            residuals[varied],
            None if (weights[varied] == 1).all() else weights[varied],
            confidence=confidence,
            replicates=replicates,
            seed=seed,
        )
    low, high = figures - above * errors, figures - below * errors
    return list(map(Interval, np.where(varied, low, figures).tolist(), np.where(varied, high, figures).tolist()))


def standard_errors(values: Array) -> Array:
    """Of the means of independent values: shape (m,), of values of shape (m, n), n >= 2.

    >>> standard_errors(np.array([[1.0, 2.0, 3.0, 4.0, 5.0]])).round(3)
    array([0.707])
    """
    errors: Array = np.std(values, ddof=1, axis=-1) / np.sqrt(values.shape[-1])
    return errors
