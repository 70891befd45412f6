"""Many systems at once: p values corrected for their number, and what to print beside a name."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from songbench.statistics.takes import Array

_ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


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
