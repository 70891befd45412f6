"""Many systems at once: p values corrected for their number, and what to print beside a name."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from songbench.statistics.arrays import Array

Pair: TypeAlias = tuple[str, str]
"""The names of two systems."""
_ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Standing(NamedTuple):
    """Where a system stands among the others.

    Attributes:
        rank: best and worst rank that the significant differences allow; None where nothing was tested.
        group: letters; systems that share one do not differ significantly; "" where nothing was tested.
    """

    rank: tuple[int, int] | None
    group: str


def holm(p: npt.ArrayLike) -> Array:
    """Holm's step-down correction (Holm 1979): p values that may be held against one level however many were looked at.

    Args:
        p: the p values of one family, in [0, 1], shape (m,); m may be 0.

    Returns:
        The adjusted values, in [0, 1], shape (m,), in the same order; never smaller than `p` and monotone in it.

    Raises:
        ValueError: for values outside [0, 1] or NaN.

    >>> holm([0.01, 0.04, 0.03])
    array([0.03, 0.06, 0.06])
    """
    raw = np.asarray(p, dtype=np.float64)
    if raw.ndim != 1 or not ((raw >= 0) & (raw <= 1)).all():
        raise ValueError(f"Expected p values in [0, 1] in one row, found {raw}.")
    order = np.argsort(raw, kind="stable")
    stepped = raw[order] * np.arange(len(raw), 0, -1)
    adjusted = np.empty_like(raw)
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

    >>> compact_letters([[1.0, 0.2, 0.01], [0.2, 1.0, 0.2], [0.01, 0.2, 1.0]])
    ['a', 'ab', 'b']
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

    >>> rank_ranges([[False, False, True], [False, False, False], [False, False, False]])
    [(1, 2), (1, 3), (2, 3)]
    """
    matrix = np.asarray(better, dtype=bool)
    k = len(matrix)
    return [(1 + int(matrix[:, i].sum()), k - int(matrix[i].sum())) for i in range(k)]


def standings(
    order: Sequence[str], p_adjusted: Mapping[Pair, float], advantage: Mapping[Pair, float], limit: float
) -> dict[str, Standing]:
    """Letters and ranks of systems whose pairs were tested.

    Args:
        order: systems from best to worst.
        p_adjusted: per pair; NaN: not tested.
        advantage: per pair, above 0 when its first is better.
        limit: significant is p below it.

    Returns:
        By system.

    >>> standings(["x", "y"], {("x", "y"): 0.01}, {("x", "y"): 0.7}, limit=0.05)
    {'x': Standing(rank=(1, 1), group='a'), 'y': Standing(rank=(2, 2), group='b')}
    """
    if all(math.isnan(p) for p in p_adjusted.values()):
        return {name: Standing(None, "") for name in order}
    place = {name: number for number, name in enumerate(order)}
    matrix = np.full((len(order), len(order)), np.nan)
    better = np.zeros_like(matrix, dtype=bool)
    for (first, second), p in p_adjusted.items():
        i, j = place[first], place[second]
        matrix[i, j] = matrix[j, i] = p
        if p < limit:
            ahead = (i, j) if advantage[first, second] > 0 else (j, i)
            better[ahead] = True
    letters, ranks = compact_letters(matrix, level=limit), rank_ranges(better)
    return {name: Standing(ranks[n], letters[n]) for n, name in enumerate(order)}
