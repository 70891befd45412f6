"""How far raters agree with each other: Krippendorff's alpha, intraclass correlations, split halves.

Answers may be missing: not every rater has to judge every unit.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from songbench.statistics.arrays import Array, Codes
from songbench.statistics.mixed import ModelError, fit_crossed

Metric: TypeAlias = Literal["nominal", "ordinal", "interval"]

HALVES = 200
"""Random halves of the raters that the split-half figure averages over."""
FEWEST_UNITS = 3
"""Units that both halves must have judged."""


def krippendorff_alpha(values: Array, unit: Codes, metric: Metric) -> float | None:
    """Agreement about units for nominal, ordinal or interval data (Krippendorff 2011): 1 for perfect, 0 for chance.

    Args:
        values: the answers; for ``nominal`` data any numbers that tell the categories apart, shape (n,).
        unit: what each answer is about, shape (n,). Units with one answer say nothing and are left out.
        metric: which differences between answers matter how much.

    Returns:
        At most 1; None when no unit has two answers or all answers are the same: agreement is then undefined.

    >>> krippendorff_alpha(np.array([1.0, 1.0, 2.0, 2.0]), np.array([0, 0, 1, 1]), "ordinal")
    1.0
    """
    several = np.bincount(unit)[unit] > 1 if len(unit) else np.zeros(0, dtype=bool)
    levels, code = np.unique(values[several], return_inverse=True)
    if len(levels) < 2:
        return None
    _, place = np.unique(unit[several], return_inverse=True)
    counts = np.zeros((int(place.max()) + 1, len(levels)))
    np.add.at(counts, (place, code), 1.0)
    per_unit = counts.sum(axis=1)
    scaled = counts / (per_unit - 1)[:, None]
    coincidences = counts.T @ scaled - np.diag(scaled.sum(axis=0))
    totals = coincidences.sum(axis=0)
    distance = _distances(levels, totals, metric)
    expected = float(totals @ distance @ totals) / float(totals.sum() - 1)
    return 1.0 - float(np.sum(coincidences * distance)) / expected


def _distances(levels: Array, totals: Array, metric: Metric) -> Array:
    """Squared distances between levels, shape (levels, levels)."""
    if metric == "nominal":
        return 1.0 - np.eye(len(levels))
    # Ordinal: how many answers lie between two levels, the levels' own counting half.
    place = levels if metric == "interval" else np.cumsum(totals) - totals / 2
    squared: Array = (place[:, None] - place[None, :]) ** 2
    return squared


def intraclass_correlations(values: Array, rater: Codes, unit: Codes) -> tuple[float | None, float | None]:
    """ICC(2,1) and ICC(2,k) (Shrout and Fleiss 1979) from REML components, so that answers may be missing.

    k is the harmonic mean of how many raters judged each unit, units judged by one included.

    Args:
        values: shape (n,).
        rater: codes, shape (n,).
        unit: codes, shape (n,).

    Returns:
        Of a single answer and of the mean of k, each in [0, 1]; both None where the components cannot be had.

    >>> rater, unit = np.tile(np.arange(3), 4), np.repeat(np.arange(4), 3)
    >>> values = np.array([1.0, 2.0, 1.5, 3.0, 3.5, 4.0, 2.0, 2.5, 3.0, 4.5, 5.0, 5.5])
    >>> [round(value, 2) for value in intraclass_correlations(values, rater, unit)]
    [0.9, 0.96]
    """
    try:
        fit = fit_crossed(values, np.ones((len(values), 1)), {"unit": unit, "rater": rater})
    except ModelError:
        return None, None
    between = fit.variance("unit")
    if between is None or fit.variance("rater") is None:
        return None, None
    noise = float(fit.variances.sum()) - between
    raters = 1 / float(np.mean(1 / np.bincount(unit)))
    return between / (between + noise), between / (between + noise / raters)


def split_half(values: Array, rater: Codes, unit: Codes, *, seed: int = 0) -> float | None:
    """Correlation over units between the means of two halves of the raters, for the full number of raters.

    Each random split is carried to twice its length (Spearman 1910, Brown 1910), then averaged over `HALVES` splits.
    Each rater's answers are taken from the rater's own mean first: in an incomplete assignment a unit must not seem
    good because lenient raters judged it.

    Args:
        values: shape (n,).
        rater: codes, shape (n,).
        unit: codes, shape (n,).
        seed: of the splits.

    Returns:
        In [-1, 1]; None below 4 raters, or where halves share fewer than `FEWEST_UNITS` units.
    """
    raters = int(rater.max()) + 1 if len(rater) else 0
    if raters < 4:
        return None
    centred = values - (np.bincount(rater, values) / np.maximum(np.bincount(rater), 1))[rater]
    sums, counts = np.zeros((2, raters, int(unit.max()) + 1))
    np.add.at(sums, (rater, unit), centred)
    np.add.at(counts, (rater, unit), 1.0)
    rng = np.random.default_rng(seed)
    splits = [_one_split(sums, counts, rng) for _ in range(HALVES)]
    correlations = [split for split in splits if split is not None]
    return float(np.mean(correlations)) if correlations else None


def _one_split(sums: Array, counts: Array, rng: np.random.Generator) -> float | None:
    """The correlation of two random halves of the raters; sums and counts of answers, shape (raters, units)."""
    half = rng.permutation(len(sums)) < len(sums) // 2
    first_counts, second_counts = counts[half].sum(axis=0), counts[~half].sum(axis=0)
    shared = (first_counts > 0) & (second_counts > 0)
    if shared.sum() < FEWEST_UNITS:
        return None
    first, second = sums[half].sum(axis=0)[shared], sums[~half].sum(axis=0)[shared]
    r = correlation(first / first_counts[shared], second / second_counts[shared])
    return None if r is None else 2 * r / (1 + abs(r))  # a negative correlation is stretched alike, not beyond -1


def correlation(first: Array, second: Array) -> float | None:
    """Pearson's correlation of two columns of shape (n,), in [-1, 1]; None where one of them does not vary.

    >>> round(correlation(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0])), 6)
    1.0
    """
    a, b = first - first.mean(), second - second.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return max(-1.0, min(1.0, float(a @ b) / size)) if size > 1e-12 else None
