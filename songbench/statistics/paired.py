"""Two systems on the prompts they share: the difference of their figures, its interval and its p values."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from songbench.statistics.intervals import DUST, pseudo_values, standard_error
from songbench.statistics.resampling import bootstrap_reach
from songbench.statistics.student import t_p, t_quantile
from songbench.statistics.takes import Array, Takes, prompt_values

EXACT_FLIPS = 14
"""Up to this many prompts the sign-flip test visits every pattern of signs; beyond, it draws `RANDOM_FLIPS` of them."""
RANDOM_FLIPS = 9999


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
    """

    n: int
    difference: float
    low: float
    high: float
    p: float
    p_flip: float


class SetFigure(NamedTuple):
    """A figure that exists for a set only.

    Attributes:
        whole: of all prompts.
        leave_one_out: for each prompt, the figure without it.
    """

    whole: float
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
    mine, other = first.on(common), second.on(common)
    if mine is None or other is None:
        return None
    return compare_prompts(
        prompt_values(mine), prompt_values(other), confidence=confidence, replicates=replicates, seed=seed
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
    mine, other = pseudo_values(*first), pseudo_values(*second)
    common = sorted(mine.keys() & other.keys())
    if len(common) < 2:
        return None
    pairs = np.array([(mine[prompt], other[prompt]) for prompt in common])
    differences = pairs[:, 0] - pairs[:, 1]
    differences += first.whole - second.whole - differences.mean()
    return _test(differences, float(np.abs(pairs).max()), confidence, replicates, seed)


def _test(differences: Array, scale: float, confidence: float, replicates: int, seed: int) -> PairedTest:
    """The test of differences around 0; what is below `DUST` of the scale is rounding."""
    n, mean, error = len(differences), float(differences.mean()), standard_error(differences)
    p_flip = _sign_flip_p(differences, scale, seed)
    if error <= DUST * scale:  # t would be 0/0 or absurdly large
        return PairedTest(n, mean, mean, mean, p_flip, p_flip)
    reach = bootstrap_reach(differences - mean, np.ones(n), confidence=confidence, replicates=replicates, seed=seed)
    t = mean / error
    towards_zero = reach.above if t > 0 else -reach.below
    p = t_p(n - 1, t * t_quantile(n - 1, confidence) / towards_zero)
    return PairedTest(n, mean, mean - reach.above * error, mean - reach.below * error, p, p_flip)


def _sign_flip_p(differences: Array, scale: float, seed: int) -> float:
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
