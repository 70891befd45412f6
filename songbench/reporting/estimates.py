"""Figures with intervals, comparisons of two systems and the best of a column: the same for metrics and raters."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from songbench.contracts.cards import Direction


@dataclass(frozen=True)
class Estimate:
    """A figure with its interval.

    Attributes:
        value: the figure, or None when there is none.
        low: of its interval, or None where the data allow none.
        high: of its interval.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two systems, paired on the prompts both were scored on.

    Attributes:
        first: the name of a system.
        second: the name of the other.
        n_prompts: how many prompts they share.
        difference: first minus second, on those prompts; of figures of whole sets: of the two figures as they are.
        low: of its interval; None for listening tests that give none.
        high: of its interval.
        p: paired t, stretched as far as its interval (`songbench.statistics`); listening tests: their declared test.
        p_flip: the sign-flip test; None where a listening test gives none.
        p_adjusted: `p` after Holm's correction over all pairs of the column.
        significant: whether `p_adjusted` is below 1 - confidence.
    """

    first: str
    second: str
    n_prompts: int
    difference: float
    low: float | None
    high: float | None
    p: float
    p_flip: float | None
    p_adjusted: float
    significant: bool


def best_systems(
    values: Mapping[str, float], complete: Collection[str], *, direction: Direction, decimals: int
) -> set[str]:
    """The best of several competitors: as printed, and only among those whose figures rest on all songs.

    Whoever failed on the hard songs must not win by the easy ones, and nobody wins a race of one.

    Args:
        values: the figure of every competitor that has one.
        complete: the competitors whose songs include every other competitor's.
        direction: which end is better; "none": nobody is best.
        decimals: how many are printed.
    """
    if direction == "none" or len(values) < 2:
        return set()
    printed = {name: round(value, decimals) for name, value in values.items() if name in complete}
    lead = (max if direction == "higher" else min)(printed.values(), default=None)
    return {name for name, value in printed.items() if value == lead}
