"""Quality against speed: what a system's songs cost in computing time, and what they are worth in one column."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from songbench.reporting import wording
from songbench.reporting.board import Cell, Column, Leaderboard, Row
from songbench.reporting.figures import style
from songbench.reporting.figures.frame import Frame
from songbench.reporting.figures.intervals import columns_with_figure, direction
from songbench.reporting.figures.labels import place_labels
from songbench.reporting.figures.style import EDGE, PAGE, Sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SPEED = "rtf"
"""The field of the horizontal axis: seconds of computing per second of audio."""
_COSTS = ("rtf", "peak_gib")


def speed_column(board: Leaderboard) -> Column | None:
    """The column of the real-time factor; None where the run does not have it."""
    return next((column for column in board.columns if column.field.name == SPEED), None)


def quality_columns(board: Leaderboard) -> list[Column]:
    """The columns that can be drawn against speed: ranked, about songs, and known with the speed of a competitor."""
    speed = speed_column(board)
    if speed is None:
        return []
    columns = [column for column in columns_with_figure(board) if column.field.name not in _COSTS]
    return [column for column in columns if _drawn_rows(board, speed, column)]


def _drawn_rows(board: Leaderboard, speed: Column, quality: Column) -> list[Row]:
    """The competitors with both numbers; a speed of 0 has no place on a logarithmic axis."""
    rows = [row for row in board.rows if not row.system.sanity]
    return [row for row in rows if (row.cells[speed.name].value or 0) > 0 and row.cells[quality.name].value is not None]


def pareto_front(points: Sequence[tuple[float, float]], *, higher: bool) -> list[int]:
    """The points that no other one beats in both: at most as slow and at least as good.

    Args:
        points: cost, of which less is better, and quality.
        higher: whether more of the quality is better.

    Returns:
        Their places in `points`, the cheapest first.
    """
    sign = -1 if higher else 1
    order = sorted(range(len(points)), key=lambda place: (points[place][0], sign * points[place][1]))
    front: list[int] = []
    for place in order:
        if not front or sign * points[place][1] < sign * points[front[-1]][1]:
            front.append(place)
    return front


def quality_speed(board: Leaderboard, column: Column, sheet: Sheet = PAGE) -> Figure:
    """Each competitor as a point with the intervals of both numbers; the line joins those that none beats in both.

    Args:
        board: the leaderboard.
        column: one of `quality_columns`.
        sheet: what it is drawn for.
    """
    speed = speed_column(board)
    if speed is None:
        raise ValueError("The leaderboard has no column of speed.")
    with style.drawing(sheet.points):
        return _Plane(board, speed, column, sheet).figure()


@dataclass(frozen=True)
class _Plane:
    board: Leaderboard
    speed: Column
    quality: Column
    sheet: Sheet

    def figure(self) -> Figure:
        """The plane with its two axes, names at the points."""
        sheet = self.sheet
        height = 0.52 * sheet.width
        left, below = 5.2 * sheet.points / 72 + EDGE, 3.9 * sheet.points / 72
        frame = Frame(
            sheet=sheet,
            title=f"{self.quality.name} and speed",
            subtitle=direction(self.quality),
            notes=self._notes(),
            width=sheet.width,
            panel=height + below,
            legend=[] if self._labelled else style.keys([row.system.name for row in self._rows], sheet),
        )
        figure = frame.figure()
        axes = frame.axes(figure, left, frame.bottom(0) + below, sheet.width - left - 2 * EDGE, height)
        self._axes(axes)
        self._points(axes)
        return figure

    @property
    def _rows(self) -> list[Row]:
        return _drawn_rows(self.board, self.speed, self.quality)

    @property
    def _labelled(self) -> bool:
        """Whether names have room at the points; else they stand below."""
        return len(self._rows) <= 2.2 * self.sheet.width

    def _place(self, row: Row) -> tuple[float, float]:
        x, y = row.cells[self.speed.name].value, row.cells[self.quality.name].value
        assert x is not None and y is not None
        return x, y

    def _axes(self, axes: Axes) -> None:
        places = [self._place(row) for row in self._rows]
        slow = [x for row in self._rows for x in _ends(row.cells[self.speed.name]) if x > 0]
        good = [y for row in self._rows for y in _ends(row.cells[self.quality.name])]
        axes.set_xscale("log")
        axes.set_xlim(*_widened([math.log10(x) for x in [*slow, *(x for x, _ in places)]], 0.15, log=True))
        axes.set_ylim(*_widened(good, 10**-self.quality.field.decimals))
        axes.set_xticks(_ticks(*axes.get_xlim()))
        axes.set_xticks([], minor=True)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.spines["left"].set_visible(True)
        style.grid(axes, "both")
        axes.tick_params(labelsize=self.sheet.small)
        axes.set_xlabel("← faster   rtf: computing time over song time (1: real time)", size=self.sheet.points)
        unit = f" [{self.quality.field.unit}]" if self.quality.field.unit else ""
        arrow = wording.ARROWS[self.quality.field.direction]
        axes.set_ylabel(f"{self.quality.field.name}{unit} {arrow}", size=self.sheet.points)
        low, high = axes.get_xlim()
        if low < 1 < high:
            axes.axvline(1, color=style.LINE, linewidth=0.9, linestyle="--")

    def _points(self, axes: Axes) -> None:
        rows = self._rows
        places = [self._place(row) for row in rows]
        front = pareto_front(places, higher=self.quality.field.direction == "higher")
        if len(front) > 1:
            axes.plot(*zip(*(places[place] for place in front), strict=True), color=style.LINE, linewidth=1.1, zorder=1)
        size, lines = 0.8 * self.sheet.points, []
        for number, (row, (x, y)) in enumerate(zip(rows, places, strict=True)):
            colour, _ = style.look(number)
            for ends in self._crosses(row):
                axes.plot(*zip(*ends, strict=True), color=colour, linewidth=1.1, alpha=0.6)
                lines.append(ends)
            style.mark(axes, x, y, number, size)
        if self._labelled:
            place_labels(axes, [row.system.name for row in rows], places, self.sheet.points, 0.6 * size, lines)

    def _crosses(self, row: Row) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
        """The intervals of both numbers, each by its two ends."""
        x, y = self._place(row)
        speed, quality = row.cells[self.speed.name], row.cells[self.quality.name]
        if speed.low is not None and speed.high is not None:
            yield (max(speed.low, 1e-9), y), (speed.high, y)
        if quality.low is not None and quality.high is not None:
            yield (x, quality.low), (x, quality.high)

    def _notes(self) -> list[str]:
        cells = [row.cells[column.name] for row in self._rows for column in (self.speed, self.quality)]
        absent = [row.system.name for row in self.board.rows if not row.system.sanity and row not in self._rows]
        crosses = any(cell.low is not None for cell in cells)
        return [
            *([f"lines: {100 * self.board.confidence:g} % intervals"] if crosses else []),
            *(["grey: those that no other beats in both"] if len(self._rows) > 1 else []),
            *([f"without both numbers: {', '.join(absent)}"] if absent else []),
        ]


def _ends(cell: Cell) -> list[float]:
    return [value for value in (cell.value, cell.low, cell.high) if value is not None]


def _widened(values: Sequence[float], least: float, *, log: bool = False) -> tuple[float, float]:
    """The range of values with room at both ends, at least so wide on either side; `log`: of powers of ten."""
    low, high = min(values), max(values)
    margin = max(0.08 * (high - low), least)
    return (10 ** (low - margin), 10 ** (high + margin)) if log else (low - margin, high + margin)


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers within a logarithmic axis, at least three where the range is wide enough for that."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks: list[float] = []
    for digits in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 7), [x / 10 for x in range(10, 100)]):
        ticks = [digit * 10**decade for decade in decades for digit in digits if low <= digit * 10**decade <= high]
        if len(ticks) >= 3:
            break
    return ticks[:: -(-len(ticks) // 8)]
