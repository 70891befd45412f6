"""The figure of each system in one column, with its interval and the songs it came from.

The axis is that of the competitors. A sanity system far from them (noise has a Fréchet distance of hundreds) would
shrink their differences to nothing, so what lies beyond the axis is a mark at its edge, with its number.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from songbench.reporting import wording
from songbench.reporting.board import Cell, Column, Leaderboard, Row
from songbench.reporting.document.blocks import BEST
from songbench.reporting.figures import style
from songbench.reporting.figures.row_panels import RowPanels, Side, panels_of
from songbench.reporting.figures.style import PAGE, Sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

REACH = 1.5
"""Songs further than this many spans of the competitors' intervals from them are counted, not drawn."""
_MARGIN = 0.05  # of the axis, on either side
_VECTORS = 400  # songs; more of them become a picture inside of an SVG or PDF, which would be slow to show


def columns_with_figure(board: Leaderboard) -> list[Column]:
    """The columns that have a figure: ranked, in the tables, with at least one number."""
    return [
        column
        for column in wording.headline_columns(board)
        if column.ranked and any(row.cells[column.name].value is not None for row in board.rows)
    ]


def direction(column: Column) -> str:
    """Unit and direction of a column, e.g. ``[%]  ↓ lower is better``."""
    field = column.field
    parts = [f"[{field.unit}] " if field.unit else "", wording.ARROWS[field.direction], wording.BETTER[field.direction]]
    return " ".join(part for part in parts if part)


def scored(board: Leaderboard, column: Column) -> bool:
    """Whether a leaderboard has a number in a column: in its parts, where it is told apart into some."""
    return any(
        row.cells[column.name].value is not None for part in board.tables.values() or [board] for row in part.rows
    )


@dataclass(frozen=True)
class Axis:
    """The range of values that is drawn."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Whether a value is drawn where it lies."""
        return self.low <= value <= self.high


def axis_of(rows: Iterable[Row], column: Column) -> Axis:
    """The axis that the competitors fill: their figures, their intervals as far as there are songs, and near songs.

    Args:
        rows: of one leaderboard or several; without a number of a competitor, the sanity systems count.
        column: at least one row has a number in it.
    """
    listed = [row for row in rows if column.name in row.cells]
    cells = [row.cells[column.name] for row in listed if not row.system.sanity]
    if all(cell.value is None for cell in cells):
        cells = [row.cells[column.name] for row in listed]
    figures = [value for cell in cells for value in _extent(cell)]
    low, high = min(figures), max(figures)
    reach = REACH * (high - low)
    near = [p.value for cell in cells for p in cell.points if low - reach <= p.value <= high + reach]
    low, high = min([low, *near]), max([high, *near])
    if low == high:
        half = max(0.1 * abs(low), 10**-column.field.decimals)
        low, high = low - half, high + half
    margin = _MARGIN * (high - low)
    return Axis(low - margin, high + margin)


def _extent(cell: Cell) -> list[float]:
    """What must be seen of a cell: its figure, and of its interval not much more than its songs reach.

    On two or three prompts an interval can be many times as wide as everything that was measured.
    """
    if cell.value is None:
        return []
    songs = [point.value for point in cell.points]
    room = 0.5 * (max(songs) - min(songs)) if songs else math.inf
    least, most = min(songs, default=cell.value) - room, max(songs, default=cell.value) + room
    ends = [x for x in (cell.low, cell.high) if x is not None]
    return [cell.value, *(min(max(x, least), most) for x in ends)]


def intervals(
    board: Leaderboard, column: Column, parts: Mapping[str, Leaderboard] | None = None, sheet: Sheet = PAGE
) -> Figure:
    """The figures of one column: a row for each system, the sanity systems below a line.

    Args:
        board: the leaderboard.
        column: one of `columns_with_figure`.
        parts: leaderboards of parts of the run, by their names: a panel for each instead of one for the whole.
        sheet: what it is drawn for.

    Returns:
        The figure; its texts are those of the tables.
    """
    with style.drawing(sheet.points):
        panels = panels_of(board, parts)
        axis = axis_of([row for part in panels.values() for row in part.rows] + list(board.rows), column)
        single = len(panels) == 1 and sheet.explained
        return _Drawing(board=board, column=column, panels=panels, axis=axis, sheet=sheet, single=single).figure()


def columns_side_by_side(board: Leaderboard, columns: Sequence[Column], sheet: Sheet = PAGE) -> Figure:
    """The figures of several columns: a panel with an axis of its own for each.

    Args:
        board: the leaderboard.
        columns: of `columns_with_figure`.
        sheet: what it is drawn for.
    """
    with style.drawing(sheet.points):
        drawings = [
            _Drawing(
                board=board,
                column=column,
                panels={"": board},
                axis=axis_of(board.rows, column),
                sheet=sheet,
                single=False,
            )
            for column in columns
        ]
        notes = [note for drawing in drawings for note in drawing.notes()]
        return RowPanels(
            sheet=sheet,
            systems=[row.system for row in board.rows],
            title=f"suite {board.suite}",
            subtitle=f"{board.prompts} prompts" + (f" × {board.takes} takes" if board.takes > 1 else ""),
            # Where columns explain the same mark, the longer text says more.
            notes=list({note.split(":")[0]: note for note in sorted(notes, key=len)}.values()),
            panels={f"{d.column.name} {wording.unit(d.column)}": partial(d.panel, board) for d in drawings},
            sides=[drawing.sides(board) for drawing in drawings],
        ).figure()


@dataclass(frozen=True, kw_only=True)
class _Drawing:
    board: Leaderboard
    column: Column
    panels: Mapping[str, Leaderboard]
    axis: Axis
    sheet: Sheet
    single: bool
    """Whether there is nothing beside the panel, so that there is room."""

    def figure(self) -> Figure:
        return RowPanels(
            sheet=self.sheet,
            systems=[row.system for row in self.board.rows],
            title=self.column.name,
            subtitle=direction(self.column),
            notes=self.notes(),
            panels={name: partial(self.panel, part) for name, part in self.panels.items()},
            sides=[self.sides(part) for part in self.panels.values()],
        ).figure()

    def sides(self, part: Leaderboard) -> list[Side]:
        """The number, what it rests on, and the letters; a column of a paper has no room for the second."""
        cells = {row.system.name: row.cells[self.column.name] for row in part.rows}
        measured = {name: cell for name, cell in cells.items() if cell.value is not None}
        figures = {n: wording.number(c.value, self.column.field) for n, c in measured.items() if c.value is not None}
        basis = {name: wording.share(cell) or str(cell.n) for name, cell in measured.items()}
        letters = {name: f"{cell.group} {BEST}" if cell.best else cell.group for name, cell in measured.items()}
        sides = [
            Side(texts=figures),
            Side(texts=basis if self.single else {}, heading="n" if self.single else ""),
            Side(texts=letters, heading="group" if self.single else "", align="left"),
        ]
        return [side for side in sides if any(side.texts.values())]

    def panel(self, part: Leaderboard, axes: Axes, plot: float) -> None:
        axes.set_xlim(self.axis.low, self.axis.high)
        rows = {row.system.name: row for row in part.rows}
        listed = [row.system for row in self.board.rows]
        self._songs(axes, [(y, rows[system.name]) for y, system in enumerate(listed) if system.name in rows])
        inset = 0.5 * self._size / 72 / plot * (self.axis.high - self.axis.low)
        for y, system in enumerate(listed):
            if system.name in rows:
                self._figure(axes, y, rows[system.name].cells[self.column.name], inset, sanity=system.sanity)

    @property
    def _size(self) -> float:
        """Of marks, in points."""
        return 0.72 * self.sheet.points

    def _songs(self, axes: Axes, rows: list[tuple[int, Row]]) -> None:
        """The songs within the axis, faint, and fainter the more there are."""
        for sanity, colour in ((False, style.COMPETITOR), (True, style.SANITY)):
            values, heights, most = [], [], 0
            for y, row in rows:
                points = row.cells[self.column.name].points if row.system.sanity == sanity else ()
                most = max(most, len(points))
                for point, offset in zip(points, style.spread(len(points)), strict=True):
                    if self.axis.holds(point.value):
                        values.append(point.value)
                        heights.append(y + offset)
            if values:
                places = np.array(values), np.array(heights)  # of lists it asks each number whether it is masked
                axes.scatter(
                    *places, s=self.sheet.points, color=colour, alpha=max(0.05, min(0.3, 2.5 / most**0.5)),
                    linewidths=0, rasterized=len(values) > _VECTORS,
                )  # fmt: skip

    def _figure(self, axes: Axes, y: float, cell: Cell, inset: float, *, sanity: bool) -> None:
        colour = style.SANITY if sanity else style.COMPETITOR
        if cell.value is None:
            axes.annotate(
                wording.EMPTY[cell.status], (0.012, y), xycoords=("axes fraction", "data"), va="center",
                color=style.FAINT, style="italic", size=self.sheet.small,
            )  # fmt: skip
        elif self.axis.holds(cell.value):
            style.dot(axes, y, cell.value, cell.low, cell.high, colour, size=self._size)
        else:
            above = cell.value > self.axis.high
            x = self.axis.high - inset if above else self.axis.low + inset
            axes.plot([x], [y], marker=">" if above else "<", markersize=self._size, color=colour)

    def _inside(self, row: Row) -> bool:
        """Whether the figure of a row is drawn where it lies."""
        value = row.cells[self.column.name].value
        return value is not None and self.axis.holds(value)

    def _goes_on(self, row: Row) -> bool:
        """Whether the interval of a figure that is drawn reaches beyond the axis."""
        cell = row.cells[self.column.name]
        ends = [end for end in (cell.low, cell.high) if end is not None]
        return self._inside(row) and not all(map(self.axis.holds, ends))

    def notes(self) -> list[str]:
        """What the marks mean that occur, each in a few words."""
        rows = [row for part in self.panels.values() for row in part.rows]
        cells = [row.cells[self.column.name] for row in rows]
        points = [point for cell in cells for point in cell.points]
        hidden = sum(not self.axis.holds(point.value) for point in points)
        panel = self.column.kind == "panel"
        over = "the listening test's interval" if panel else f"{100 * self.board.confidence:g} % interval"
        cut = " (cut at the edge where it goes on)" if any(map(self._goes_on, rows)) else ""
        notes = [
            (any(cell.low is not None for cell in cells), f"bar: {over}{cut}"),
            (bool(points), "faint dots: songs" + (f" ({hidden} further out)" if hidden else "")),
            (any(row.system.sanity and self._inside(row) for row in rows), "hollow: sanity systems, not competing"),
            (
                any(cell.value is not None and not self.axis.holds(cell.value) for cell in cells),
                "◀ ▶: beyond the axis, number at the right",
            ),
            (any(cell.group for cell in cells), "no common letter: significantly different"),
            (any(cell.best for cell in cells), f"{BEST}: best of the competitors"),
        ]
        return [note for used, note in notes if used]
