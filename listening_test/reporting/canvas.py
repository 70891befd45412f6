"""What all figures of a listening test share: style, colours, and PNG and SVG of the same drawing."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from songbench.reporting.figures import COMPETITOR, HAN_FONTS, SANITY

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAIN, ANCHOR = COMPETITOR, SANITY
"""Systems that compete; anchors, references and excluded raters."""
SERIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6D31", "#000000")
"""Told apart by everybody (Okabe and Ito 2008)."""
MARKERS = "osD^vP*X"
RAMP = ("#8C510A", "#D8B365", "#E8DCC0", "#C7D9E8", "#5AA4CF", "#08519C", "#08306B")
"""From the worst answer to the best: brown to blue, light between."""
DPI = 130
_STYLE = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "svg.hashsalt": "songbench",
    "svg.fonttype": "path",
    "axes.axisbelow": True,
}


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
    import matplotlib.style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.style.context(["default", {**_STYLE, "font.family": _fonts()}]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = Figure(figsize=size, dpi=DPI, layout="constrained")
        FigureCanvasAgg(figure)
        paint(figure)
        png, svg = io.BytesIO(), io.BytesIO()
        figure.savefig(png, format="png", metadata={"Software": None})
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
    return Drawn(name, alt, png.getvalue(), svg.getvalue())


def _fonts() -> list[str]:
    from matplotlib import font_manager

    installed = set(font_manager.get_font_names())
    return ["DejaVu Sans", *(name for name in HAN_FONTS if name in installed)]


def title(axes: Axes, text: str, mark: str, explanation: str = "") -> None:
    """A heading on the left, with the mark of simulated answers; below the axis what the marks mean."""
    axes.set_title(f"{text}{mark}", loc="left", fontsize=10, fontweight="bold")
    if explanation:
        axes.set_xlabel(explanation, fontsize=8, color="#444444")


def rows(axes: Axes, names: Sequence[str]) -> None:
    """Names down the left side, the first on top, with light lines to read values by."""
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_yticks(range(len(names)), list(names))
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#E6E6E6", linewidth=0.7)


def dot(axes: Axes, y: float, value: float, low: float | None, high: float | None, colour: str) -> None:
    """A figure with its interval."""
    if low is not None and high is not None:
        axes.plot([low, high], [y, y], color=colour, linewidth=2, solid_capstyle="butt")
    axes.plot([value], [y], marker="o", markersize=6.5, color=colour, markeredgecolor="white", markeredgewidth=0.8)


def width_of(names: Sequence[str]) -> float:
    """Inches that the longest name needs."""
    from rich.cells import cell_len

    return 0.3 + 0.075 * max((cell_len(name) for name in names), default=0)


def span(axes: Axes, bounds: tuple[float, float]) -> None:
    """The whole scale, with room for a dot at either end."""
    low, high = bounds
    margin = 0.02 * (high - low)
    axes.set_xlim(low - margin, high + margin)
