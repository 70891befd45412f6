"""Two systems: the difference of their figures on shared prompts, its interval and p values; the chance to win."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from songbench.statistics.arrays import Array, Codes
from songbench.statistics.jackknife import pseudo_values
from songbench.statistics.means import DUST, standard_error
from songbench.statistics.resampling import bootstrap_reach
from songbench.statistics.student import t_p, t_quantile
from songbench.statistics.takes import Takes, prompt_values

EXACT_FLIPS = 14
"""Up to this many prompts the sign-flip test visits every pattern of signs; beyond, it draws `RANDOM_FLIPS` of them."""
RANDOM_FLIPS = 9999
EXACT_RANKS = 50
"""Up to this many differences Wilcoxon's test is exact."""

Mask: TypeAlias = npt.NDArray[np.bool_]


class PairedTest(NamedTuple):
    """Two systems on the prompts they share.

    Attributes:
        n: how many prompts.
        difference: first minus second.
        low: of its interval; equal to `high` when the difference is the same on every prompt.
        high: of its interval.
        p: two-sided, in (0, 1], below 1 - confidence just when the interval leaves out 0: Student's paired t, divided
            by how much further than Student's quantile the interval reaches towards 0. Where the differences do not
            vary, and t is undefined, it is `p_flip`.
        p_flip: two-sided, in (0, 1]: sign-flip test, exact up to `EXACT_FLIPS` prompts. It assumes no normality, but
            symmetry; with n prompts it cannot be below 2 / 2**n.
        deviation: standard deviation of the differences over prompts, >= 0.
        stretch: how much further than Student's the interval reaches towards 0, >= 1: `p` is that of t divided by it.
    """

    n: int
    difference: float
    low: float
    high: float
    p: float
    p_flip: float
    deviation: float
    stretch: float


class SetFigure(NamedTuple):
    """A figure that exists for a set only.

    Attributes:
        figure: of all prompts.
        leave_one_out: for each prompt, the figure without it.
    """

    figure: float
    leave_one_out: Mapping[str, float]


def compare_takes(
    first: Takes, second: Takes, *, confidence: float = 0.95, replicates: int = 2000, seed: int = 0
) -> PairedTest | None:
    """Compare the figures of two systems on the prompts both have.

    The tested quantity is the difference of the two weighted means on those prompts, whatever the weights
    (`prompt_values`).

    Args:
        first: of one system.
        second: of the other.
        confidence: of the interval, in (0, 1).
        replicates: of the bootstrap that finds how far the interval reaches, see `songbench.statistics.resampling`; 0:
            Student's paired t as it is.
        seed: of the bootstrap and of drawn sign flips.

    Returns:
        The test, or None with fewer than 2 common prompts.
    """
    common = set(first.prompts.tolist()) & set(second.prompts.tolist())
    first_shared, second_shared = first.on(common), second.on(common)
    if first_shared is None or second_shared is None:
        return None
    return compare_prompts(
        prompt_values(first_shared),
        prompt_values(second_shared),
        confidence=confidence,
        replicates=replicates,
        seed=seed,
    )


def compare_prompts(
    first: Mapping[str, float],
    second: Mapping[str, float],
    *,
    confidence: float = 0.95,
    replicates: int = 2000,
    seed: int = 0,
) -> PairedTest | None:
    """Compare two systems that have one value per prompt, on the prompts both have.

    Args and the test itself are those of `compare_takes`.

    Returns:
        The test, or None with fewer than 2 common prompts.

    >>> test = compare_prompts({"a": 3.0, "b": 2.5, "c": 4.0}, {"a": 1.0, "b": 1.5, "c": 3.5}, replicates=0)
    >>> test.n, round(test.difference, 2), round(test.p, 2), test.p_flip
    (3, 1.17, 0.12, 0.25)
    """
    common = sorted(first.keys() & second.keys())
    if len(common) < 2:
        return None
    pairs = np.array([(first[prompt], second[prompt]) for prompt in common])
    return _test(pairs[:, 0] - pairs[:, 1], float(np.abs(pairs).max()), confidence, replicates, seed)


def compare_sets(
    first: SetFigure, second: SetFigure, *, confidence: float = 0.95, replicates: int = 2000, seed: int = 0
) -> PairedTest | None:
    """Compare two set figures; their variation is that of the jackknife on the prompts both have.

    The difference is that of the two figures as they are, and so has the sign that a reader of the two expects. The
    bias-corrected one (the mean of the pseudo-values) can have the other: both figures grow as sets shrink, and by how
    much is known badly.

    Args and the test itself are those of `compare_takes`.

    Returns:
        The test, or None with fewer than 2 common prompts.
    """
    first_values, second_values = pseudo_values(*first), pseudo_values(*second)
    common = sorted(first_values.keys() & second_values.keys())
    if len(common) < 2:
        return None
    pairs = np.array([(first_values[prompt], second_values[prompt]) for prompt in common])
    differences = pairs[:, 0] - pairs[:, 1]
    differences += first.figure - second.figure - differences.mean()
    return _test(differences, float(np.abs(pairs).max()), confidence, replicates, seed)


def _test(differences: Array, scale: float, confidence: float, replicates: int, seed: int) -> PairedTest:
    """The test of differences, shape (n,), around 0; what is below `DUST` of the scale is rounding."""
    n, mean, error = len(differences), float(differences.mean()), standard_error(differences)
    p_flip = _sign_flip_p(differences, scale, seed)
    if error <= DUST * scale:  # t would be 0/0 or absurdly large
        return PairedTest(
            n=n, difference=mean, low=mean, high=mean, p=p_flip, p_flip=p_flip, deviation=0.0, stretch=1.0
        )
    reach = bootstrap_reach(differences - mean, np.ones(n), confidence=confidence, replicates=replicates, seed=seed)
    t = mean / error
    stretch = (reach.above if t > 0 else -reach.below) / t_quantile(n - 1, confidence)
    p = t_p(n - 1, t / stretch)
    low, high = mean - reach.above * error, mean - reach.below * error
    return PairedTest(
        n=n, difference=mean, low=low, high=high, p=p, p_flip=p_flip, deviation=error * math.sqrt(n), stretch=stretch
    )


def _sign_flip_p(differences: Array, scale: float, seed: int) -> float:
    """Of differences of shape (n,): the share of patterns of signs whose sum lies as far from 0."""
    n = len(differences)
    sums = np.abs(_signs(n, seed) @ differences)
    reached = int(np.sum(sums >= abs(float(differences.sum())) - DUST * scale * n))
    if n <= EXACT_FLIPS:
        return reached / len(sums)
    return (reached + 1) / (len(sums) + 1)  # what was observed is itself one of the patterns (Phipson & Smyth 2010)


@lru_cache(maxsize=4)
def _signs(n: int, seed: int) -> Array:
    """Patterns of signs, shape (patterns, n); if exact, the last sign is fixed, as opposite patterns count the same."""
    if n > EXACT_FLIPS:
        return np.random.default_rng(seed).choice([-1.0, 1.0], size=(RANDOM_FLIPS, n))
    numbers = np.arange(2 ** (n - 1))[:, None]
    signs: Array = 1.0 - 2.0 * ((numbers >> np.arange(n)) & 1)
    return signs


def wilcoxon_p(differences: Array) -> float:
    """The two-sided p of Wilcoxon's signed rank test.

    Exact where no two differences are equal in size, none is 0 and there are at most `EXACT_RANKS` of them; the normal
    approximation otherwise.

    Args:
        differences: shape (n,).

    Returns:
        In (0, 1]; 1 where all differences are 0.

    >>> wilcoxon_p(np.array([1.0, 2.0, 3.0]))
    0.25
    """
    from scipy.stats import wilcoxon

    if not np.any(differences):
        return 1.0
    untied = bool(np.all(differences != 0)) and len(np.unique(np.abs(differences))) == len(differences)
    method = "exact" if untied and len(differences) <= EXACT_RANKS else "asymptotic"
    return float(wilcoxon(differences, method=method).pvalue)


def win_probability(values: Array, rater: Codes, first: Mask, second: Mask) -> float:
    """The chance that a random rater rates a random song of the first system higher than one of the second, ties half.

    Each rater's answers about the first are held against all of the rater's answers about the second, so no rater's
    strictness matters; raters count alike.

    Args:
        values: answers, shape (n,).
        rater: codes, shape (n,).
        first: which answers are about the first system, shape (n,).
        second: which are about the second, shape (n,).

    Returns:
        In [0, 1]; NaN when nobody rated both.

    >>> about_first = np.array([True, True, False, False])
    >>> win_probability(np.array([3.0, 5.0, 3.0, 4.0]), np.array([0, 1, 0, 1]), about_first, ~about_first)
    0.75
    """
    levels, level = np.unique(values, return_inverse=True)
    high, low = np.zeros((2, int(rater.max(initial=0)) + 1, len(levels)))  # how often each rater gave each answer
    for counts, rows in ((high, first), (low, second)):
        np.add.at(counts, (rater[rows], level[rows]), 1.0)
    shared = (high.sum(axis=1) > 0) & (low.sum(axis=1) > 0)
    if not shared.any():
        return math.nan
    high, low = (counts[shared] / counts[shared].sum(axis=1, keepdims=True) for counts in (high, low))
    below = np.cumsum(low, axis=1) - low / 2
    return float(np.mean(np.sum(high * below, axis=1)))
