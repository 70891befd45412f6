"""Response curves, one small panel per damage, and an overview of all columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from songbench.domain.damages import DAMAGES
from songbench.reporting.figures import style
from songbench.reporting.figures.files import encoded
from songbench.reporting.figures.frame import new_figure
from songbench.reporting.validation.responses import Examined, Response, Validation, Verdict
from songbench.reporting.validation.tables import headline_columns

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS: dict[Verdict, str] = {
    "reacts": style.RIGHT,
    "blind": style.WRONG,
    "wrong way": style.WRONG,
    "should ignore": style.DOUBTFUL,
    "ignores": style.FAINT,
    "reacts aside": style.ASIDE,
    "ignores aside": style.FAINT,
    "no answer": style.FAINT,
}
"""Told apart with every kind of colour vision; the verdict stands beside its colour in words."""

_POINTS = 8
_ACROSS = 5
_WEAK = "#F4F4F4"  # squares in which nothing happened


def draw_curves(column: Examined, prompts: int) -> bytes:
    """One panel per damage: the figure at strengths 0 to 4, its change's interval, and behind it each prompt; PNG."""
    with style.drawing(_POINTS):
        down = -(-len(column.responses) // _ACROSS)
        figure = new_figure(12.5, 0.7 + 2.0 * down, constrained=True)
        axes = figure.subplots(down, _ACROSS, sharex=True, sharey=True, squeeze=False).ravel()
        for panel, response in zip(axes, column.responses, strict=False):
            _panel(panel, response)
        for panel in axes[len(column.responses) :]:
            panel.set_visible(False)
        arrow = {"higher": "higher is better", "lower": "lower is better", "none": "descriptive"}[
            column.field.direction
        ]
        unit = f" [{column.field.unit}]" if column.field.unit else ""
        title = f"{column.name}{unit}, {arrow}: {prompts} prompts; faint: prompts; bars: 95 % of the change"
        figure.suptitle(title, x=0.01, ha="left", fontsize=10, fontweight="bold")
        return encoded(figure, "png")


def _panel(axes: Axes, response: Response) -> None:
    colour = COLOURS[response.verdict]
    axes.set_title(f"{response.damage.name}: {response.verdict}", loc="left", fontsize=8, color=colour)
    axes.set_xticks(range(5), ["0", "1", "2", "3", "4"])
    axes.spines["left"].set_visible(True)
    axes.grid(axis="y", color=style.GRID, linewidth=0.6)
    for values in response.by_prompt.values():
        points = [(place, value) for place, value in enumerate(values) if value is not None]
        axes.plot(*zip(*points, strict=True), color=colour, alpha=0.2, linewidth=0.8)
    if response.clean is None:
        axes.annotate("no answer", (0.5, 0.5), xycoords="axes fraction", ha="center", color=style.FAINT, style="italic")
        return
    line = [(0, response.clean), *((i + 1, f) for i, f in enumerate(response.figures) if f is not None)]
    axes.plot(*zip(*line, strict=True), color=colour, linewidth=1.8, marker="o", markersize=3.5)
    for place, (figure, change) in enumerate(zip(response.figures, response.changes, strict=True), start=1):
        if figure is not None and change is not None:
            low, high = figure - (change.difference - change.low), figure + (change.high - change.difference)
            axes.plot([place, place], [low, high], color=colour, linewidth=1.2)


def draw_overview(validation: Validation) -> bytes:
    """Columns by damages, coloured by verdict, with the rank correlation in each square; PNG."""
    from matplotlib.patches import Rectangle

    columns = headline_columns(validation)
    present = {response.damage.name for column in columns for response in column.responses}
    damages = [name for name in DAMAGES if name in present]
    with style.drawing(_POINTS):
        figure = new_figure(2.4 + 0.82 * len(damages), 1.9 + 0.36 * len(columns), constrained=True)
        axes = figure.subplots()
        for y, column in enumerate(columns):
            for response in column.responses:
                x = damages.index(response.damage.name)
                strong = response.verdict not in ("ignores", "ignores aside", "no answer")
                face = COLOURS[response.verdict] if strong else _WEAK
                axes.add_patch(Rectangle((x - 0.48, y - 0.46), 0.96, 0.92, facecolor=face, linewidth=0))
                text = "–" if response.rank is None else f"{response.rank + 0.0:.2f}"
                axes.text(x, y, text, ha="center", va="center", color="white" if strong else style.FAINT, fontsize=7.5)
        axes.set_xlim(-0.5, len(damages) - 0.5)
        axes.set_ylim(len(columns) - 0.5, -0.5)
        axes.set_xticks(range(len(damages)), [name.replace("_", "\n") for name in damages], fontsize=7.5)
        axes.xaxis.tick_top()
        axes.set_yticks(range(len(columns)), [column.name for column in columns])
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
        explained: list[Verdict] = ["reacts", "blind", "should ignore", "reacts aside"]
        names = ["reacts as it should", "blind or wrong way", "reacts to what it should ignore", "may react, and does"]
        patches = [Rectangle((0, 0), 1, 1, facecolor=COLOURS[verdict]) for verdict in explained]
        patches.append(Rectangle((0, 0), 1, 1, facecolor=_WEAK))
        figure.legend(patches, [*names, "does not react"], loc="outside lower center", ncols=5, frameon=False)
        return encoded(figure, "png")
