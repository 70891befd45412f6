"""Confidence intervals of figures: means over songs, and figures that exist for a whole set only."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from songbench.statistics.resampling import bootstrap_reach
from songbench.statistics.student import t_quantile
from songbench.statistics.takes import Array, Takes

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
    """Of the mean of independent values, shape (n,), n >= 2."""
    return float(np.std(values, ddof=1)) / math.sqrt(len(values))


def pseudo_values(whole: float, leave_one_out: Mapping[str, float]) -> dict[str, float]:
    """The jackknife's stand-in for "the value of one prompt" of a figure that exists for a set only.

    Args:
        whole: the figure of all n prompts.
        leave_one_out: for each prompt, the figure without it.

    Returns:
        For each prompt n * whole - (n - 1) * figure without it (Tukey 1958). Their mean is the figure with its
        first-order bias in 1/n removed; for a plain mean they are the values themselves.
    """
    n = len(leave_one_out)
    return {prompt: n * whole - (n - 1) * leave_one_out[prompt] for prompt in sorted(leave_one_out)}


def jackknife_interval(
    whole: float, leave_one_out: Mapping[str, float], *, confidence: float = 0.95
) -> Interval | None:
    """Student t interval around a set figure, with the jackknife's standard error and n - 1 degrees of freedom.

    It is centred on the figure itself, not on its bias-corrected version, so that it always holds the number printed
    beside it.

    Returns:
        The interval, or None with fewer than 2 prompts. For a plain mean it is the classic t interval exactly.
    """
    n = len(leave_one_out)
    if n < 2:
        return None
    error = standard_error(np.array(list(pseudo_values(whole, leave_one_out).values())))
    half = t_quantile(n - 1, confidence) * error
    return Interval(whole - half, whole + half)
