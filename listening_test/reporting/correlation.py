"""Correlations with many weightings at once, mapped error measures and a test of two correlations: pure arrays.

A cluster bootstrap draws prompts with replacement; a song then counts as often as its prompt was drawn. All
coefficients below take such weights, so that a thousand replicates are a few matrix products.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from listening_test.reporting.resampling import Array

PARAMETERS = 4
"""Of the third-order mapping: what ITU-T P.1401 takes off the number of points before it divides by it."""


class Coefficients(NamedTuple):
    """Pearson's r, Spearman's rho, Kendall's tau-b; each of shape (B,), NaN where one side does not vary."""

    pearson: Array
    spearman: Array
    kendall: Array


def weighted(x: Array, y: Array, weights: Array) -> Coefficients:
    """The coefficients of one set of points under many weightings.

    Args:
        x: shape (n,).
        y: shape (n,).
        weights: how often each point counts, shape (B, n).
    """
    sign_x, sign_y = (np.sign(one[:, None] - one[None, :]) for one in (x, y))
    columns = np.broadcast_to(x - x.mean(), weights.shape), np.broadcast_to(y - y.mean(), weights.shape)
    # The mid-rank of a point among the points drawn: those below it, and half of those level with it.
    ranks = weights @ ((sign_x + 1) / 2).T, weights @ ((sign_y + 1) / 2).T
    concordance, untied_x, untied_y = (
        ((weights @ matrix) * weights).sum(axis=1) for matrix in (sign_x * sign_y, np.abs(sign_x), np.abs(sign_y))
    )
    return Coefficients(
        _pearson(columns[0], columns[1], weights),
        _pearson(ranks[0], ranks[1], weights),
        _ratio(concordance, np.sqrt(untied_x * untied_y)),
    )


def rowwise(x: Array, y: Array) -> Coefficients:
    """The coefficients of many small sets of points.

    Args:
        x: shape (B, n); NaN: the point is absent from this row.
        y: shape (B, n).
    """
    present = np.isfinite(x) & np.isfinite(y)
    weights = present.astype(np.float64)
    x, y = np.where(present, x, 0.0), np.where(present, y, 0.0)
    pairs = weights[:, :, None] * weights[:, None, :]
    sign_x, sign_y = (np.sign(values[:, :, None] - values[:, None, :]) * pairs for values in (x, y))
    ranks = [((sign + pairs) / 2).sum(axis=2) for sign in (sign_x, sign_y)]
    concordance, untied_x, untied_y = (
        matrix.sum(axis=(1, 2)) for matrix in (sign_x * sign_y, np.abs(sign_x), np.abs(sign_y))
    )
    return Coefficients(
        _pearson(x, y, weights),
        _pearson(ranks[0], ranks[1], weights),
        _ratio(concordance, np.sqrt(untied_x * untied_y)),
    )


def _pearson(x: Array, y: Array, weights: Array) -> Array:
    total = weights.sum(axis=1, keepdims=True)
    total = np.where(total > 0, total, np.nan)
    dx, dy = (one - (weights * one).sum(axis=1, keepdims=True) / total for one in (x, y))
    covariance, spread_x, spread_y = ((weights * a * b).sum(axis=1) for a, b in ((dx, dy), (dx, dx), (dy, dy)))
    size = np.maximum(np.abs(x).max(axis=1, initial=0.0) ** 2, 1e-300) * total[:, 0]
    size_y = np.maximum(np.abs(y).max(axis=1, initial=0.0) ** 2, 1e-300) * total[:, 0]
    flat = (spread_x <= 1e-20 * size) | (spread_y <= 1e-20 * size_y)  # nothing but rounding
    return np.where(flat, np.nan, np.clip(_ratio(covariance, np.sqrt(spread_x * spread_y)), -1.0, 1.0))


def _ratio(top: Array, bottom: Array) -> Array:
    return np.divide(top, bottom, out=np.full_like(bottom, np.nan), where=bottom > 0)


def mean_correlation(r: Array, n: Array) -> float:
    """The mean of correlations of independent samples: Fisher's z, weighted by n - 3; NaN when none has n above 3.

    Args:
        r: in [-1, 1], shape (k,).
        n: sizes of the samples, shape (k,).
    """
    informative = np.isfinite(r) & (n > 3)
    if not informative.any():
        return math.nan
    z = np.arctanh(np.clip(r[informative], -0.999999, 0.999999))
    return float(np.tanh(np.average(z, weights=n[informative] - 3)))


class MappedError(NamedTuple):
    """How far mapped predictions are from human means (ITU-T P.1401).

    Attributes:
        rmse: root of the summed squared errors over n - 4, in points of the scale.
        rmse_star: the same of the part of each error that exceeds the half width of the human mean's interval.
        outliers: share of the points whose error exceeds that half width, in [0, 1].
        n: points for `rmse`.
        n_repeated: points with two answers or more, on which the other two rest.
    """

    rmse: float | None
    rmse_star: float | None
    outliers: float | None
    n: int
    n_repeated: int


def mapped_error(x: Array, y: Array, half_widths: Array) -> MappedError:
    """The errors that remain after the best non-decreasing polynomial of third order from x to y.

    Args:
        x: predictions, higher is better, shape (n,).
        y: human means, shape (n,).
        half_widths: of the 95 % interval of each human mean, NaN where one answer gives none, shape (n,).
    """
    n, with_interval = len(x), np.isfinite(half_widths)
    repeated = int(with_interval.sum())
    if n <= PARAMETERS or np.ptp(x) == 0:
        return MappedError(None, None, None, n, repeated)
    errors = np.abs(y - monotone_cubic(x, y))
    rmse = math.sqrt(float((errors**2).sum()) / (n - PARAMETERS))
    if repeated <= PARAMETERS:
        return MappedError(rmse, None, None, n, repeated)
    beyond = np.maximum(errors[with_interval] - half_widths[with_interval], 0.0)
    star = math.sqrt(float((beyond**2).sum()) / (repeated - PARAMETERS))
    return MappedError(rmse, star, float((beyond > 0).mean()), n, repeated)


def monotone_cubic(x: Array, y: Array) -> Array:
    """Fitted values of the least-squares cubic that does not decrease between the smallest and the largest x.

    Args:
        x: not all equal, shape (n,).
        y: shape (n,).
    """
    from scipy.optimize import minimize

    u = 2 * (x - x.min()) / np.ptp(x) - 1
    powers = np.vander(u, PARAMETERS, increasing=True)
    grid = np.linspace(-1, 1, 41)
    slopes = np.stack([np.zeros_like(grid), np.ones_like(grid), 2 * grid, 3 * grid**2], axis=1)
    free = np.linalg.lstsq(powers, y, rcond=None)[0]
    if (slopes @ free >= -1e-9).all():
        return np.asarray(powers @ free)
    gram, target = powers.T @ powers / len(x), powers.T @ y / len(x)
    start = np.array([y.mean(), max(float(np.polyfit(u, y, 1)[0]), 0.0), 0.0, 0.0])
    solution = minimize(
        lambda b: float(b @ gram @ b - 2 * target @ b),
        start,
        jac=lambda b: 2 * (gram @ b - target),
        constraints={"type": "ineq", "fun": lambda b: slopes @ b, "jac": lambda b: slopes},
        method="SLSQP",
    )
    return np.asarray(powers @ solution.x)


def williams(r_first: float, r_second: float, r_between: float, n: int) -> tuple[float, float]:
    """Whether two predictors correlate differently with one criterion (Williams 1959; Steiger 1980, equation 7).

    Args:
        r_first: of the first predictor with the criterion.
        r_second: of the second.
        r_between: of the two predictors.
        n: points; taken as independent.

    Returns:
        t with n - 3 degrees of freedom and its two-sided p; NaN for n < 4 or predictors that are the same.
    """
    from scipy.special import stdtr

    if n < 4 or not all(map(math.isfinite, (r_first, r_second, r_between))) or r_between > 1 - 1e-9:
        return math.nan, math.nan
    determinant = 1 - r_first**2 - r_second**2 - r_between**2 + 2 * r_first * r_second * r_between
    mean = (r_first + r_second) / 2
    bottom = 2 * (n - 1) / (n - 3) * max(determinant, 0.0) + mean**2 * (1 - r_between) ** 3
    if bottom <= 0:
        return math.nan, math.nan
    t = (r_first - r_second) * math.sqrt((n - 1) * (1 + r_between) / bottom)
    return t, float(2 * stdtr(n - 3, -abs(t)))
