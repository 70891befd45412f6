"""What all figures of a listening test share: style, colours, and PNG and SVG of the same drawing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from songbench.reporting.figures import style
from songbench.reporting.figures.files import encoded
from songbench.reporting.figures.frame import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAIN, ANCHOR = style.COMPETITOR, style.SANITY
"""Systems that compete; anchors, references and excluded raters."""
RAMP = ("#8C510A", "#D8B365", "#E8DCC0", "#C7D9E8", "#5AA4CF", "#08519C", "#08306B")
"""From the worst answer to the best: brown to blue, light between."""


@dataclass(frozen=True)
class Drawn:
    """A figure.

    Attributes:
        name: of its files.
        alt: what it shows.
        png: for documents.
        svg: for pages.
    """

    name: str
    alt: str
    png: bytes
    svg: bytes


def draw(name: str, alt: str, size: tuple[float, float], paint: Callable[[Figure], None]) -> Drawn:
    """A figure of this size in inches; the same bytes for the same data and the same matplotlib.

    Args:
        name: of its files, without ending.
        alt: what it shows.
        size: width and height.
        paint: draws into the empty figure.
    """
    with style.drawing():
        figure = new_figure(*size, constrained=True)
        paint(figure)
        return Drawn(name, alt, encoded(figure, "png"), encoded(figure, "svg"))


def title(axes: Axes, text: str, mark: str, explanation: str = "") -> None:
    """A heading on the left, with the mark of simulated answers; below the axis what the marks mean."""
    axes.set_title(f"{text}{mark}", loc="left", fontsize=10, fontweight="bold")
    if explanation:
        axes.set_xlabel(explanation, fontsize=8, color=style.SOFT)


def width_of(names: Sequence[str]) -> float:
    """Inches that the longest name needs."""
    from rich.cells import cell_len

    return 0.3 + 0.075 * max((cell_len(name) for name in names), default=0)


def span(axes: Axes, bounds: tuple[float, float]) -> None:
    """The whole scale, with room for a dot at either end."""
    low, high = bounds
    margin = 0.02 * (high - low)
    axes.set_xlim(low - margin, high + margin)
