"""One picture per ranked column: the figure of each system with its interval, and behind it the songs it came from."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from songbench.reporting import wording
from songbench.reporting.board import Cell, Column, Leaderboard, Row
from songbench.reporting.document.blocks import NumberCell

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COMPETITOR, SANITY = "#0072B2", "#7A7A7A"
"""Blue and grey: told apart by everybody, also in print."""
HAN_FONTS = ("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "WenQuanYi Micro Hei", "PingFang SC")
"""Tried, in this order, for names that the default font cannot write."""
_STYLE = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.spines.left": False}
_DPI = 120
_PLOT = 5.0  # inches; names and letters get what they need beside it
_REACH = 1.5  # songs further than this many spans of the intervals from them are counted, not drawn


def columns_with_figure(board: Leaderboard) -> list[Column]:
    """The columns that have a figure: ranked, in the tables, with at least one number."""
    return [
        column
        for column in wording.headline_columns(board)
        if column.ranked and any(row.cells[column.name].value is not None for row in board.rows)
    ]


def draw(board: Leaderboard, column: Column) -> bytes:
    """The figure of one column as PNG: the same bytes for the same leaderboard and the same matplotlib.

    Args:
        board: the leaderboard.
        column: one of `columns_with_figure`.
    """
    import matplotlib.style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from rich.cells import cell_len

    with matplotlib.style.context(["default", {**_STYLE, "font.family": _fonts()}]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        left = 0.2 + 0.082 * max(cell_len(_label(row, column)) for row in board.rows)
        right = 0.3 + 0.09 * max(len(_marks(row.cells[column.name])) for row in board.rows)
        width, height = left + _PLOT + right, 0.9 + 0.34 * len(board.rows)
        figure = Figure(figsize=(width, height), dpi=_DPI)
        FigureCanvasAgg(figure)
        _plot(figure.add_axes((left / width, 0.58 / height, _PLOT / width, 1 - 0.9 / height)), board, column)
        stream = io.BytesIO()
        figure.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()


def _fonts() -> list[str]:
    from matplotlib import font_manager

    installed = set(font_manager.get_font_names())
    return ["DejaVu Sans", *(name for name in HAN_FONTS if name in installed)]


def _plot(axes: Axes, board: Leaderboard, column: Column) -> None:
    low, high = _limits([row.cells[column.name] for row in board.rows], column)
    axes.set_xlim(low, high)
    hidden = 0
    for y, row in enumerate(board.rows):
        cell = row.cells[column.name]
        _dots(axes, cell, y, SANITY if row.system.sanity else COMPETITOR)
        hidden += sum(not low <= point.value <= high for point in cell.points)
    sanity = [y for y, row in enumerate(board.rows) if row.system.sanity]
    if sanity and sanity[0]:
        axes.axhline(sanity[0] - 0.5, color="#BBBBBB", linewidth=0.8, linestyle=":")
    axes.set_ylim(len(board.rows) - 0.4, -0.6)
    axes.set_yticks(range(len(board.rows)), [_label(row, column) for row in board.rows])
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#E6E6E6", linewidth=0.7)
    axes.set_axisbelow(True)
    for y, row in enumerate(board.rows):
        marks = _marks(row.cells[column.name])
        axes.annotate(marks, (1.02, y), xycoords=("axes fraction", "data"), va="center", annotation_clip=False)
    axes.set_title(f"{column.name}   {_direction(column)}", loc="left", fontsize=10, fontweight="bold")
    axes.set_xlabel(_explanation(board, column, hidden), fontsize=8, color="#444444")


def _dots(axes: Axes, cell: Cell, y: int, colour: str) -> None:
    if cell.value is None:
        axes.annotate(
            wording.EMPTY[cell.status],
            (0.01, y),
            xycoords=("axes fraction", "data"),
            va="center",
            color="#7A7A7A",
            style="italic",
        )
        return
    spread = [y + 0.5 * ((0.5 + number * 0.618034) % 1 - 0.5) for number in range(len(cell.points))]
    axes.scatter([point.value for point in cell.points], spread, s=9, color=colour, alpha=0.25, linewidths=0)
    if cell.low is not None and cell.high is not None:
        axes.plot([cell.low, cell.high], [y, y], color=colour, linewidth=2, solid_capstyle="butt")
    axes.plot([cell.value], [y], marker="o", markersize=6.5, color=colour, markeredgecolor="white", markeredgewidth=0.8)


def _limits(cells: Sequence[Cell], column: Column) -> tuple[float, float]:
    """The axis holds every interval, and every song not so far out that the intervals would shrink to points."""
    figures = [x for cell in cells for x in (cell.value, cell.low, cell.high) if x is not None]
    low, high = min(figures), max(figures)
    span = high - low or abs(high) or 1.0
    near = [p.value for cell in cells for p in cell.points if low - _REACH * span <= p.value <= high + _REACH * span]
    low, high = min([low, *near]), max([high, *near])
    margin = 0.04 * (high - low or abs(high) or 1.0)
    return low - margin, high + margin


def file_name(column: str) -> str:
    """Of the figure of a column, without ending."""
    return re.sub(r"[^\w.-]+", "-", column)


def _marks(cell: Cell) -> str:
    return NumberCell(value="", group=cell.group, best=cell.best).marks


def _label(row: Row, column: Column) -> str:
    cell = row.cells[column.name]
    if cell.value is None:
        return row.system.name
    audience = f" songs, {cell.n_raters} raters" if cell.n_raters else ""
    return f"{row.system.name}  n={cell.n}" + (f"/{cell.n_possible}" if cell.partial else "") + audience


def _direction(column: Column) -> str:
    unit = f"[{column.field.unit}] " if column.field.unit else ""
    return f"{unit}{wording.ARROWS[column.field.direction]} {wording.BETTER[column.field.direction]}"


def _explanation(board: Leaderboard, column: Column, hidden: int) -> str:
    songs = "; faint dots: songs" if any(row.cells[column.name].points for row in board.rows) else ""
    outside = f" ({hidden} further out)" if hidden else ""
    letters = (
        "; no common letter: significantly different" if any(r.cells[column.name].group for r in board.rows) else ""
    )
    over = "the listening test's interval" if column.kind == "panel" else f"{100 * board.confidence:g} % interval"
    return f"bar: {over}{songs}{outside}{letters}"
