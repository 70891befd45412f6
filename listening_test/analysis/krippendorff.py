"""Krippendorff's alpha for nominal, ordinal and interval data with answers missing (Krippendorff 2011)."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from listening_test.analysis.mixed import Codes
from songbench.statistics import Array

Metric: TypeAlias = Literal["nominal", "ordinal", "interval"]


def alpha(values: Array, unit: Codes, metric: Metric) -> float | None:
    """Agreement about units, 1 for perfect, 0 for chance.

    Args:
        values: the answers; for ``nominal`` data any numbers that tell the categories apart, shape (n,).
        unit: what each answer is about, shape (n,). Units with one answer say nothing and are left out.
        metric: which differences between answers matter how much.

    Returns:
        None when no unit has two answers or all answers are the same: agreement is then undefined.
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
