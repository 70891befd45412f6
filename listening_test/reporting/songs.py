"""What raters said of each song: the common ground of breakdowns, leaderboard columns and comparisons with metrics."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from listening_test.collected import CollectedAnswers

if TYPE_CHECKING:
    import pandas as pd


def song_ratings(data: CollectedAnswers, scale: str) -> pd.DataFrame:
    """Every number given to a system's song on its first hearing: no anchors, references or repetitions.

    Returns:
        The rows of `data.ratings` concerned; empty for forms that compare pairs.
    """
    rows = data.ratings
    return rows[
        (rows["scale"] == scale) & (rows["role"] == "system") & (rows["kind"] == "test") & rows["value"].notna()
    ]


def song_pairs(data: CollectedAnswers, scale: str) -> pd.DataFrame:
    """Every comparison of two systems' songs on its first hearing; empty for forms that rate."""
    rows = data.pairs
    of_systems = rows["first"].isin(data.systems) & rows["second"].isin(data.systems)
    return rows[(rows["scale"] == scale) & (rows["kind"] == "test") & of_systems]


def song_means(data: CollectedAnswers, scale: str) -> pd.DataFrame:
    """The mean answer about each song.

    Returns:
        One row per (system, prompt, take) that was rated, sorted: ``value`` (mean), ``sd`` (NaN for one answer), ``n``.
    """
    rows = song_ratings(data, scale).astype({"value": float})
    groups = rows.groupby(["system", "prompt", "take"], sort=True, observed=True)["value"]
    return groups.agg(value="mean", sd="std", n="size").reset_index()


def win_shares(data: CollectedAnswers, scale: str) -> pd.DataFrame:
    """Each comparison from both sides.

    Returns:
        Two rows per comparison: ``system``, ``other``, ``rater``, ``prompt`` and ``value``: 1 won, 0 lost, a half for
        a tie; "both bad" is left out.
    """
    import pandas as pd

    rows = song_pairs(data, scale)
    rows = rows[rows["outcome"] != "both_bad"]
    share = rows["outcome"].map({"first": 1.0, "second": 0.0, "tie": 0.5})
    sides = [
        rows.assign(system=rows["first"], other=rows["second"], value=share),
        rows.assign(system=rows["second"], other=rows["first"], value=1 - share),
    ]
    return pd.concat(sides, ignore_index=True)


def in_order(names: Iterable[str], order: Iterable[str]) -> list[str]:
    """Names as they come in tables: those of `order` first, others after them by name."""
    present, ordered = set(names), list(order)
    return [name for name in ordered if name in present] + sorted(present - set(ordered))
