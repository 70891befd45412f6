"""The phoneme error rate of each system by what went wrong: words changed, left out, or sung besides the lyrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from songbench.reporting import wording
from songbench.reporting.board import Column, Leaderboard, Row
from songbench.reporting.figures import style
from songbench.reporting.figures.row_panels import RowPanels, Side, panels_of
from songbench.reporting.figures.style import PAGE, Sheet

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TOTAL, PARTS = "per", {"sub": "substitutions", "del": "deletions", "ins": "insertions"}
"""The field that is divided, and the fields that add up to it."""
_LOOKS = {"sub": (style.SERIES[0], ""), "del": (style.SERIES[4], "////"), "ins": (style.SERIES[2], "....")}
"""Colour and hatch of each part."""
_HEIGHT = 0.62  # of a bar, in rows


def columns_with_parts(board: Leaderboard) -> list[Column]:
    """The columns of phoneme error rates whose parts are known, with at least one number."""
    names = {column.name for column in board.columns}
    return [
        column
        for column in board.columns
        if column.field.name == TOTAL
        and all(column.metric.column(part) in names for part in PARTS)
        and any(row.cells[column.name].value is not None for row in board.rows)
    ]


def columns_of_parts(board: Leaderboard, column: Column) -> list[Column]:
    """The columns that add up to one of `columns_with_parts`."""
    names = {column.metric.column(part) for part in PARTS}
    return [part for part in board.columns if part.name in names]


def error_parts(
    board: Leaderboard, column: Column, parts: Mapping[str, Leaderboard] | None = None, sheet: Sheet = PAGE
) -> Figure:
    """Stacked bars: substitutions, deletions and insertions per phoneme of the lyrics, which add up to the rate.

    Args:
        board: the leaderboard.
        column: one of `columns_with_parts`.
        parts: leaderboards of parts of the run, by their names: a panel for each instead of one for the whole.
        sheet: what it is drawn for.

    Returns:
        The figure; its axis holds the competitors, and bars of sanity systems are cut at its edge.
    """
    with style.drawing(sheet.points):
        return _Bars(board, column, panels_of(board, parts), sheet).figure()


@dataclass(frozen=True)
class _Bars:
    board: Leaderboard
    column: Column
    panels: Mapping[str, Leaderboard]
    sheet: Sheet

    def figure(self) -> Figure:
        """The bars of each panel, the totals beside them, and what the colours are below."""
        return RowPanels(
            sheet=self.sheet,
            systems=[row.system for row in self.board.rows],
            title=f"{self.column.name} by kind of error",
            subtitle=f"[{self.column.field.unit}] of the phonemes of the lyrics",
            notes=["on the right: their sum, the phoneme error rate", *(["▶: beyond the axis"] if self._cut else [])],
            panels={name: partial(self._panel, part) for name, part in self.panels.items()},
            sides=[[Side(texts=self._totals(part))] for part in self.panels.values()],
            legend=self._legend(),
        ).figure()

    def _totals(self, part: Leaderboard) -> dict[str, str]:
        cells = {row.system.name: row.cells[self.column.name].value for row in part.rows}
        return {name: wording.number(value, self.column.field) for name, value in cells.items() if value is not None}

    @property
    def _high(self) -> float:
        """The end of the axis: the longest bar of a competitor."""
        rows = [row for part in (self.board, *self.panels.values()) for row in part.rows]
        totals = [
            (row.system.sanity, row.cells[self.column.name].value) for row in rows if self.column.name in row.cells
        ]
        values = [value for sanity, value in totals if value is not None and not sanity]
        values = values or [value for _, value in totals if value is not None]
        return 1.03 * max(values) or 1.0

    @property
    def _cut(self) -> bool:
        return any(self._beyond(row) for part in self.panels.values() for row in part.rows)

    def _beyond(self, row: Row) -> bool:
        value = row.cells[self.column.name].value
        return value is not None and value > self._high

    def _panel(self, part: Leaderboard, axes: Axes, plot: float) -> None:
        high = self._high
        axes.set_xlim(0, high)
        rows = {row.system.name: row for row in part.rows}
        for y, card in enumerate(row.system for row in self.board.rows):
            row = rows.get(card.name)
            cell = row.cells[self.column.name] if row else None
            if row is None or cell is None:
                continue
            if cell.value is None:
                axes.annotate(
                    wording.EMPTY[cell.status], (0.012, y), xycoords=("axes fraction", "data"), va="center",
                    color=style.FAINT, style="italic", size=self.sheet.small,
                )  # fmt: skip
                continue
            inset = 0.36 * self.sheet.points / 72 / plot * high
            self._bar(axes, y, row, plot / high, high - 3 * inset if self._beyond(row) else high)
            if self._beyond(row):
                axes.plot(
                    [high - inset], [y], marker=">", markersize=0.72 * self.sheet.points, color="white",
                    markeredgecolor=style.SOFT,
                )  # fmt: skip

    def _bar(self, axes: Axes, y: int, row: Row, scale: float, end: float) -> None:
        """The parts of a row one after the other, each with its number where there is room before the end.

        Args:
            axes: of the panel.
            y: the row.
            row: whose.
            scale: inches per %.
            end: of what is seen.
        """
        left = 0.0
        for part, (colour, hatch) in _LOOKS.items():
            value = row.cells[self.column.metric.column(part)].value or 0.0
            axes.barh(
                y, value, _HEIGHT, left=left, facecolor=colour, hatch=hatch, edgecolor="white", linewidth=0.6,
                alpha=0.55 if row.system.sanity else 1.0,
            )  # fmt: skip
            text, right = wording.number(value, self.column.field), min(left + value, end)
            if style.inches(text, self.sheet.small) + 0.08 < scale * (right - left):
                axes.text(
                    (left + right) / 2, y, text, ha="center", va="center", size=self.sheet.small,
                    bbox={"boxstyle": "round,pad=0.12", "facecolor": "white", "linewidth": 0, "alpha": 0.85},
                )  # fmt: skip
            left += value

    def _legend(self) -> list[Artist]:
        from matplotlib.patches import Patch

        return [
            Patch(facecolor=colour, hatch=hatch, edgecolor="white", linewidth=0.6, label=PARTS[part])
            for part, (colour, hatch) in _LOOKS.items()
        ]
