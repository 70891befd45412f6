"""The figures of a report: all that a leaderboard has something to show in, but those prompt by prompt."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from songbench.reporting import wording
from songbench.reporting.board import Cell, Column, Leaderboard
from songbench.reporting.figures.cache import figure_files
from songbench.reporting.figures.error_parts import columns_of_parts, columns_with_parts, error_parts
from songbench.reporting.figures.files import DEFAULT_FORMATS, file_name
from songbench.reporting.figures.intervals import columns_with_figure, intervals, scored
from songbench.reporting.figures.quality_speed import quality_columns, quality_speed, speed_column
from songbench.reporting.figures.structure import metrics_with_structure, structure
from songbench.reporting.structure import FIELD

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A figure of a report.

    Attributes:
        name: of its files, without ending.
        alt: what it shows, in words, for those who do not see it.
        files: its content by ending, e.g. ``svg``; ``png`` is always there.
    """

    name: str
    alt: str
    files: Mapping[str, bytes] = field(repr=False)


def pictures_of(
    board: Leaderboard, formats: Sequence[str] = DEFAULT_FORMATS, *, without: Collection[str] = ()
) -> tuple[Picture, ...]:
    """The figures of a leaderboard.

    Args:
        board: the leaderboard.
        formats: of `songbench.reporting.figures.files.FORMATS`; PNG is made in any case.
        without: names of pictures that there are already.

    Returns:
        The intervals of each column in the order of the table, then the others; the same bytes for the same leaderboard
        and the same matplotlib.
    """
    endings = dict.fromkeys((*formats, "png"))
    return tuple(
        Picture(name=name, alt=alt, files=figure_files(draw, data, endings))
        for name, alt, draw, data in _drawings(board)
        if name not in without
    )


class _Drawing(NamedTuple):
    """A figure to be drawn: the name of its files, what it shows in words, and what is drawn by which function."""

    name: str
    alt: str
    draw: Callable[..., Figure]
    data: tuple[object, ...]


def _drawings(board: Leaderboard) -> Iterator[_Drawing]:
    by = f"-by-{file_name(board.facet)}" if board.facet else ""
    for column in columns_with_figure(board):
        view = _only(board, [column])
        yield _Drawing(file_name(column.name), _figures(board, column), intervals, (_without_parts(view), column))
        if board.tables and scored(board, column):
            alt = f"{column.name} by {board.facet}: {', '.join(value or 'none' for value in board.tables)}"
            yield _Drawing(file_name(column.name) + by, alt, intervals, (view, column, view.tables))
    for column in columns_with_parts(board):
        view = _only(board, [column, *columns_of_parts(board, column)])
        name, alt = f"error-parts-{file_name(column.name)}", f"{column.name} by substitutions, deletions and insertions"
        yield _Drawing(name, alt, error_parts, (_without_parts(view), column))
        if board.tables and scored(board, column):
            yield _Drawing(name + by, f"{alt}, by {board.facet}", error_parts, (view, column, view.tables))
    for metric in metrics_with_structure(board):
        alt = f"{metric.column(FIELD)}: sections asked for and found, for each system"
        view = replace(
            _without_parts(_only(board, [column for column in board.columns if column.metric == metric])),
            structures=board.structures,
        )
        yield _Drawing(f"structure-{file_name(metric.id)}", alt, structure, (view, metric))
    competitors = sum(not row.system.sanity for row in board.rows)
    speed = speed_column(board)
    if speed is None or competitors < 2:
        return
    for column in quality_columns(board):
        view = _without_parts(_only(board, [column, speed]))
        yield _Drawing(f"speed-{file_name(column.name)}", f"{column.name} against rtf", quality_speed, (view, column))


def _only(board: Leaderboard, columns: Sequence[Column]) -> Leaderboard:
    """The leaderboard with nothing but these columns: what a figure of them is drawn from, whatever else changes."""
    names = {column.name for column in columns}
    return replace(
        board,
        columns=tuple(column for column in board.columns if column.name in names),
        rows=tuple(
            replace(row, cells={name: cell for name, cell in row.cells.items() if name in names}) for row in board.rows
        ),
        comparisons=(),
        failures=(),
        unavailable=(),
        notes=(),
        machine="",
        unsupported=(),
        songs=(),
        structures=(),
        tables={value: _only(part, columns) for value, part in board.tables.items()},
    )


def _without_parts(board: Leaderboard) -> Leaderboard:
    """The leaderboard without its parts."""
    return replace(board, facet=None, tables={})


def _figures(board: Leaderboard, column: Column) -> str:
    """The figures of a column in words."""
    rows = [f"{row.system.name} {_text(row.cells[column.name], column)}" for row in board.rows]
    return f"{column.name}, {wording.BETTER[column.field.direction]}: {', '.join(rows)}"


def _text(cell: Cell, column: Column) -> str:
    return wording.EMPTY[cell.status] if cell.value is None else wording.number(cell.value, column.field)
