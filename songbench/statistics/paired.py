"""Two systems: the difference of their figures on shared prompts, its interval and p values; the chance to win."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from songbench.statistics.arrays import Array, Codes
from songbench.statistics.jackknife import pseudo_values
from songbench.statistics.means import DUST, standard_errors
from songbench.statistics.resampling import blocks_of_one_size, bootstrap_reaches
from songbench.statistics.shared_prompts import SharedPrompts
from songbench.statistics.sign_flips import sign_flip_p
from songbench.statistics.student import t_p, t_quantile
from songbench.statistics.takes import Takes

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
        p_flip: two-sided, in (0, 1]: sign-flip test, exact up to `songbench.statistics.sign_flips.EXACT_FLIPS` prompts.
            It assumes no normality, but symmetry; with n prompts it cannot be below 2 / 2**n.
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
    return compare_all_takes([(first, second)], confidence=confidence, replicates=replicates, seed=seed)[0]


def compare_all_takes(
    pairs: Sequence[tuple[Takes, Takes]], *, confidence: float = 0.95, replicates: int = 2000, seed: int = 0
) -> list[PairedTest | None]:
    """What `compare_takes` gives for each of many pairs, at a small part of the cost.

    Pairs of as many common prompts share their patterns of signs and their resamples: a matrix product each for all.
    Which are computed together moves no more than the last bits of a sum.

    Args:
        pairs: of two systems each. A system that is in several is best the same object in all.
        confidence: as there.
        replicates: as there.
        seed: as there.
    """
    shared = SharedPrompts(takes for pair in pairs for takes in pair)
    return _tests(
        [shared.count(*pair) for pair in pairs],
        lambda place: _differences(*shared.values(*pairs[place])),
        confidence,
        replicates,
        seed,
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
    values = [np.array([of_system[prompt] for prompt in common], dtype=np.float64) for of_system in (first, second)]
    return _tests([len(common)], lambda _: _differences(*values), confidence, replicates, seed)[0]


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
    return compare_all_sets([(first, second)], confidence=confidence, replicates=replicates, seed=seed)[0]


def compare_all_sets(
    pairs: Sequence[tuple[SetFigure, SetFigure]], *, confidence: float = 0.95, replicates: int = 2000, seed: int = 0
) -> list[PairedTest | None]:
    """What `compare_sets` gives for each of many pairs, as `compare_all_takes`.

    Args:
        pairs: of two figures each.
        confidence: as there.
        replicates: as there.
        seed: as there.
    """
    values = {id(figure): pseudo_values(*figure) for pair in pairs for figure in pair}
    common = [sorted(values[id(first)].keys() & values[id(second)].keys()) for first, second in pairs]

    def differences(place: int) -> tuple[Array, float]:
        of_pair = [[values[id(figure)][prompt] for prompt in common[place]] for figure in pairs[place]]
        gaps, scale = _differences(*map(np.array, of_pair))
        return gaps + (pairs[place][0].figure - pairs[place][1].figure - gaps.mean()), scale

    return _tests(list(map(len, common)), differences, confidence, replicates, seed)


def _differences(first: Array, second: Array) -> tuple[Array, float]:
    """Of the values of two systems, shape (n,), n >= 1; and the largest size among the values themselves."""
    return first - second, float(max(np.abs(first).max(), np.abs(second).max()))


def _tests(
    sizes: Sequence[int],
    differences: Callable[[int], tuple[Array, float]],
    confidence: float,
    replicates: int,
    seed: int,
) -> list[PairedTest | None]:
    """The tests of pairs.

    Args:
        sizes: how many prompts each pair has; those with fewer than 2 have no test.
        differences: of the pair at a place, shape (n,), and the scale of the numbers whose differences they are: what
            is below `DUST` of it is rounding.
        confidence: of the intervals.
        replicates: of the bootstrap.
        seed: of bootstrap and sign flips.
    """
    tests: list[PairedTest | None] = [None] * len(sizes)
    for places in blocks_of_one_size(sizes, replicates):
        if sizes[places[0]] < 2:
            continue
        columns, scales = zip(*map(differences, places), strict=True)
        block = _block_tests(np.array(columns), np.array(scales), confidence, replicates, seed)
        for place, test in zip(places, block, strict=True):
            tests[place] = test
    return tests


def _block_tests(differences: Array, scales: Array, confidence: float, replicates: int, seed: int) -> list[PairedTest]:
    """The tests of m pairs of n prompts each: differences of shape (m, n), scales of shape (m,)."""
    n = differences.shape[1]
    means, errors = differences.mean(axis=1), standard_errors(differences)
    p_flips = sign_flip_p(differences, scales, seed)
    varied = errors > DUST * scales  # elsewhere t would be 0/0 or absurdly large
    below, above = np.zeros((2, len(differences)))
    if varied.any():
        residuals = differences[varied] - means[varied, None]
        below[varied], above[varied] = bootstrap_reaches(
            residuals, confidence=confidence, replicates=replicates, seed=seed
        )
    tests = []
    for mean, error, p_flip, has_spread, least, most in zip(
        means.tolist(), errors.tolist(), p_flips.tolist(), varied, below.tolist(), above.tolist(), strict=True
    ):
        stretch, p, deviation = 1.0, p_flip, 0.0
        if has_spread:
            t = mean / error
            stretch = (most if t > 0 else -least) / t_quantile(n - 1, confidence)
            p, deviation = t_p(n - 1, t / stretch), error * math.sqrt(n)
        low, high = (mean - most * error, mean - least * error) if has_spread else (mean, mean)
        tests.append(
            PairedTest(
                n=n,
                difference=mean,
                low=low,
                high=high,
                p=p,
                p_flip=p_flip,
                deviation=deviation,
                stretch=stretch,
            )
        )
    return tests


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
