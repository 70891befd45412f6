"""Prompt by prompt: each system's takes against those of the others, on the same prompts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from songbench.reporting.board import Column, Leaderboard, Row
from songbench.reporting.figures import style
from songbench.reporting.figures.frame import Frame
from songbench.reporting.figures.intervals import columns_with_figure, direction
from songbench.reporting.figures.style import EDGE, PAGE, Sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NAMED = 16  # prompts whose names have room below the panels
_MANY = 40  # prompts
_VECTORS = (
    4000  # points in all panels; more of them become pictures inside of an SVG or PDF, which would be slow to show
)


def columns_by_prompt(board: Leaderboard) -> list[Column]:
    """The ranked columns whose songs are known one by one, of at least two prompts."""
    return [
        column
        for column in columns_with_figure(board)
        if len({point.prompt for row in board.rows for point in row.cells[column.name].points}) > 1
    ]


def prompts(board: Leaderboard, column: Column, sheet: Sheet = PAGE) -> Figure:
    """A panel for each competitor: its songs in colour, the others' in grey, the prompts in the same order in all.

    The prompts are ordered by the mean over the competitors, the easiest first. An upright line joins the takes of a
    prompt; where it is as long as the panel is high, chance matters more than the prompt. Where there are many prompts,
    points are means over the takes.

    Args:
        board: the leaderboard; without a competitor in the column, its sanity systems have panels.
        column: one of `columns_by_prompt`.
        sheet: what it is drawn for.
    """
    with style.drawing(sheet.points):
        return _Panels(board, column, sheet).figure()


@dataclass(frozen=True)
class _Panels:
    board: Leaderboard
    column: Column
    sheet: Sheet

    @cached_property
    def _rows(self) -> list[Row]:
        rows = [row for row in self.board.rows if row.cells[self.column.name].points]
        return [row for row in rows if not row.system.sanity] or rows

    @cached_property
    def _takes(self) -> dict[str, dict[str, list[float]]]:
        """The values of each system by prompt."""
        takes: dict[str, dict[str, list[float]]] = {}
        for row in self._rows:
            by_prompt = takes.setdefault(row.system.name, {})
            for point in row.cells[self.column.name].points:
                by_prompt.setdefault(point.prompt, []).append(point.value)
        return takes

    @cached_property
    def _places(self) -> Mapping[str, int]:
        """Each prompt's place from the left."""
        means: dict[str, list[float]] = {}
        for by_prompt in self._takes.values():
            for prompt, values in by_prompt.items():
                means.setdefault(prompt, []).append(float(np.mean(values)))
        sign = -1 if self.column.field.direction == "higher" else 1
        ordered = sorted(means, key=lambda prompt: (sign * float(np.mean(means[prompt])), prompt))
        return {prompt: place for place, prompt in enumerate(ordered)}

    def figure(self) -> Figure:
        """As many panels beside each other as there is room for."""
        sheet, points = self.sheet, self.sheet.points
        page = sheet.width >= PAGE.width
        across = min(len(self._rows), 3 if page else 1)
        names = [style.shortened(prompt, 1.1, sheet.small) for prompt in self._places]
        names = names if len(names) <= _NAMED else []
        left, below = EDGE + 4.0 * points / 72, style.widest(names, sheet.small) + 0.16
        wide, high = (sheet.width - left) / across, 1.5 if page else 1.1
        frame = Frame(
            sheet=sheet,
            title=f"{self.column.name}: prompt by prompt",
            subtitle=direction(self.column),
            notes=self._notes(),
            width=sheet.width,
            panel=high + 2.0 * points / 72 + below,
            lines=-(-len(self._rows) // across),
        )
        figure = frame.figure()
        for place, row in enumerate(self._rows):
            x = left + (place % across) * wide
            axes = frame.axes(figure, x, frame.bottom(place // across) + below, wide - 2 * EDGE, high)
            self._panel(axes, row, names)
            if place % across:
                axes.tick_params(axis="y", labelleft=False)
            name = style.shortened(row.system.name, wide - 2 * EDGE, style.BOLD * points)
            axes.annotate(
                name, (0, 1), (0, 0.35 * points), xycoords="axes fraction", textcoords="offset points", weight="bold",
                va="bottom",
            )  # fmt: skip
        return figure

    def _notes(self) -> list[str]:
        several = any(len(values) > 1 for by_prompt in self._takes.values() for values in by_prompt.values())
        return [
            f"{len(self._places)} prompts from easy to hard, by the mean of the systems",
            *(
                ["upright lines: takes of a prompt" + ("; points: their means" if self._many else "")]
                if several
                else []
            ),
            *(["grey: the other systems"] if len(self._rows) > 1 else []),
        ]

    def _panel(self, axes: Axes, row: Row, names: list[str]) -> None:
        marks = self.sheet.points * max(0.35, min(0.6, 10 / len(self._places)))
        background = [point for name in self._takes if name != row.system.name for point in self._points(name)]
        if background:
            axes.plot(
                *zip(*background, strict=True), linestyle="none", marker="o", markersize=0.6 * marks, color=style.LINE,
                markeredgewidth=0, rasterized=self._dense,
            )  # fmt: skip
        takes = [(self._places[prompt], values) for prompt, values in self._takes[row.system.name].items()]
        axes.vlines(
            [place for place, _ in takes], [min(values) for _, values in takes], [max(values) for _, values in takes],
            color=style.COMPETITOR, linewidth=0.9, alpha=0.4 if self._many else 1.0,
        )  # fmt: skip
        axes.plot(
            *zip(*self._points(row.system.name), strict=True), linestyle="none", marker="o", markersize=marks,
            color=style.COMPETITOR, markeredgecolor="white", markeredgewidth=0.3, rasterized=self._dense,
        )  # fmt: skip
        axes.set_xlim(-0.7, len(self._places) - 0.3)
        axes.set_ylim(*self._range)
        axes.set_xticks(range(len(names)), names, rotation=90)
        axes.spines["left"].set_visible(True)
        style.grid(axes, "y")
        axes.locator_params(axis="y", nbins=4)
        axes.tick_params(labelsize=self.sheet.small)

    def _points(self, system: str) -> list[tuple[int, float]]:
        """Place and value of each song of a system, or of each prompt's mean where there are many."""
        takes = self._takes[system]
        if self._many:
            return [(self._places[prompt], float(np.mean(values))) for prompt, values in takes.items()]
        return [(self._places[prompt], value) for prompt, values in takes.items() for value in values]

    @property
    def _many(self) -> bool:
        return len(self._places) > _MANY

    @cached_property
    def _dense(self) -> bool:
        songs = sum(len(values) for by_prompt in self._takes.values() for values in by_prompt.values())
        return songs * len(self._rows) > _VECTORS

    @cached_property
    def _range(self) -> tuple[float, float]:
        values = [value for takes in self._takes.values() for songs in takes.values() for value in songs]
        low, high = min(values), max(values)
        margin = 0.06 * (high - low) or max(0.1 * abs(high), 0.1)
        return low - margin, high + margin
