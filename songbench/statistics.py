"""Intervals, paired tests and ranks: pure functions on arrays, for the leaderboard and for listening tests.

The unit of inference is the prompt: takes of one prompt resemble each other, so a hundred takes of one prompt say
little about other prompts. Every interval and every test therefore treats prompts as drawn at random and takes as
nested in them.

- Figures that are means over songs: `bootstrap_interval` and `compare_takes`.
- Figures of a whole set (FAD, KAD): `jackknife_interval`, and `compare_prompts` on `pseudo_values`. The jackknife and
  not the bootstrap, because resampling with replacement plays songs twice: the resampled set is less varied than any
  real set of its size, and a distance between distributions grows with every repetition. Its bootstrap interval can lie
  wholly above the figure. Leaving out one prompt repeats nothing.
- Many pairs: `holm`; what to print beside a name: `compact_letters` or `rank_ranges`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.float64]

EXACT_FLIPS = 14
"""Up to this many prompts the sign-flip test visits every pattern of signs; beyond, it draws `RANDOM_FLIPS` of them."""
RANDOM_FLIPS = 9999
_DRAWS_AT_ONCE = 1_000_000
_ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Interval(NamedTuple):
    """A confidence interval; ``low <= high``."""

    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Takes:
    """Values of one system, one per (prompt, take).

    Attributes:
        prompts: the prompt of each value, shape (n,).
        values: finite, shape (n,).
        weights: how much each value counts in the figure, > 0, shape (n,).
    """

    prompts: npt.NDArray[np.str_]
    values: Array
    weights: Array

    @classmethod
    def of(cls, prompts: Sequence[str], values: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Takes:
        """Check and keep three columns of equal length; without weights every value counts the same.

        Raises:
            ValueError: for unequal lengths, no values, values that are not finite or weights that are not above 0.
        """
        labels, array = np.asarray(prompts, dtype=np.str_), np.asarray(values, dtype=np.float64)
        counts = np.ones_like(array) if weights is None else np.asarray(weights, dtype=np.float64)
        if not (labels.shape == array.shape == counts.shape) or array.ndim != 1 or not array.size:
            raise ValueError(
                f"Expected three columns of equal length >= 1, found {labels.shape} {array.shape} {counts.shape}."
            )
        if not np.isfinite(array).all() or not np.isfinite(counts).all() or (counts <= 0).any():
            raise ValueError("Values must be finite, and weights finite and above 0.")
        return cls(labels, array, counts)

    @property
    def figure(self) -> float:
        """The weighted mean; with counts as weights, the micro average (all errors over all units)."""
        return float(np.sum(self.values * self.weights) / np.sum(self.weights))

    def on(self, prompts: set[str]) -> Takes | None:
        """Only the values of these prompts; None when there are none."""
        kept = np.isin(self.prompts, sorted(prompts))
        return Takes(self.prompts[kept], self.values[kept], self.weights[kept]) if kept.any() else None


class PairedTest(NamedTuple):
    """Two systems on the prompts they share.

    Attributes:
        n: how many prompts.
        difference: first minus second.
        low: of its Student t interval; equal to `high` when the difference is the same on every prompt.
        high: of its Student t interval.
        p: two-sided, in (0, 1]: Student's paired t, or `p_flip` where the differences do not vary and t is undefined.
        p_flip: two-sided, in (0, 1]: sign-flip test, exact up to `EXACT_FLIPS` prompts. It assumes no normality; with
            n prompts it cannot be below 2 / 2**n.
    """

    n: int
    difference: float
    low: float
    high: float
    p: float
    p_flip: float


def bootstrap_interval(
    takes: Takes, *, confidence: float = 0.95, replicates: int = 2000, seed: int = 0
) -> Interval | None:
    """Two-stage percentile bootstrap of the weighted mean.

    Prompts are drawn with replacement, and inside each drawn prompt its takes. Drawing takes as well makes the interval
    a little wider than prompts alone would. With few prompts percentiles of the resampled means are too narrow by a
    known factor, so they are taken further out (Hesterberg 2015, "expanded percentile"): for normal values the width
    becomes that of Student's t interval (with 20 prompts 10 % wider, with 100 prompts 2 %).

    Args:
        takes: the values.
        confidence: in (0, 1).
        replicates: how many times to resample.
        seed: the same seed and the same values give the same interval, whatever the order of prompts.

    Returns:
        The interval, or None with a single prompt, which says nothing about other prompts.
    """
    prompts = len(np.unique(takes.prompts))
    if prompts < 2:
        return None
    tail = _expanded_tail(prompts, confidence)
    low, high = np.quantile(_resampled_figures(takes, replicates, seed), [tail, 1 - tail])
    return Interval(float(low), float(high))


def _expanded_tail(n: int, confidence: float) -> float:
    from scipy.special import ndtr

    return float(ndtr(-math.sqrt(n / (n - 1)) * _t_quantile(n - 1, confidence)))


def _resampled_figures(takes: Takes, replicates: int, seed: int) -> Array:
    _, owner = np.unique(takes.prompts, return_inverse=True)
    order = np.argsort(owner, kind="stable")
    weights = takes.weights[order]
    products = takes.values[order] * weights
    counts = np.bincount(owner)
    starts = np.cumsum(counts) - counts
    most = int(counts.max())
    rng = np.random.default_rng(seed)
    at_once = max(1, _DRAWS_AT_ONCE // (len(counts) * most))
    figures = np.empty(replicates)
    for begin in range(0, replicates, at_once):
        size = min(at_once, replicates - begin)
        prompts = rng.integers(len(counts), size=(size, len(counts)))  # (replicate, slot)
        within = counts[prompts][:, :, None]
        draws = (rng.random((size, len(counts), most)) * within).astype(np.intp)  # (replicate, slot, take)
        songs = starts[prompts][:, :, None] + draws
        drawn = np.arange(most) < within  # a prompt with fewer takes fills fewer places
        totals = np.where(drawn, weights[songs], 0.0).sum(axis=(1, 2))
        figures[begin : begin + size] = np.where(drawn, products[songs], 0.0).sum(axis=(1, 2)) / totals
    return figures


def pseudo_values(whole: float, leave_one_out: Mapping[str, float]) -> dict[str, float]:
    """The jackknife's stand-in for "the value of one prompt" of a figure that exists for a set only.

    Args:
        whole: the figure of all n prompts.
        leave_one_out: for each prompt, the figure without it.

    Returns:
        For each prompt n * whole - (n - 1) * figure without it (Tukey 1958). Their mean is the figure with its
        first-order bias in 1/n removed; for a plain mean they are the values themselves.
    """
    n = len(leave_one_out)
    return {prompt: n * whole - (n - 1) * leave_one_out[prompt] for prompt in sorted(leave_one_out)}


def jackknife_interval(
    whole: float, leave_one_out: Mapping[str, float], *, confidence: float = 0.95
) -> Interval | None:
    """Student t interval around a set figure, with the jackknife's standard error and n - 1 degrees of freedom.

    It is centred on the figure itself, not on its bias-corrected version, so that it always holds the number printed
    beside it.

    Returns:
        The interval, or None with fewer than 2 prompts. For a plain mean it is the classic t interval exactly.
    """
    n = len(leave_one_out)
    if n < 2:
        return None
    values = np.array(list(pseudo_values(whole, leave_one_out).values()))
    half = _t_quantile(n - 1, confidence) * float(np.std(values, ddof=1)) / math.sqrt(n)
    return Interval(whole - half, whole + half)


def prompt_values(takes: Takes) -> dict[str, float]:
    """One value per prompt, such that their plain mean is the weighted mean of all takes.

    With W_i the weight of a prompt, m_i the weighted mean of its takes, F the figure and W the mean of W_i, the value
    is F + (W_i / W) (m_i - F): the linearised ratio (Taylor linearisation of survey statistics, Cochran 1977, §6.4).
    Its spread over prompts gives the standard error of the micro average. With equal weights it is m_i.
    """
    labels, owner = np.unique(takes.prompts, return_inverse=True)
    weights = np.bincount(owner, takes.weights)
    means = np.bincount(owner, takes.weights * takes.values) / weights
    values = takes.figure + weights / weights.mean() * (means - takes.figure)
    return {str(label): float(value) for label, value in zip(labels, values, strict=True)}


def compare_takes(first: Takes, second: Takes, *, confidence: float = 0.95, seed: int = 0) -> PairedTest | None:
    """Compare the figures of two systems on the prompts both have.

    The tested quantity is the difference of the two weighted means on those prompts, whatever the weights
    (`prompt_values`).

    Returns:
        The test, or None with fewer than 2 common prompts.
    """
    common = set(first.prompts.tolist()) & set(second.prompts.tolist())
    mine, other = first.on(common), second.on(common)
    if mine is None or other is None:
        return None
    return compare_prompts(prompt_values(mine), prompt_values(other), confidence=confidence, seed=seed)


def compare_prompts(
    first: Mapping[str, float], second: Mapping[str, float], *, confidence: float = 0.95, seed: int = 0
) -> PairedTest | None:
    """Compare two systems that have one value per prompt, on the prompts both have.

    For set metrics the values are `pseudo_values`; the difference is then the bias-corrected one.

    Returns:
        The test, or None with fewer than 2 common prompts.
    """
    common = sorted(first.keys() & second.keys())
    if len(common) < 2:
        return None
    pairs = np.array([(first[prompt], second[prompt]) for prompt in common])
    differences = pairs[:, 0] - pairs[:, 1]
    n, mean, spread = len(common), float(differences.mean()), float(np.std(differences, ddof=1))
    p_flip = _sign_flip_p(differences, float(np.abs(pairs).max()), seed)
    if spread <= 1e-12 * float(np.abs(pairs).max()):  # nothing but rounding: t would be 0/0 or absurdly large
        return PairedTest(n, mean, mean, mean, p_flip, p_flip)
    error = spread / math.sqrt(n)
    half = _t_quantile(n - 1, confidence) * error
    return PairedTest(n, mean, mean - half, mean + half, _t_p(n - 1, mean / error), p_flip)


def _sign_flip_p(differences: Array, scale: float, seed: int) -> float:
    n = len(differences)
    sums = np.abs(_signs(n, seed) @ differences)
    reached = int(np.sum(sums >= abs(float(differences.sum())) - 1e-12 * scale * n))
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


def _t_quantile(freedom: int, confidence: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + confidence) / 2))


def _t_p(freedom: int, t: float) -> float:
    from scipy.special import stdtr

    return max(2 * float(stdtr(freedom, -abs(t))), float(np.finfo(np.float64).tiny))


def holm(p: npt.ArrayLike) -> Array:
    """Holm's step-down correction (Holm 1979): p values that may be held against one level however many were looked at.

    Args:
        p: the p values of one family, in [0, 1], shape (m,); m may be 0.

    Returns:
        The adjusted values, in [0, 1], shape (m,), in the same order; never smaller than `p` and monotone in it.

    Raises:
        ValueError: for values outside [0, 1] or NaN.
    """
    given = np.asarray(p, dtype=np.float64)
    if given.ndim != 1 or not ((given >= 0) & (given <= 1)).all():
        raise ValueError(f"Expected p values in [0, 1] in one row, found {given}.")
    order = np.argsort(given, kind="stable")
    stepped = given[order] * np.arange(len(given), 0, -1)
    adjusted = np.empty_like(given)
    adjusted[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return adjusted


def compact_letters(adjusted: npt.ArrayLike, *, level: float = 0.05) -> list[str]:
    """Letters such that two systems share one exactly when they do not differ significantly.

    Insert-and-absorb (Piepho 2004): begin with one letter for all; each significant pair splits every letter that
    holds both, and a letter whose holders all share another one is dropped.

    Args:
        adjusted: symmetric p values after `holm`, shape (k, k), systems from best to worst; NaN: not tested, so not
            told apart.
        level: significant is p < level.

    Returns:
        k strings such as ``["a", "ab", "b"]``; ``a`` belongs to the best system.
    """
    matrix = np.asarray(adjusted, dtype=np.float64)
    k = len(matrix)
    groups = {frozenset(range(k))} if k else set()
    for i in range(k):
        for j in range(i + 1, k):
            if matrix[i, j] < level:
                groups = _absorb(
                    {part for group in groups for part in ((group - {i}, group - {j}) if {i, j} <= group else (group,))}
                )
    ordered = sorted(groups, key=sorted)
    return ["".join(_letter(number) for number, group in enumerate(ordered) if i in group) for i in range(k)]


def _absorb(groups: set[frozenset[int]]) -> set[frozenset[int]]:
    return {group for group in groups if not any(group < other for other in groups)}


def _letter(number: int) -> str:
    turn, place = divmod(number, len(_ALPHABET))
    return _ALPHABET[place] + (str(turn + 1) if turn else "")


def rank_ranges(better: npt.ArrayLike) -> list[tuple[int, int]]:
    """The ranks each system may hold, given only what is significant.

    Args:
        better: ``better[i, j]``: i is significantly better than j; shape (k, k), bool.

    Returns:
        For each system (best, worst) with 1 <= best <= worst <= k: 1 + how many beat it, k - how many it beats.
    """
    matrix = np.asarray(better, dtype=bool)
    k = len(matrix)
    return [(1 + int(matrix[:, i].sum()), k - int(matrix[i].sum())) for i in range(k)]
