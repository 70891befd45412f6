"""Panels with a row for each system: names on the left, in each panel an axis with numbers beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from songbench.contracts.cards import SystemCard
from songbench.reporting.board import Leaderboard
from songbench.reporting.figures import style
from songbench.reporting.figures.frame import Frame
from songbench.reporting.figures.style import PAGE, Sheet

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Paint: TypeAlias = "Callable[[Axes, float], None]"
"""Draws into axes with a row for each system; the second is their width in inches."""

MOST_ACROSS = 3


def panels_of(board: Leaderboard, parts: Mapping[str, Leaderboard] | None) -> dict[str, Leaderboard]:
    """What each panel shows, by its name: the parts of a run, or without any the whole, under no name."""
    return {name or "none": part for name, part in parts.items()} if parts else {"": board}


@dataclass(frozen=True, kw_only=True)
class Side:
    """Texts that stand right of an axis.

    Attributes:
        texts: by system; rows without a text stay empty.
        heading: of all of them; "" for none.
        align: where they are in line.
    """

    texts: Mapping[str, str]
    heading: str = ""
    align: Literal["left", "right"] = "right"

    def width(self, points: float) -> float:
        """Inches, with the space before it."""
        return space(points) + style.widest([self.heading, *self.texts.values()], points)


def space(points: float) -> float:
    """Inches between an axis and the texts beside it, and between these."""
    return 0.9 * points / 72


@dataclass(frozen=True, kw_only=True)
class RowPanels:
    """The layout of such a figure.

    Attributes:
        sheet: what it is drawn for.
        systems: the rows, competitors before sanity systems, between which stands a line.
        title: of the figure.
        subtitle: beside it.
        notes: what the marks mean.
        panels: the name of each panel, and what draws it.
        sides: the texts beside each panel, in the same order.
        legend: marks with labels, to be explained below the panels.
    """

    sheet: Sheet
    systems: Sequence[SystemCard]
    title: str
    subtitle: str
    notes: Sequence[str]
    panels: Mapping[str, Paint]
    sides: Sequence[Sequence[Side]]
    legend: Sequence[Artist] = ()

    def figure(self) -> Figure:
        """As many panels in a line as there is room for, rows and axes of all alike."""
        sheet = self.sheet
        names = [style.shortened(card.name, 0.32 * sheet.width, sheet.points) for card in self.systems]
        left = style.EDGE + style.widest(names, sheet.points) + 0.08
        beside = max(sum(side.width(sheet.points) for side in panel) for panel in self.sides) + style.EDGE
        across = 1 if sheet.width < PAGE.width else min(MOST_ACROSS, len(self.panels))
        plot = max(sheet.width - left - beside, 1.1) if across == 1 else 4.6 / across + 0.3
        headed = any(side.heading for panel in self.sides for side in panel) or any(self.panels)
        body, below = sheet.line * len(names), 0.95 * sheet.line
        frame = Frame(
            sheet=sheet,
            title=self.title,
            subtitle=self.subtitle,
            notes=self.notes,
            width=left + across * (plot + beside),
            panel=(0.75 * sheet.line if headed else 0.0) + body + below,
            lines=-(-len(self.panels) // across),
            legend=self.legend,
        )
        figure = frame.figure()
        for place, (name, paint) in enumerate(self.panels.items()):
            x = left + (place % across) * (plot + beside)
            axes = frame.axes(figure, x, frame.bottom(place // across) + below, plot, body)
            self._rows(axes, names if place % across == 0 else [""] * len(names))
            paint(axes, plot)
            style.few_ticks(axes, plot, sheet)
            self._beside(axes, self.sides[place], plot)
            if name:
                heading = style.shortened(name, plot + beside - style.EDGE, style.BOLD * sheet.points)
                axes.annotate(
                    heading, (0, 1), (0, 0.35 * sheet.points), xycoords="axes fraction", textcoords="offset points",
                    weight="bold", va="bottom",
                )  # fmt: skip
        return figure

    def _rows(self, axes: Axes, names: Sequence[str]) -> None:
        style.rows(axes, names)
        first = next((y for y, card in enumerate(self.systems) if card.sanity), 0)
        if first:
            axes.axhline(first - 0.5, color=style.LINE, linewidth=0.8, linestyle=":")

    def _beside(self, axes: Axes, sides: Sequence[Side], plot: float) -> None:
        edge, points = plot, self.sheet.points
        for side in sides:
            start, edge = edge + space(points), edge + side.width(points)
            x = (edge if side.align == "right" else start) / plot
            lines = [(-1, side.heading, style.FAINT)]
            for row, card in enumerate(self.systems):
                lines.append((row, side.texts.get(card.name, ""), style.SOFT if card.sanity else style.INK))
            for y, text, colour in lines:
                if text:
                    axes.annotate(
                        text, (x, y), xycoords=("axes fraction", "data"), ha=side.align, va="center", color=colour,
                        annotation_clip=False, size=self.sheet.small if y < 0 else points,
                    )  # fmt: skip
