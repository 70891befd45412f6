"""An empty figure, and what stands around its panels: a title above, below what the marks mean. Lengths are inches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from songbench.reporting.figures import style
from songbench.reporting.figures.style import EDGE, Sheet

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def new_figure(width: float, height: float, *, constrained: bool = False) -> Figure:
    """An empty figure of this size in inches, known to no pyplot; call it inside `style.drawing`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    from songbench.reporting.figures.drawn_figure import DrawnFigure

    figure = DrawnFigure(figsize=(width, height), dpi=130, layout="constrained" if constrained else None)
    FigureCanvasAgg(figure)
    return figure


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A figure of one or several lines of panels; to be used inside `style.drawing`.

    Attributes:
        sheet: what it is drawn for.
        title: in bold; its middle is left out where it is too long.
        subtitle: behind the title where there is room, else below it.
        notes: what the marks mean; only where the sheet explains.
        width: of the figure.
        panel: height of a line of panels with everything that belongs to it.
        lines: how many lines of panels there are.
        legend: marks with labels, explained between the panels and the notes.
    """

    sheet: Sheet
    title: str
    subtitle: str
    notes: Sequence[str]
    width: float
    panel: float
    lines: int = 1
    legend: Sequence[Artist] = ()

    @cached_property
    def _subtitle_place(self) -> tuple[float, float]:
        """From the left, and from the top of the title."""
        beside = EDGE + style.inches(self._title, self._large, bold=True) + self.sheet.points / 72
        if beside + style.inches(self.subtitle, self.sheet.points) <= self.width - EDGE:
            return beside, 0.0
        return EDGE, 0.62 * self.sheet.line

    @property
    def _large(self) -> float:
        return 1.1 * self.sheet.points

    @cached_property
    def _title(self) -> str:
        return style.shortened(self.title, self.width - 2 * EDGE, style.BOLD * self._large)

    @cached_property
    def _note_lines(self) -> list[str]:
        if not self.sheet.explained:
            return []
        return style.wrapped(self.notes, self.width - 2 * EDGE, self.sheet.small)

    @property
    def _top(self) -> float:
        return EDGE + self._subtitle_place[1] + 0.72 * self.sheet.line

    @property
    def foot(self) -> float:
        """Up to where the notes reach."""
        return EDGE + 0.55 * self.sheet.line * len(self._note_lines)

    @cached_property
    def _legend_columns(self) -> int:
        """How many labels have room beside each other."""
        widest = style.widest([str(artist.get_label()) for artist in self.legend], self.sheet.small)
        return max(1, int((self.width - 2 * EDGE) / (widest + 3.6 * self.sheet.small / 72)))

    @property
    def _legend_height(self) -> float:
        lines = -(-len(self.legend) // self._legend_columns)
        return (1.52 * lines + 0.4) * self.sheet.small / 72 if lines else 0.0

    @property
    def height(self) -> float:
        """Of the whole figure."""
        return self._top + self.lines * self.panel + self._legend_height + self.foot

    def bottom(self, line: int) -> float:
        """The lower end of a line of panels, from the bottom of the figure; the first line is on top."""
        return self.height - self._top - (line + 1) * self.panel

    def figure(self) -> Figure:
        """The figure with title and notes, without panels."""
        figure = new_figure(self.width, self.height)
        x, y = self._subtitle_place
        baseline = EDGE + 0.95 * self._large / 72
        self.write(figure, EDGE, baseline, self._title, weight="bold", size=self._large)
        self.write(figure, x, baseline + y, self.subtitle, size=self.sheet.points, color=style.SOFT)
        for number, text in enumerate(self._note_lines):
            baseline = self.height - self.foot + 0.55 * self.sheet.line * (number + 1) - 0.03
            self.write(figure, EDGE, baseline, text, size=self.sheet.small, color=style.SOFT)
        if self.legend:
            corner = (EDGE / self.width, self.foot / self.height)
            figure.legend(
                handles=list(self.legend), loc="lower left", bbox_to_anchor=corner,
                ncols=self._legend_columns, frameon=False, fontsize=self.sheet.small, borderpad=0.2, borderaxespad=0,
                handlelength=1.5, handletextpad=0.5, columnspacing=1.4, labelspacing=0.35,
            )  # fmt: skip
        return figure

    def write(self, figure: Figure, x: float, y: float, text: str, **look: object) -> None:
        """A text from x on, its baseline y below the top of the figure."""
        figure.text(x / self.width, 1 - y / self.height, text, va="baseline", **look)  # type: ignore[arg-type]

    def axes(self, figure: Figure, x: float, y: float, width: float, height: float) -> Axes:
        """Axes whose lower left corner is at x and y from that of the figure."""
        return figure.add_axes((x / self.width, y / self.height, width / self.width, height / self.height))
