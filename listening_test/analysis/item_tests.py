"""What stands beside the declared test of a pair: tests of per-item means and their effect size."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from songbench.statistics import Array, compare_prompts, wilcoxon_p


class ItemTests(NamedTuple):
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


def item_tests(first: Array, second: Array, items: tuple[str, ...], seed: int) -> ItemTests:
    """Tests of the differences of two systems' means per item.

    Args:
        first: sums and numbers of one system's answers, shape (2, raters, items), as by `CodedRatings.table`.
        second: of the other.
        items: their names.
        seed: of the sign flips.
    """
    (first_sums, first_counts), (second_sums, second_counts) = first.sum(axis=1), second.sum(axis=1)
    shared = (first_counts > 0) & (second_counts > 0)
    names = [name for name, is_shared in zip(items, shared, strict=True) if is_shared]
    first_means = first_sums[shared] / first_counts[shared]
    second_means = second_sums[shared] / second_counts[shared]
    if len(names) < 2:
        return ItemTests(len(names), math.nan, math.nan, math.nan)
    paired = compare_prompts(
        dict(zip(names, first_means, strict=True)), dict(zip(names, second_means, strict=True)), seed=seed
    )
    assert paired is not None
    gaps = np.round(first_means - second_means, 9)  # sums in another order must not break ties
    spread = float(np.std(gaps, ddof=1))
    return ItemTests(len(names), paired.p_flip, wilcoxon_p(gaps), float(gaps.mean()) / spread if spread else math.nan)
