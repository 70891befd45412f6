"""Resampling of raters and prompts at once, for data that the mixed model cannot take."""

from __future__ import annotations

import numpy as np

from listening_test.analysis.answers import Answers
from songbench.statistics import Array


def crossed_draws(answers: Answers, *, replicates: int = 1000, seed: int = 0) -> Array:
    """Means of the systems when raters and items are drawn anew, with replacement ("pigeonhole", Owen 2007).

    An answer counts as often as its rater was drawn times its item was drawn. The spread of the means is that of the
    crossed model with the residual counted up to three times; intervals are therefore too wide rather than too narrow.

    Returns:
        Shape (replicates, systems); NaN where a system lost all its answers.
    """
    raters, items, systems = len(answers.raters), len(answers.items), len(answers.systems)
    sums, counts = np.zeros((systems, raters, items)), np.zeros((systems, raters, items))
    np.add.at(sums, (answers.system, answers.rater, answers.item), answers.values)
    np.add.at(counts, (answers.system, answers.rater, answers.item), 1.0)
    rng = np.random.default_rng(seed)
    of_raters = rng.multinomial(raters, np.full(raters, 1 / raters), size=replicates).astype(np.float64)
    of_items = rng.multinomial(items, np.full(items, 1 / items), size=replicates).astype(np.float64)
    drawn = np.einsum("br,sri,bi->bs", of_raters, sums, of_items, optimize=True)
    kept = np.einsum("br,sri,bi->bs", of_raters, counts, of_items, optimize=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        means: Array = np.where(kept > 0, drawn / kept, np.nan)
    return means


def smallest_p(raters: int, items: int) -> float:
    """The smallest two-sided p that flipping the signs of so few raters or items could give."""
    return float(2.0 ** (1 - min(raters, items)))
