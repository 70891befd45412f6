"""The one look of every figure of the product: colours, marks, fonts, sizes, and how wide a text is.

Colours are those of Okabe and Ito (2008), told apart with every kind of colour vision. What a colour says, a mark, a
hatch or a place says too, so that figures survive a printer without colours. The background is light everywhere.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

COMPETITOR, SANITY = "#0072B2", "#7A7A7A"
"""Systems that compete; anchors of the scale and what is left out."""
SERIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6D31", "#000000")
MARKERS = "osD^vP*X"
"""With `SERIES`, which has as many, 64 systems have a look of their own (`look`)."""
_LARGER = {"P": 1.2, "*": 1.5, "X": 1.15, "^": 1.1, "v": 1.1}  # markers that look smaller than a disc
RIGHT, WRONG, DOUBTFUL, ASIDE = "#009E73", "#D55E00", "#E69F00", "#56B4E9"
"""As it should be, as it should not be, perhaps, and neither."""
INK, SOFT, FAINT, LINE, GRID = "#1A1A1A", "#4D4D4D", "#7A7A7A", "#BBBBBB", "#E6E6E6"
"""Texts, their explanations, what is absent; lines that divide, lines to read values by."""

HAN_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "PingFang SC",
    "Hiragino Sans GB",
    "Microsoft YaHei",
)
"""Tried, in this order, for what the default font cannot write."""
_FONT = "DejaVu Sans"  # comes with matplotlib, so that figures are alike everywhere
_STYLE = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.axisbelow": True,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": SOFT,
    "axes.formatter.useoffset": False,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "text.color": INK,
    "text.parse_math": False,  # a $ in the name of a system is a $
    "hatch.linewidth": 0.6,
    "svg.hashsalt": "songbench",
    "svg.fonttype": "none",  # text stays text: searchable, small, and in the reader's own Chinese font
    "pdf.fonttype": 42,  # embedded as TrueType, as journals ask
}


@dataclass(frozen=True)
class Sheet:
    """What a figure is drawn for.

    Attributes:
        width: of the whole figure, in inches.
        points: of its text.
        explained: whether marks are explained below the figure; papers do that in the caption.
    """

    width: float
    points: float
    explained: bool

    @property
    def small(self) -> float:
        """Points of numbers at marks and of explanations."""
        return 0.87 * self.points

    @property
    def line(self) -> float:
        """Inches from one row of names to the next."""
        return 2.75 * self.points / 72


PAGE = Sheet(7.6, 9, explained=True)
"""For a page that people scroll, or for both columns of a paper."""
COLUMN = Sheet(3.4, 7, explained=False)
"""For one column of a paper with two."""
BOLD = 1.16
"""How much wider a text is in bold."""
EDGE = 0.1
"""Inches left free around a figure."""
SHEETS = {"page": PAGE, "column": COLUMN}


@contextmanager
def drawing(points: float = PAGE.points) -> Iterator[None]:
    """Inside, matplotlib draws in this look, whatever the user configured; afterwards as before.

    Args:
        points: of texts that do not say their own size.
    """
    import matplotlib.style

    settings = {
        **_STYLE,
        "font.size": points,
        "font.family": fonts(),
        "font.sans-serif": [_FONT, "Verdana", *HAN_FONTS],
    }
    log = logging.getLogger("matplotlib.font_manager")
    level = log.level
    with matplotlib.style.context(["default", settings]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        log.setLevel(logging.ERROR)  # Chinese fonts without a bold face are nothing to worry people with
        try:
            yield
        finally:
            log.setLevel(level)


@cache
def fonts() -> list[str]:
    """The fonts of every text, those before others: matplotlib's own, the Chinese ones of this machine, any."""
    from matplotlib import font_manager

    installed = set(font_manager.get_font_names())
    return [_FONT, *(name for name in HAN_FONTS if name in installed), "sans-serif"]


def look(number: int) -> tuple[str, str]:
    """Colour and marker of a series: the same colour comes again with another marker only."""
    return SERIES[number % len(SERIES)], MARKERS[(number + number // len(SERIES)) % len(MARKERS)]


def mark(axes: Axes, x: float, y: float, number: int, size: float) -> None:
    """The point of a series, its middle at x and y, about so many points wide."""
    colour, marker = look(number)
    axes.plot(
        [x], [y], marker=marker, markersize=size * _LARGER.get(marker, 1.0), color=colour, markeredgecolor="white",
        markeredgewidth=0.6,
    )  # fmt: skip


def keys(names: Sequence[str], sheet: Sheet) -> list[Artist]:
    """What stands for each series in a legend."""
    from matplotlib.lines import Line2D

    artists: list[Artist] = []
    for number, name in enumerate(names):
        colour, marker = look(number)
        label = shortened(name, 0.42 * sheet.width, sheet.small)
        artists.append(
            Line2D([], [], marker=marker, color=colour, linestyle="none", markersize=sheet.small, label=label)
        )
    return artists


def inches(text: str, points: float, *, bold: bool = False) -> float:
    """How wide a text is; call it inside `drawing`."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    if not text:
        return 0.0
    properties = FontProperties(size=points, weight="bold" if bold else "normal")
    width, _, _ = text_to_path.get_text_width_height_descent(text, properties, ismath=False)
    return float(width) / 72


def widest(texts: Sequence[str], points: float) -> float:
    """Inches of the widest text; 0 when there is none."""
    return max((inches(text, points) for text in texts), default=0.0)


def shortened(text: str, width: float, points: float) -> str:
    """The text, with its middle left out where it is wider than so many inches."""
    if inches(text, points) <= width:
        return text
    for length in range(len(text) - 1, 1, -1):
        head = (length + 1) // 2
        short = f"{text[:head]}…{text[len(text) - (length - head) :]}"
        if inches(short, points) <= width:
            return short
    return "…"


def wrapped(parts: Sequence[str], width: float, points: float, separator: str = "; ") -> list[str]:
    """Lines of at most so many inches; each part stays whole."""
    lines: list[str] = []
    for part in parts:
        longer = f"{lines[-1]}{separator}{part}" if lines else part
        if lines and inches(longer, points) <= width:
            lines[-1] = longer
        else:
            lines.append(part)
    return lines


def few_ticks(axes: Axes, width: float, sheet: Sheet) -> None:
    """As many numbers on the horizontal axis as have room in so many inches."""
    axes.locator_params(axis="x", nbins=max(2, int(width / (4.6 * sheet.points / 72))))
    axes.tick_params(axis="x", labelsize=sheet.small)


def grid(axes: Axes, axis: str = "x") -> None:
    """Light lines to read values by."""
    axes.grid(axis=axis, color=GRID, linewidth=0.7)  # type: ignore[arg-type]
    axes.tick_params(axis="both", length=2.5, width=0.6)


def rows(axes: Axes, names: Sequence[str]) -> None:
    """Names down the left side, the first on top, with light lines to read values by."""
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_yticks(range(len(names)), list(names))
    grid(axes)
    axes.tick_params(axis="y", length=0)


def dot(
    axes: Axes, y: float, value: float, low: float | None, high: float | None, colour: str, *, size: float = 6.5
) -> None:
    """A figure with its interval: a competitor filled, anything else hollow."""
    if low is not None and high is not None:
        axes.plot([low, high], [y, y], color=colour, linewidth=0.31 * size, solid_capstyle="butt")
    hollow = colour == SANITY
    axes.plot(
        [value], [y], marker="D" if hollow else "o", markersize=0.8 * size if hollow else size,
        color="white" if hollow else colour, markeredgecolor=colour if hollow else "white",
        markeredgewidth=1.2 if hollow else 0.8, clip_on=False,
    )  # fmt: skip


def spread(count: int) -> list[float]:
    """Offsets from a row, within a quarter of it to either side, that set many points apart: the golden section."""
    return [0.5 * ((0.5 + number * 0.618034) % 1 - 0.5) for number in range(count)]
