"""From a leaderboard to the rows and grouped columns of a table for a paper."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from songbench.execution.results import MetricResults, RunResults
from songbench.reporting import wording
from songbench.reporting.board import Cell, Column, Leaderboard
from songbench.reporting.document.blocks import NumberCell, Table, TableColumn, TableRow
from songbench.reporting.facets import CONDITION, facet_value_text
from songbench.reporting.leaderboard import build_leaderboard
from songbench.reporting.listening_results import ListeningResult
from songbench.reporting.paper.specification import PaperTable
from songbench.reporting.selection import select_columns, select_systems, with_columns

ALL_SONGS = "all songs"
"""Stands over columns whose figures are of all songs together, beside those of the parts."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """What a table shows of one part of a run, or of the whole.

    Attributes:
        part: the value of the facet; "" for the whole, and for prompts without the tag.
        heading: in words; "" for the only group.
        board: where the numbers are; it can lack a column that has none in this part.
        columns: what is shown.
    """

    part: str
    heading: str
    board: Leaderboard
    columns: tuple[Column, ...]

    def cell(self, system: str, column: Column) -> Cell | None:
        """What stands in one place; None where the part has no such system or column."""
        row = next((row for row in self.board.rows if row.system.name == system), None)
        return row.cells.get(column.name) if row else None


def paper_board(
    results: RunResults,
    table: PaperTable,
    *,
    listening_results: Sequence[ListeningResult] = (),
    confidence: float = 0.95,
    replicates: int = 2000,
    seed: int = 0,
) -> Leaderboard:
    """The leaderboard behind a table: tests among its systems alone, numbers with its decimals, nothing it leaves out.

    Args:
        results: of the run.
        table: what to show.
        listening_results: of the run's listening tests, which keep their own comparisons.
        confidence: as for `build_leaderboard`.
        replicates: as there.
        seed: as there.

    Raises:
        InputError: the run has no such system, column or facet, naming the nearest.
    """
    if table.systems:
        results = select_systems(results, table.systems)
    if table.decimals is not None:
        results = replace(results, metrics=tuple(_rounded(metric, table.decimals) for metric in results.metrics))
        listening_results = [_rounded_answers(result, table.decimals) for result in listening_results]
    board = build_leaderboard(
        results,
        listening_results=listening_results,
        confidence=confidence,
        replicates=replicates,
        seed=seed,
        facet=table.facet,
    )
    columns = select_columns(board.columns, table.columns) if table.columns else wording.headline_columns(board)
    return replace(
        _of_columns(replace(board, tables={}), columns),
        tables={value: _of_columns(part, columns) for value, part in board.tables.items()},
    )


def side_by_side(board: Leaderboard) -> bool:
    """Whether the groups of a table have the same rows; by condition they stand below each other."""
    return board.facet != CONDITION


def groups_of(board: Leaderboard) -> list[Group]:
    """What a table shows: the whole, or a group for each part; figures of all songs together have one of their own."""
    columns = board.columns
    if not board.tables:
        return [Group(part="", heading="", board=board, columns=columns)]
    if side_by_side(board) and len(board.tables) > 1:
        columns = tuple(column for column in board.columns if column.kind == "song")
    groups = [
        Group(part=value, heading=_heading(board, value), board=_of_columns(part, columns), columns=columns)
        for value, part in board.tables.items()
        if columns
    ]
    rest = tuple(column for column in board.columns if column not in columns)
    if rest:
        groups.append(Group(part="", heading=ALL_SONGS, board=_of_columns(board, rest), columns=rest))
    return groups


def _of_columns(board: Leaderboard, columns: Iterable[Column]) -> Leaderboard:
    names = {column.name for column in board.columns}
    return with_columns(board, [column.name for column in columns if column.name in names])


def paper_block(board: Leaderboard, table: PaperTable) -> Table:
    """The table as a block of a document."""
    groups = [replace(group, board=_reduced(group.board, table)) for group in groups_of(board)]
    headings = column_headings(board.columns)
    if side_by_side(board):
        keys, heads = ["system"], groups
        rows = [
            TableRow((row.system.name, *_numbers(row.system.name, groups)), row.system.sanity) for row in board.rows
        ]
    else:
        keys, heads = ["condition", "system"], [replace(groups[0], heading="")]
        rows = [
            TableRow((group.heading, row.system.name, *_numbers(row.system.name, [group])), row.system.sanity)
            for group in groups
            for row in group.board.rows
        ]
    return Table(
        title=table.caption or _extent(board),
        columns=(
            *(TableColumn(name=key) for key in keys),
            *(
                TableColumn(
                    name=headings[column.name],
                    unit=wording.unit(column),
                    align="left" if table.intervals else "right",
                    group=group.heading,
                )
                for group in heads
                for column in group.columns
            ),
        ),
        rows=tuple(rows),
        notes=tuple(_notes(board, table, groups)),
        keys=len(keys),
        label=table.label,
    )


def column_headings(columns: Iterable[Column]) -> dict[str, str]:
    """What stands over each column: the field, or the whole name where two backends give the field."""
    listed = list(columns)
    fields = [column.field.name for column in listed]
    return {
        column.name: column.field.name if fields.count(column.field.name) == 1 else column.name for column in listed
    }


def _extent(board: Leaderboard) -> str:
    caption = wording.caption(board)
    return f"{caption[0].upper()}{caption[1:]}."


def _heading(board: Leaderboard, value: str) -> str:
    text = facet_value_text(board.facet or "", value)
    if not side_by_side(board):
        return text.removeprefix("competitors with ")
    count = board.tables[value].prompts
    return f"{value or text} ({count} prompt{'s' if count != 1 else ''})"


def _numbers(system: str, groups: Sequence[Group]) -> list[NumberCell]:
    return [_number(group.cell(system, column), column) for group in groups for column in group.columns]


def _number(cell: Cell | None, column: Column) -> NumberCell:
    if cell is None or cell.value is None:
        return NumberCell(value=wording.EMPTY[cell.status if cell else "not applicable"])
    return NumberCell(
        value=wording.number(cell.value, column.field),
        interval=wording.interval(cell, column.field),
        group=cell.group,
        best=cell.best,
        share=wording.share(cell),
    )


def _notes(board: Leaderboard, table: PaperTable, groups: Sequence[Group]) -> list[str]:
    """What the marks mean, each once, and why numbers are missing."""
    legends = [line for group in groups for line in wording.legend(group.board)]
    marks = [line.replace("; the causes are listed under failures", "") for line in legends]  # there is no such list
    reasons = [line for group in groups for line in wording.not_applicable(group.board)]
    shortened = [name for name, heading in column_headings(board.columns).items() if name != heading]
    return [
        *([_extent(board)] if table.caption else []),
        *([f"Columns: {', '.join(shortened)}."] if shortened else []),
        *dict.fromkeys(marks),
        *([f"Each part by {board.facet} is tested by itself."] if board.tables and table.letters else []),
        *([f"Not applicable: {'; '.join(dict.fromkeys(reasons))}."] if reasons else []),
    ]


# -- what a table leaves out ---------------------------------------------------------------------------------------


def _reduced(board: Leaderboard, table: PaperTable) -> Leaderboard:
    """Without the marks that the table does not show, so that its notes do not explain them."""
    return replace(
        board,
        rows=tuple(
            replace(row, cells={name: _reduced_cell(cell, table) for name, cell in row.cells.items()})
            for row in board.rows
        ),
    )


def _reduced_cell(cell: Cell, table: PaperTable) -> Cell:
    if not table.intervals:
        cell = replace(cell, low=None, high=None)
    return replace(cell, group=cell.group if table.letters else "", best=cell.best and table.bold_best)


def _rounded(metric: MetricResults, decimals: int) -> MetricResults:
    fields = tuple(replace(field, decimals=decimals) for field in metric.card.fields)
    return replace(metric, card=replace(metric.card, fields=fields))


def _rounded_answers(result: ListeningResult, decimals: int) -> ListeningResult:
    return replace(result, scales=tuple(replace(scale, decimals=decimals) for scale in result.scales))
