"""The figures of a report: all that a leaderboard has something to show in, but those prompt by prompt."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from songbench.reporting import wording
from songbench.reporting.board import Cell, Column, Leaderboard
from songbench.reporting.figures.error_parts import columns_with_parts, error_parts
from songbench.reporting.figures.files import encoded, file_name
from songbench.reporting.figures.intervals import columns_with_figure, intervals, scored
from songbench.reporting.figures.quality_speed import quality_columns, quality_speed
from songbench.reporting.figures.structure import metrics_with_structure, structure
from songbench.reporting.structure import FIELD

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DEFAULT_FORMATS = ("svg", "png")
"""For pages, and for Markdown."""


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
    pictures = []
    for name, alt, draw in _drawings(board):
        if name in without:
            continue
        figure = draw()
        pictures.append(Picture(name=name, alt=alt, files={ending: encoded(figure, ending) for ending in endings}))
    return tuple(pictures)


def _drawings(board: Leaderboard) -> Iterator[tuple[str, str, Callable[[], Figure]]]:
    """Name, alternative text and function of each figure."""
    by = f"-by-{file_name(board.facet)}" if board.facet else ""
    for column in columns_with_figure(board):
        yield file_name(column.name), _figures(board, column), partial(intervals, board, column)
        if board.tables and scored(board, column):
            alt = f"{column.name} by {board.facet}: {', '.join(value or 'none' for value in board.tables)}"
            yield file_name(column.name) + by, alt, partial(intervals, board, column, board.tables)
    for column in columns_with_parts(board):
        name, alt = f"error-parts-{file_name(column.name)}", f"{column.name} by substitutions, deletions and insertions"
        yield name, alt, partial(error_parts, board, column)
        if board.tables and scored(board, column):
            yield name + by, f"{alt}, by {board.facet}", partial(error_parts, board, column, board.tables)
    for metric in metrics_with_structure(board):
        alt = f"{metric.column(FIELD)}: sections asked for and found, for each system"
        yield f"structure-{file_name(metric.id)}", alt, partial(structure, board, metric)
    competitors = sum(not row.system.sanity for row in board.rows)
    for column in quality_columns(board) if competitors > 1 else ():
        yield f"speed-{file_name(column.name)}", f"{column.name} against rtf", partial(quality_speed, board, column)


def _figures(board: Leaderboard, column: Column) -> str:
    """The figures of a column in words."""
    rows = [f"{row.system.name} {_text(row.cells[column.name], column)}" for row in board.rows]
    return f"{column.name}, {wording.BETTER[column.field.direction]}: {', '.join(rows)}"


def _text(cell: Cell, column: Column) -> str:
    return wording.EMPTY[cell.status] if cell.value is None else wording.number(cell.value, column.field)
