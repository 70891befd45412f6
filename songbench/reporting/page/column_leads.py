"""What each column says about the best competitor, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from songbench.reporting import wording
from songbench.reporting.board import Cell, Column, ColumnComparison, Leaderboard, Row

Certainty: TypeAlias = Literal["ahead", "open", "tied", "not comparable"]
"""One competitor is significantly better than every other one; is not; several share the best number; or none was
scored on every song that the others were."""


@dataclass(frozen=True, kw_only=True)
class Margin:
    """The best competitor over another one.

    Attributes:
        rival: the name of that other one.
        difference: how much better the best one is, in the unit of the column, never below 0 by much.
        low: of its interval, or None.
        high: of its interval, or None.
        p: after Holm's correction.
        prompts: that both were scored on.
        significant: whether p is below the level.
    """

    rival: str
    difference: float
    low: float | None
    high: float | None
    p: float
    prompts: int
    significant: bool


@dataclass(frozen=True, kw_only=True)
class ColumnLead:
    """What a ranked column says about its competitors.

    Attributes:
        column: which.
        certainty: how sure it is.
        best: names of the best competitors; one, unless it is tied.
        cell: of the first of them.
        margins: of the best over each other competitor that it was compared with, the next best first.
        competitors: how many have a number.
    """

    column: Column
    certainty: Certainty
    best: tuple[str, ...]
    cell: Cell
    margins: tuple[Margin, ...] = ()
    competitors: int = 0


def competitors(board: Leaderboard) -> list[Row]:
    """The rows that compete."""
    return [row for row in board.rows if not row.system.sanity]


def column_leads(board: Leaderboard) -> list[ColumnLead]:
    """One for each ranked headline column in which two competitors or more have a number."""
    return [
        lead
        for column in wording.headline_columns(board)
        if column.ranked and (lead := _column_lead(board, column)) is not None
    ]


def _column_lead(board: Leaderboard, column: Column) -> ColumnLead | None:
    sign = 1 if column.field.direction == "higher" else -1
    scored = [row for row in competitors(board) if row.cells[column.name].value is not None]
    if len(scored) < 2:
        return None
    ordered = sorted(scored, key=lambda row: -sign * (row.cells[column.name].value or 0.0))
    best = [row for row in ordered if row.cells[column.name].best]
    first = (best or ordered)[0]
    lead = ColumnLead(
        column=column,
        certainty="not comparable",
        best=tuple(row.system.name for row in best) or (first.system.name,),
        cell=first.cells[column.name],
        competitors=len(scored),
    )
    if not best:
        return lead
    if len(best) > 1:
        return replace(lead, certainty="tied")
    rivals = [row.system.name for row in ordered if row is not first]
    margins = [
        margin for rival in rivals if (margin := margin_over(board, column, first.system.name, rival)) is not None
    ]
    ahead = len(margins) == len(rivals) and all(margin.significant and margin.difference > 0 for margin in margins)
    return replace(lead, certainty="ahead" if ahead else "open", margins=tuple(margins))


def margin_over(board: Leaderboard, column: Column, system: str, rival: str) -> Margin | None:
    """How much better a system is than another one in a column; None where they were not compared."""
    for pair in board.comparisons:
        if pair.column == column.name and {pair.first, pair.second} == {system, rival}:
            return _margin(pair, column, rival)
    return None


def _margin(pair: ColumnComparison, column: Column, rival: str) -> Margin:
    """A comparison as seen from the system that is not the rival, with better as positive."""
    turned = (pair.first == rival) != (column.field.direction == "lower")
    low, high = (pair.low, pair.high) if not turned else (_negative(pair.high), _negative(pair.low))
    return Margin(
        rival=rival,
        difference=-pair.difference if turned else pair.difference,
        low=low,
        high=high,
        p=pair.p_adjusted,
        prompts=pair.n_prompts,
        significant=pair.significant,
    )


def _negative(bound: float | None) -> float | None:
    return None if bound is None else -bound
