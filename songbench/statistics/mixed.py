"""Linear models with crossed random effects, fitted by restricted maximum likelihood (REML).

Ratings are crossed: raters answer about many songs, songs are heard by many raters, and hardly ever all by all. The
model is ``y = X b + sum_j Z_j u_j + e`` with independent normal effects of variance ``s_j`` per grouping and residual
variance ``s_e`` (Searle, Casella and McCulloch 1992, ch. 6). All quantities that Fisher scoring needs follow from the
cross-products of ``[X, Z, y]``. Effects within one grouping, as a rater's own and those of the rater with each system,
never meet those of another rater: they are taken out rater by rater, and only the effects of the other groupings, the
prompts, are factored together. Answers and raters then cost time in proportion to their number.

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
"""Random effects that are factored together: those of the smaller side, items and their combinations with systems where
there are more raters. Up to here one core fits in about half a minute; most tests have some dozens."""
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
            random effects to factor together, or when the equations cannot be solved.

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
    inside = _inside(list(random.values()))
    effects = sum(int(codes.max()) + 1 for n, codes in enumerate(random.values()) if n not in inside)
    if effects > MOST_EFFECTS:
        raise ModelError(f"{effects} random effects are more than the {MOST_EFFECTS} it is meant for")
    # 3. all that scoring needs of the data, then scoring from equal shares of the variance
    products = _CrossProducts.of(values, fixed, list(random.values()), inside)
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


def _inside(groupings: Sequence[Codes]) -> list[int]:
    """The numbers of a grouping and of those that divide its levels further: of such families that with most effects.

    Codes have shape (n,). The outermost comes first; empty without groupings.
    """
    families = []
    for outer in range(len(groupings)):
        family = [n for n, codes in enumerate(groupings) if n != outer and _divides(codes, groupings[outer])]
        families.append([outer, *family])
    return max(families, key=lambda family: sum(int(groupings[n].max()) + 1 for n in family), default=[])


def _divides(inner: Codes, outer: Codes) -> bool:
    """Whether every level of one grouping lies in one level of another. Codes have shape (n,)."""
    level = np.empty(int(inner.max()) + 1, dtype=outer.dtype)
    level[inner] = outer
    return bool(np.array_equal(level[inner], outer))


@dataclass(frozen=True, eq=False, kw_only=True)
class _CrossProducts:
    """``[X, Z, y]' [X, Z, y]``, with the effects within an outermost grouping apart from all others.

    Attributes:
        count: n.
        fixed: p.
        blocks: of the effects within, for each outermost level, filled up with zeros, shape (levels, width, width).
        beside: of the effects within with ``[X, Z of the others, y]``, shape (levels, width, columns).
        matrix: of ``[X, Z of the others, y]``, shape (columns, columns).
        within: number of a grouping → which of the effects within are its own, shape (levels, width).
        outside: number of any other grouping → its columns.
    """

    count: int
    fixed: int
    blocks: Array
    beside: Array
    matrix: Array
    within: Mapping[int, Array]
    outside: Mapping[int, slice]

    @classmethod
    def of(cls, values: Array, fixed: Array, groupings: Sequence[Codes], inside: Sequence[int]) -> _CrossProducts:
        """From values of shape (n,), a fixed part of shape (n, p), codes of shape (n,) and what lies within."""
        from scipy import sparse

        n = len(values)
        outside = [number for number in range(len(groupings)) if number not in inside]
        counts = [int(codes.max()) + 1 for codes in groupings]

        def indicators(numbers: Sequence[int]) -> list[Any]:
            return [
                sparse.csr_matrix((np.ones(n), (np.arange(n), groupings[k])), shape=(n, counts[k])) for k in numbers
            ]

        # 1. where each effect within lies: its outermost level, and its place among that level's
        level = np.zeros(sum(counts[k] for k in inside), dtype=np.intp)
        owner = np.repeat(np.array(inside, dtype=np.intp), [counts[k] for k in inside])
        starts = np.cumsum([0, *(counts[k] for k in inside)])
        for k, start in zip(inside, starts, strict=False):
            level[start + groupings[k]] = groupings[inside[0]]
        order = np.argsort(level, kind="stable")
        per_level = np.bincount(level, minlength=0)
        place = np.empty_like(level)
        place[order] = np.arange(len(level)) - np.repeat(np.cumsum(per_level) - per_level, per_level)
        shape = (len(per_level), int(per_level.max(initial=0)))
        # 2. the products, sparse as they are, then in their places
        columns = sparse.hstack(
            [sparse.csr_matrix(fixed), *indicators(outside), sparse.csr_matrix(values[:, None])], format="csr"
        )
        blocks, beside = np.zeros((*shape, shape[1])), np.zeros((*shape, columns.shape[1]))
        if inside:
            nested = sparse.hstack(indicators(inside), format="csr")
            pairs, mixed = (nested.T @ nested).tocoo(), (nested.T @ columns).tocoo()
            blocks[level[pairs.row], place[pairs.row], place[pairs.col]] = pairs.data
            beside[level[mixed.row], place[mixed.row], mixed.col] = mixed.data
        within = {k: np.zeros(shape) for k in inside}
        for k in inside:
            within[k][level[owner == k], place[owner == k]] = 1.0
        ends = fixed.shape[1] + np.cumsum([0, *(counts[k] for k in outside)])
        return cls(
            count=n,
            fixed=fixed.shape[1],
            blocks=blocks,
            beside=beside,
            matrix=(columns.T @ columns).toarray(),
            within=within,
            outside={k: slice(int(a), int(b)) for k, (a, b) in zip(outside, pairwise(ends), strict=True)},
        )


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
    p, count = products.fixed, len(variances) - 1
    weighted = _weighted(products, variances)
    matrix, beside = weighted.matrix, weighted.beside
    covariance: Array = np.asarray(np.linalg.inv(matrix[:p, :p]), dtype=np.float64)
    onto = covariance @ matrix[:p]
    projected = _Projected(
        blocks=weighted.blocks,
        left=np.concatenate([weighted.common, beside[..., :p] @ covariance], axis=2),
        right=np.concatenate([weighted.common, beside[..., :p]], axis=2),
        beside=beside - beside[..., :p] @ onto,
        matrix=matrix - matrix[:, :p] @ onto,
    )
    yy = float(projected.matrix[-1, -1])
    likelihood = weighted.likelihood - 0.5 * (float(np.linalg.slogdet(matrix[:p, :p])[1]) + yy)
    score, information = _moments(products, projected, variances, yy)
    bends = []
    for number in range(count):
        if number in products.within:
            rows = beside[products.within[number] > 0][:, :p]
            bends.append(rows.T @ rows)
        else:
            at = products.outside[number]
            bends.append(matrix[:p, at] @ matrix[at, :p])
    of_groupings = sum((v * bend for v, bend in zip(variances, bends, strict=False)), np.zeros((p, p)))
    bends.append((matrix[:p, :p] - of_groupings) / variances[-1])
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


class _Projected(NamedTuple):
    """``[Z, y]' P [Z, y]``. Of the effects within it is `blocks` less the product of `left` and `right`.

    Attributes:
        blocks: shape (levels, width, width).
        left: shape (levels, width, k).
        right: shape (levels, width, k).
        beside: of the effects within with all columns, shape (levels, width, columns).
        matrix: of the columns, shape (columns, columns).
    """

    blocks: Array
    left: Array
    right: Array
    beside: Array
    matrix: Array


def _moments(products: _CrossProducts, projected: _Projected, variances: Array, yy: float) -> tuple[Array, Array]:
    """Score and expected information of the variances, from ``Z' P Z`` and ``Z' P y``.

    For the residual Z is the identity, and ``P V P = P`` turns what it needs into what is known already.

    The score has shape (m,), the information (m, m).
    """
    s, residual, count = variances[:-1], float(variances[-1]), len(variances) - 1
    traces, squares, norms = np.zeros(count), np.zeros(count), np.zeros((count, count))
    rights = {number: members[..., None] * projected.right for number, members in products.within.items()}
    grams = {number: _gram(right) for number, right in rights.items()}
    for number, members in products.within.items():
        diagonal = np.einsum("lii->li", projected.blocks) - np.sum(projected.left * projected.right, axis=2)
        traces[number] = np.sum(members * diagonal)
        squares[number] = np.sum(members * projected.beside[..., -1] ** 2)
        left = members[..., None] * projected.left
        crossed = projected.blocks @ left
        squared = _gram(left)
        for second, second_members in products.within.items():
            norms[number, second] = (
                np.sum(members[:, :, None] * projected.blocks**2 * second_members[:, None, :])
                - 2 * np.sum(crossed * rights[second])
                + np.sum(squared * grams[second])
            )
        for second, at in products.outside.items():
            norms[number, second] = np.sum(members[..., None] * projected.beside[..., at] ** 2)
            norms[second, number] = norms[number, second]
    for number, at in products.outside.items():
        traces[number] = np.trace(projected.matrix[at, at])
        squares[number] = projected.matrix[at, -1] @ projected.matrix[at, -1]
        for second, columns in products.outside.items():
            norms[number, second] = np.sum(projected.matrix[at, columns] ** 2)
    of_residual = (traces - norms @ s) / residual
    trace = (products.count - products.fixed - s @ traces) / residual
    information = np.empty((count + 1, count + 1))
    information[:count, :count] = norms
    information[count, :count] = information[:count, count] = of_residual
    information[count, count] = (trace - s @ of_residual) / residual
    score = 0.5 * np.append(squares - traces, (yy - s @ squares) / residual - trace)
    return score, 0.5 * information


def _gram(rows: Array) -> Array:
    """Inner products of the last axis over all others, shape (k, k); of shape (levels, width, k)."""
    flat = rows.reshape(rows.shape[0] * rows.shape[1], rows.shape[2])
    product: Array = flat.T @ flat
    return product


class _Weighted(NamedTuple):
    """``[X, Z, y]' V^-1 [X, Z, y]``. Of the effects within it is `blocks` less `common` by its transpose.

    Attributes:
        blocks: shape (levels, width, width).
        common: shape (levels, width, other effects).
        beside: shape (levels, width, columns).
        matrix: shape (columns, columns).
        likelihood: the part of the log-likelihood that V alone gives.
    """

    blocks: Array
    common: Array
    beside: Array
    matrix: Array
    likelihood: float


def _weighted(products: _CrossProducts, variances: Array) -> _Weighted:
    """Woodbury's identity twice: for the effects within, level by level, then for all others together.

    Variances have shape (m,).
    """
    from scipy import linalg

    residual, columns = float(variances[-1]), products.matrix.shape[0]
    levels, width = products.blocks.shape[:2]
    # 1. the effects within
    roots = np.zeros((levels, width))
    for number, members in products.within.items():
        roots += np.sqrt(variances[number]) * members
    inner = products.blocks * (roots[:, :, None] * roots[:, None, :] / residual) + np.eye(width)
    factors = np.linalg.cholesky(inner)
    joint = np.concatenate([products.blocks, products.beside], axis=2)
    half = np.linalg.solve(factors, roots[:, :, None] * joint)
    half_blocks, half_beside = half[..., :width], half[..., width:]
    turned = half_blocks.transpose(0, 2, 1)
    blocks = (products.blocks - turned @ half_blocks / residual) / residual
    beside = (products.beside - turned @ half_beside / residual) / residual
    flat = half_beside.reshape(levels * width, columns)
    matrix = (products.matrix - flat.T @ flat / residual) / residual
    logs = products.count * float(np.log(residual))
    logs += 2 * float(np.sum(np.log(np.einsum("lii->li", factors))))
    # 2. all others
    at = slice(products.fixed, columns - 1)
    sizes = [places.stop - places.start for places in products.outside.values()]
    scale = np.repeat(np.sqrt(variances[list(products.outside)]), sizes)
    inner = matrix[at, at] * (scale[:, None] * scale[None, :]) + np.eye(len(scale))
    factor = linalg.cholesky(inner, lower=True, check_finite=False)
    logs += 2 * float(np.sum(np.log(np.diag(factor))))
    spread: Any = linalg.solve_triangular(factor, scale[:, None] * matrix[at], lower=True, check_finite=False)
    onto: Any = linalg.solve_triangular(
        factor, scale[:, None] * beside[..., at].reshape(levels * width, len(scale)).T, lower=True, check_finite=False
    )
    common: Array = onto.T.reshape(levels, width, len(scale))
    return _Weighted(blocks, common, beside - common @ spread, matrix - spread.T @ spread, -0.5 * logs)
