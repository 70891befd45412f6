"""Every figure of a report: results, answers, raters, pairs, metrics beside people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from listening_test.analysis.results import ScaleAnalysis, Strength, SystemMean
from listening_test.reporting import canvas
from listening_test.reporting.agreement_figures import agreement_figures
from listening_test.reporting.canvas import ANCHOR, MAIN, RAMP, Drawn
from listening_test.reporting.facts import Report
from listening_test.reporting.songs import in_order
from listening_test.reporting.wording import strength_of
from songbench.reporting.figures import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def figures(report: Report) -> list[Drawn]:
    """All figures that the data allow, the primary scale first."""
    return [*_of_scales(report), *_raters(report), *agreement_figures(report)]


def _of_scales(report: Report) -> Iterator[Drawn]:
    for scale in report.ordered:
        if any(row.mean is not None for row in scale.means):
            yield _means(report, scale)
            yield _answers(report, scale)
        if any(row.strength is not None for row in scale.strengths):
            yield _strengths(report, scale)
        if scale.outcomes:
            yield _matrix(report, scale)


def _means(report: Report, scale: ScaleAnalysis) -> Drawn:
    means = [row for row in scale.means if row.mean is not None]
    labels = [f"{row.system}  n={row.n}" for row in means]

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        for y, row in enumerate(means):
            if row.mean is not None:
                style.dot(axes, y, row.mean, row.low, row.high, MAIN if row.competitor else ANCHOR)
        _letters(axes, means)
        canvas.span(axes, report.data.protocol.range(scale.scale))
        style.rows(axes, labels)
        explanation = (
            f"mean and {100 * report.confidence:g} % interval over raters and items; no common letter: different"
        )
        canvas.title(axes, scale.scale, report.mark, explanation)

    alt = f"{scale.scale}: " + ", ".join(f"{row.system} {row.mean:.2f}" for row in means if row.mean is not None)
    return canvas.draw(
        f"means-{scale.scale}", alt + report.mark, (canvas.width_of(labels) + 5.2, 0.95 + 0.34 * len(means)), paint
    )


def _letters(axes: Axes, figures: Sequence[SystemMean | Strength]) -> None:
    for y, row in enumerate(figures):
        axes.annotate(row.group, (1.02, y), xycoords=("axes fraction", "data"), va="center", annotation_clip=False)


def _strengths(report: Report, scale: ScaleAnalysis) -> Drawn:
    strengths = sorted(
        (row for row in scale.strengths if row.strength is not None),
        key=lambda row: (not row.competitor, -(row.strength or 0)),
    )
    labels = [f"{row.system}  n={row.n}" for row in strengths]

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.axvline(0, color=style.LINE, linewidth=0.8)
        for y, row in enumerate(strengths):
            if row.strength is not None:
                style.dot(axes, y, row.strength, row.low, row.high, MAIN if row.competitor else ANCHOR)
        _letters(axes, strengths)
        style.rows(axes, labels)
        explanation = (
            f"{strength_of(report.data.protocol)} and {100 * report.confidence:g} % interval; 0: mean of the systems"
        )
        canvas.title(axes, f"{scale.scale}: strength", report.mark, explanation)

    alt = f"Strengths, {scale.scale}: " + ", ".join(f"{row.system} {row.strength:.2f}" for row in strengths)
    size = (canvas.width_of(labels) + 5.2, 0.95 + 0.34 * len(strengths))
    return canvas.draw(f"strengths-{scale.scale}", alt + report.mark, size, paint)


def _answers(report: Report, scale: ScaleAnalysis) -> Drawn:
    rows = report.counted_data.ratings
    rows = rows[(rows["scale"] == scale.scale) & rows["value"].notna() & (rows["kind"] != "repeat")]
    names = in_order(rows["system"].unique(), [row.system for row in scale.means])
    labels = [f"{name}  n={int((rows['system'] == name).sum())}" for name in names]

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        (_violins if report.data.protocol.continuous else _stacks)(axes, report, scale.scale, rows, names)
        style.rows(axes, labels)
        explanation = (
            "each answer, and the shape of their distribution"
            if report.data.protocol.continuous
            else "share of answers"
        )
        canvas.title(axes, f"{scale.scale}: answers", report.mark, explanation)

    size = (canvas.width_of(labels) + 6.2, 1.1 + (0.5 if report.data.protocol.continuous else 0.36) * len(names))
    return canvas.draw(
        f"answers-{scale.scale}", f"Distribution of the answers on {scale.scale}{report.mark}", size, paint
    )


def _stacks(axes: Axes, report: Report, scale: str, rows: pd.DataFrame, names: list[str]) -> None:
    low, high = (int(bound) for bound in report.data.protocol.range(scale))
    points = range(low, high + 1)
    ramp = _ramp(len(points))
    for y, name in enumerate(names):
        values = rows.loc[rows["system"] == name, "value"].astype(float)
        left = 0.0
        for point, colour in zip(points, ramp, strict=True):
            share = float((values == point).mean())
            axes.barh(y, share, left=left, color=colour, height=0.72, label=str(point) if y == 0 else None)
            if share >= 0.08:
                ink = "white" if _dark(colour) else "black"
                axes.text(left + share / 2, y, f"{100 * share:.0f}", ha="center", va="center", fontsize=7.5, color=ink)
            left += share
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=8, reverse=True)


def _ramp(n: int) -> list[str]:
    from matplotlib.colors import LinearSegmentedColormap, to_hex

    ramp = LinearSegmentedColormap.from_list("answers", list(RAMP))
    return [to_hex(ramp(place)) for place in np.linspace(0, 1, n)]


def _dark(colour: str) -> bool:
    from matplotlib.colors import to_rgb

    red, green, blue = to_rgb(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.45


def _violins(axes: Axes, report: Report, scale: str, rows: pd.DataFrame, names: list[str]) -> None:
    systems = set(report.data.systems)
    for y, name in enumerate(names):
        values = rows.loc[rows["system"] == name, "value"].to_numpy(dtype=np.float64)
        colour = MAIN if name in systems else ANCHOR
        if len(values) > 2 and np.ptp(values) > 0:
            parts = axes.violinplot([values], [y], orientation="horizontal", widths=0.8, showextrema=False)
            for body in parts["bodies"]:  # type: ignore[attr-defined]
                body.set(facecolor=colour, alpha=0.25, linewidth=0)
        spread = [y + offset for offset in style.spread(len(values))]
        axes.scatter(values, spread, s=8, color=colour, alpha=0.35, linewidths=0)
        axes.plot([np.median(values)], [y], marker="|", markersize=13, markeredgewidth=2.2, color=colour)
    canvas.span(axes, report.data.protocol.range(scale))


def _raters(report: Report) -> Iterator[Drawn]:
    """Mean and spread of each rater; who answers all the same or far from the rest stands out."""
    pairwise = report.data.protocol.pairwise
    table = report.data.pairs if pairwise else report.data.ratings
    table = table[table["value"].notna() & (table["scale"] == report.data.protocol.primary)]
    if pairwise or table.empty:
        return
    included = set(report.included)
    groups = table.astype({"value": float}).groupby("rater")["value"]
    means, spreads, counts = groups.mean(), groups.std().fillna(0.0), groups.size()

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        for counted, marker, colour, label in ((True, "o", MAIN, "included"), (False, "X", style.WRONG, "excluded")):
            names = [name for name in means.index if (name in included) == counted]
            if names:
                axes.scatter(
                    means[names], spreads[names], s=10 + 2 * counts[names].to_numpy(), marker=marker, color=colour,
                    alpha=0.75, linewidths=0, label=f"{label} ({len(names)})",
                )  # fmt: skip
        for name in means.index:
            if name not in included or len(means) <= 12:
                axes.annotate(
                    str(name)[:16], (means[name], spreads[name]), (5, 4), textcoords="offset points", fontsize=7
                )
        axes.spines["left"].set_visible(True)
        axes.grid(color=style.GRID, linewidth=0.7)
        axes.set_ylim(bottom=-0.03 * max(float(spreads.max()), 1e-9))
        axes.set_ylabel("standard deviation of the rater's answers", fontsize=8)
        canvas.title(
            axes, f"Raters on {report.data.protocol.primary}", report.mark, "mean of the rater's answers; size: answers"
        )
        axes.legend(frameon=False, fontsize=8)

    yield canvas.draw("raters", f"Mean and spread of each rater's answers{report.mark}", (6.4, 4.2), paint)


def _matrix(report: Report, scale: ScaleAnalysis) -> Drawn:
    """How often the system of the row was preferred to that of the column, ties half."""
    names = in_order({name for pair in scale.outcomes for name in (pair.first, pair.second)}, _ordered(scale))
    shares = np.full((len(names), len(names)), np.nan)
    counts = np.zeros_like(shares)
    for pair in scale.outcomes:
        i, j = names.index(pair.first), names.index(pair.second)
        n = pair.first_wins + pair.second_wins + pair.ties
        counts[i, j] = counts[j, i] = n
        if n:
            shares[i, j] = (pair.first_wins + pair.ties / 2) / n
            shares[j, i] = 1 - shares[i, j]

    def paint(figure: Figure) -> None:
        from matplotlib.colors import LinearSegmentedColormap

        axes = figure.add_subplot()
        ramp = LinearSegmentedColormap.from_list("preference", ["#B35806", "#F7F7F7", "#2166AC"])
        image = axes.imshow(shares, cmap=ramp, vmin=0, vmax=1)
        for i, j in zip(*np.nonzero(counts), strict=True):
            ink = "white" if abs(shares[i, j] - 0.5) > 0.33 else "black"
            text = f"{100 * shares[i, j]:.0f} %\nn={counts[i, j]:.0f}"
            axes.text(j, i, text, ha="center", va="center", fontsize=7, color=ink)
        axes.set_xticks(range(len(names)), names, rotation=40, ha="right")
        axes.set_yticks(range(len(names)), names)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        figure.colorbar(image, ax=axes, shrink=0.8, format=lambda value, _: f"{100 * value:.0f} %")
        canvas.title(axes, f"{scale.scale}: preferred to …", report.mark, "row preferred to column, ties half")

    side = 1.6 + 0.62 * len(names)
    size = (canvas.width_of(names) + side + 0.9, canvas.width_of(names) * 0.7 + side)
    alt = f"How often each system was preferred to each other on {scale.scale}{report.mark}"
    return canvas.draw(f"preferences-{scale.scale}", alt, size, paint)


def _ordered(scale: ScaleAnalysis) -> list[str]:
    return [row.system for row in sorted(scale.strengths, key=lambda row: (not row.competitor, -(row.strength or 0)))]
