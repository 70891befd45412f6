"""What stands beside the declared test of a pair: tests of per-item means, effect size, chance to win."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from listening_test.analysis.answers import Answers
from listening_test.analysis.mixed import Codes
from songbench.statistics import Array, compare_prompts

MOST_EXACT = 50
"""Up to this many items Wilcoxon's test is exact."""


class ItemChecks(NamedTuple):
    """Two systems on the items both have, raters averaged away.

    Attributes:
        n_items: how many.
        p_flip: sign-flip test; NaN below 2 items.
        p_wilcoxon: Wilcoxon's signed rank test; NaN below 2 items, 1 when no item differs.
        effect: Cohen's d_z, mean over standard deviation of the differences; NaN where they do not vary.
    """

    n_items: int
    p_flip: float
    p_wilcoxon: float
    effect: float


def item_checks(first: Array, second: Array, items: tuple[str, ...], seed: int) -> ItemChecks:
    """From `Answers.table` of both systems."""
    (sum_one, count_one), (sum_two, count_two) = first.sum(axis=1), second.sum(axis=1)
    both = (count_one > 0) & (count_two > 0)
    names = [name for name, kept in zip(items, both, strict=True) if kept]
    one, two = sum_one[both] / count_one[both], sum_two[both] / count_two[both]
    if len(names) < 2:
        return ItemChecks(len(names), math.nan, math.nan, math.nan)
    paired = compare_prompts(dict(zip(names, one, strict=True)), dict(zip(names, two, strict=True)), seed=seed)
    assert paired is not None
    gaps = np.round(one - two, 9)  # sums in another order must not break ties
    spread = float(np.std(gaps, ddof=1))
    return ItemChecks(len(names), paired.p_flip, _wilcoxon(gaps), float(gaps.mean()) / spread if spread else math.nan)


def _wilcoxon(gaps: Array) -> float:
    """Exact where no two differences are equal in size and none is 0; the normal approximation otherwise."""
    from scipy.stats import wilcoxon

    if not np.any(gaps):
        return 1.0
    exact = bool(np.all(gaps != 0)) and len(np.unique(np.abs(gaps))) == len(gaps) <= MOST_EXACT
    return float(wilcoxon(gaps, method="exact" if exact else "asymptotic").pvalue)


def win_probability(answers: Answers, first: str, second: str) -> float:
    """The chance that a random rater rates a random song of the first higher than one of the second, ties half.

    Each rater's answers about the first are held against all of the rater's answers about the second, so no rater's
    strictness matters; raters count alike. NaN when nobody heard both.
    """
    levels, level = np.unique(answers.values, return_inverse=True)
    high, low = (_counts(answers, level, len(levels), answers.systems.index(name)) for name in (first, second))
    both = (high.sum(axis=1) > 0) & (low.sum(axis=1) > 0)
    if not both.any():
        return math.nan
    high, low = (counts[both] / counts[both].sum(axis=1, keepdims=True) for counts in (high, low))
    below = np.cumsum(low, axis=1) - low / 2
    return float(np.mean(np.sum(high * below, axis=1)))


def _counts(answers: Answers, level: Codes, levels: int, system: int) -> Array:
    """How often each rater gave each answer about a system, shape (raters, levels)."""
    counts = np.zeros((len(answers.raters), levels))
    mine = answers.system == system
    np.add.at(counts, (answers.rater[mine], level[mine]), 1.0)
    return counts
