"""Linear models with crossed random effects, fitted by restricted maximum likelihood (REML).

Ratings are crossed: raters answer about many songs, songs are heard by many raters, and hardly ever all by all. The
model is ``y = X b + sum_j Z_j u_j + e`` with independent normal effects of variance ``s_j`` per grouping and residual
variance ``s_e`` (Searle, Casella and McCulloch 1992, ch. 6). All quantities that Fisher scoring needs follow from the
cross-products of ``[X, Z, y]`` and one Cholesky factor whose size is the number of random effects, not of answers.

In balanced data the estimates are those of the analysis of variance, as long as those are not negative.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from songbench.statistics.arrays import Array, Codes

RESIDUAL = "residual"
MOST_STEPS = 60
MOST_EFFECTS = 3000
"""Random effects: raters, items and their combinations with systems. Up to here one core fits in about half a minute;
the size of most tests, some hundreds, takes milliseconds."""
_FLOOR = 1e-6
"""Smallest residual variance, as a share of the variance of the data: keeps the equations solvable."""
_SAME = 1e-9
"""Weights below this are rounding."""
_SMALLEST_GAIN = 1e-7
"""Scoring ends when a full step would raise the log-likelihood by less."""


class ModelError(ValueError):
    """A model that cannot be fitted to these data; the message says why."""


class Contrast(NamedTuple):
    """A linear combination of the fixed effects.

    Attributes:
        estimate: its value.
        error: its standard error; NaN where the data cannot tell it from a random effect.
        freedom: degrees of freedom of the standard error (Satterthwaite), at least 1; NaN as the error.
    """

    estimate: float
    error: float
    freedom: float


@dataclass(frozen=True, eq=False, kw_only=True)
class CrossedFit:
    """A fitted model.

    Attributes:
        groupings: names of the variance components that could be told apart, the residual last.
        variances: one per grouping, >= 0, shape (m,).
        coefficients: fixed effects, shape (p,).
        covariance: of the fixed effects, shape (p, p).
        information: expected information of the variances, shape (m, m).
        slopes: derivative of `covariance` after each variance, shape (m, p, p).
        absorbed: what each level that the fixed part cannot be told from adds to the coefficients, shape (p, levels).
    """

    groupings: tuple[str, ...]
    variances: Array
    coefficients: Array
    covariance: Array
    information: Array
    slopes: Array
    absorbed: Array

    def variance(self, grouping: str) -> float | None:
        """The variance of a grouping; None where the data cannot tell it from another."""
        return float(self.variances[self.groupings.index(grouping)]) if grouping in self.groupings else None

    def contrast(self, weights: Array) -> Contrast:
        """A combination of fixed effects with Satterthwaite's degrees of freedom.

        The degrees of freedom count the uncertainty of every component, also of one that is estimated as zero: that a
        component came out as zero in a small test does not mean that it is known to be zero.

        Args:
            weights: shape (p,).
        """
        if np.any(np.abs(weights @ self.absorbed) > _SAME):
            return Contrast(float(weights @ self.coefficients), np.nan, np.nan)
        variance = float(weights @ self.covariance @ weights)
        gradient = np.einsum("i,kij,j->k", weights, self.slopes, weights)
        spread = float(gradient @ np.linalg.pinv(self.information, hermitian=True) @ gradient)
        freedom = max(1.0, 2 * variance**2 / spread) if spread > 0 else np.inf
        return Contrast(float(weights @ self.coefficients), variance**0.5, float(freedom))


def fit_crossed(values: Array, fixed: Array, groupings: Mapping[str, Codes]) -> CrossedFit:
    """Fit the model.

    Args:
        values: the answers, shape (n,).
        fixed: the fixed part, of full column rank, shape (n, p), n > p.
        groupings: per variance component, to which level each answer belongs (0, 1, …), shape (n,). A grouping that
            divides the answers as another one does, has one level only, or a level for every answer, cannot be told
            from the other, from the mean, or from the residual; it is left out. So is one that the fixed part
            explains, as when each system was heard on a prompt of its own; contrasts that hold it have no error.

    Raises:
        ModelError: when there are too few answers, when they do not vary, when there are more than `MOST_EFFECTS`
            random effects, or when the equations cannot be solved.

    >>> values, rater = np.array([7.0, 9.0, 4.0, 6.0, 1.0, 3.0]), np.array([0, 0, 1, 1, 2, 2])
    >>> fit = fit_crossed(values, np.ones((6, 1)), {"rater": rater})
    >>> round(float(fit.coefficients[0]), 3), round(fit.variance("rater"), 3), round(fit.variance("residual"), 3)
    (5.0, 8.0, 2.0)
    """
    # 1. groupings that the data can tell from each other and from the fixed part
    random, absorbed = _explained(_distinct(groupings), fixed)
    # 2. whether there is anything to fit
    residuals = values - fixed @ np.linalg.lstsq(fixed, values, rcond=None)[0]
    freedom = len(values) - fixed.shape[1]
    if freedom < 1:
        raise ModelError("there are as many systems as answers")
    total = float(residuals @ residuals) / freedom
    if total <= 1e-12 * max(1.0, float(np.abs(values).max()) ** 2):
        raise ModelError("the answers of a system do not vary")
    effects = sum(int(codes.max()) + 1 for codes in random.values())
    if effects > MOST_EFFECTS:
        raise ModelError(f"{effects} random effects are more than the {MOST_EFFECTS} it is meant for")
    # 3. all that scoring needs of the data, then scoring from equal shares of the variance
    products = _CrossProducts.of(values, fixed, list(random.values()))
    variances = np.append(np.full(len(random), 0.5 / max(len(random), 1)), 0.5) * total
    try:
        state = _maximised(products, variances, _FLOOR * total)
    except np.linalg.LinAlgError as error:
        raise ModelError(f"the equations cannot be solved ({error})") from None
    return state.fit((*random, RESIDUAL), absorbed)


def _distinct(groupings: Mapping[str, Codes]) -> dict[str, Codes]:
    """Groupings that divide the answers into several groups, each in its own way. Codes have shape (n,)."""
    partitions: set[bytes] = set()
    distinct: dict[str, Codes] = {}
    for name, grouping in groupings.items():
        _, first, codes = np.unique(grouping, return_index=True, return_inverse=True)
        canonical = np.argsort(np.argsort(first))[codes]  # numbered by first appearance: equal partitions look equal
        if 1 < len(first) < len(grouping) and canonical.tobytes() not in partitions:
            partitions.add(canonical.tobytes())
            distinct[name] = np.asarray(codes, dtype=np.intp)
    return distinct


def _explained(groupings: dict[str, Codes], fixed: Array) -> tuple[dict[str, Codes], Array]:
    """The groupings that the fixed part does not explain, and the coefficients of the levels that it does.

    Codes have shape (n,), the fixed part (n, p), the coefficients (p, levels).
    """
    unexplained: dict[str, Codes] = {}
    absorbed: list[Array] = [np.zeros((fixed.shape[1], 0))]
    for name, codes in groupings.items():
        levels = int(codes.max()) + 1
        if levels <= fixed.shape[1]:
            indicators = np.eye(levels)[codes]
            effects: Array = np.asarray(np.linalg.lstsq(fixed, indicators, rcond=None)[0], dtype=np.float64)
            if np.abs(indicators - fixed @ effects).max() < _SAME:
                absorbed.append(effects)
                continue
        unexplained[name] = codes
    return unexplained, np.hstack(absorbed)


@dataclass(frozen=True, eq=False)
class _CrossProducts:
    """``[X, Z, y]' [X, Z, y]`` and where its parts lie."""

    matrix: Array
    count: int
    fixed: int
    levels: Sequence[int]

    @classmethod
    def of(cls, values: Array, fixed: Array, groupings: Sequence[Codes]) -> _CrossProducts:
        """From values of shape (n,), a fixed part of shape (n, p) and codes of shape (n,)."""
        from scipy import sparse

        n = len(values)
        levels = [int(codes.max()) + 1 for codes in groupings]
        indicators = [
            sparse.csr_matrix((np.ones(n), (np.arange(n), codes)), shape=(n, count))
            for codes, count in zip(groupings, levels, strict=True)
        ]
        columns = sparse.hstack(
            [sparse.csr_matrix(fixed), *indicators, sparse.csr_matrix(values[:, None])], format="csr"
        )
        return cls((columns.T @ columns).toarray(), n, fixed.shape[1], levels)

    @property
    def places(self) -> list[slice]:
        ends = self.fixed + np.cumsum([0, *self.levels])
        return [slice(int(a), int(b)) for a, b in pairwise(ends)]


@dataclass(frozen=True, eq=False, kw_only=True)
class _State:
    """Everything the model says at given variances."""

    variances: Array
    likelihood: float
    score: Array
    information: Array
    coefficients: Array
    covariance: Array
    slopes: Array

    def fit(self, names: tuple[str, ...], absorbed: Array) -> CrossedFit:
        """The result, with `absorbed` of shape (p, levels)."""
        return CrossedFit(
            groupings=names,
            variances=self.variances,
            coefficients=self.coefficients,
            covariance=self.covariance,
            information=self.information,
            slopes=self.slopes,
            absorbed=absorbed,
        )


def _maximised(products: _CrossProducts, variances: Array, floor: float) -> _State:
    """Fisher scoring; components that would become negative are held at zero. Variances have shape (m,)."""
    state = _evaluated(products, variances)
    for _ in range(MOST_STEPS):
        free = (state.variances > 0) | (state.score > 0)
        free[-1] = True
        step = np.zeros_like(state.variances)
        step[free] = np.linalg.lstsq(state.information[np.ix_(free, free)], state.score[free], rcond=None)[0]
        if float(state.score @ step) < _SMALLEST_GAIN:
            break
        better = _better(products, state, step, floor)
        if better is None:
            break
        state = better
    return state


def _better(products: _CrossProducts, state: _State, step: Array, floor: float) -> _State | None:
    """A state of higher likelihood along a step of shape (m,), halved until there is one; None where there is none."""
    for halving in range(12):
        variances = np.maximum(state.variances + step / 2**halving, 0.0)
        variances[-1] = max(variances[-1], floor)
        new = _evaluated(products, variances)
        if new.likelihood > state.likelihood:
            return new
    return None


def _evaluated(products: _CrossProducts, variances: Array) -> _State:
    """The state at variances of shape (m,)."""
    p, places = products.fixed, products.places
    cross, likelihood = _weighted(products, variances)
    covariance: Array = np.asarray(np.linalg.inv(cross[:p, :p]), dtype=np.float64)
    onto = covariance @ cross[:p]
    projected = cross - cross[:, :p] @ onto  # [X, Z, y]' P [X, Z, y]
    yy = float(projected[-1, -1])
    likelihood -= 0.5 * (float(np.linalg.slogdet(cross[:p, :p])[1]) + yy)
    score, information = _moments(projected, places, variances, products.count - p, yy)
    bends = [cross[:p, at] @ cross[at, :p] for at in places]
    of_groupings = sum((v * bend for v, bend in zip(variances, bends, strict=False)), np.zeros((p, p)))
    bends.append((cross[:p, :p] - of_groupings) / variances[-1])
    slopes: Array = np.array([covariance @ bend @ covariance for bend in bends])
    return _State(
        variances=variances,
        likelihood=likelihood,
        score=score,
        information=information,
        coefficients=onto[:, -1],
        covariance=covariance,
        slopes=slopes,
    )


def _moments(
    projected: Array, places: Sequence[slice], variances: Array, freedom: int, yy: float
) -> tuple[Array, Array]:
    """Score and expected information of the variances, from ``Z' P Z`` and ``Z' P y``.

    For the residual Z is the identity, and ``P V P = P`` turns what it needs into what is known already.

    `projected` has shape (p + effects + 1, p + effects + 1); the score has shape (m,), the information (m, m).
    """
    s, residual, count = variances[:-1], float(variances[-1]), len(places)
    traces = np.array([float(np.trace(projected[at, at])) for at in places])
    squares = np.array([float(projected[at, -1] @ projected[at, -1]) for at in places])
    norms = np.array([float(np.sum(projected[a, b] ** 2)) for a in places for b in places]).reshape(count, count)
    of_residual = (traces - norms @ s) / residual
    trace = (freedom - s @ traces) / residual
    information = np.empty((count + 1, count + 1))
    information[:count, :count] = norms
    information[count, :count] = information[:count, count] = of_residual
    information[count, count] = (trace - s @ of_residual) / residual
    score = 0.5 * np.append(squares - traces, (yy - s @ squares) / residual - trace)
    return score, 0.5 * information


class _Weighted(NamedTuple):
    matrix: Array
    likelihood: float


def _weighted(products: _CrossProducts, variances: Array) -> _Weighted:
    """``[X, Z, y]' V^-1 [X, Z, y]`` by Woodbury's identity, and the part of the log-likelihood that V alone gives.

    Variances have shape (m,).
    """
    from scipy import linalg

    p, residual = products.fixed, float(variances[-1])
    roots = np.repeat(np.sqrt(variances[:-1]), products.levels)
    positive = np.flatnonzero(roots > 0)
    logs = products.count * float(np.log(residual))
    if not len(positive):
        return _Weighted(products.matrix / residual, -0.5 * logs)
    rows = p + positive
    inner = products.matrix[np.ix_(rows, rows)] * (roots[positive][:, None] * roots[positive][None, :] / residual)
    inner[np.diag_indices_from(inner)] += 1.0
    factor = linalg.cholesky(inner, lower=True, overwrite_a=True, check_finite=False)
    half: Any = linalg.solve_triangular(
        factor, roots[positive][:, None] * products.matrix[rows], lower=True, overwrite_b=True, check_finite=False
    )
    matrix = (products.matrix - half.T @ half / residual) / residual
    logs += 2 * float(np.sum(np.log(np.diag(factor))))
    return _Weighted(matrix, -0.5 * logs)
