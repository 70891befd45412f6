"""Metrics beside people as figures: coefficients with the human ceiling, and songs as points."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from listening_test.reporting import canvas
from listening_test.reporting.agreement import MetricAgreement, ScaleAgreement
from listening_test.reporting.canvas import ANCHOR, MAIN, Drawn
from listening_test.reporting.facts import Report
from songbench.reporting.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_SCATTERED = 9
"""Metrics drawn as scatter plots for each scale: those that agree best."""


def agreement_figures(report: Report) -> Iterator[Drawn]:
    """For each scale the coefficients of every headline field and the songs behind the best of them."""
    for scale in sorted(report.agreement, key=lambda scale: scale.scale != report.data.protocol.primary):
        metrics = [metric for metric in scale.metrics if metric.headline and metric.direction != "none"]
        pairwise = report.data.protocol.pairwise
        rated = [
            metric for metric in metrics if (metric.accuracy if pairwise else metric.items.pearson).value is not None
        ]
        if rated:
            yield _coefficients(report, scale, rated)
        points = [metric for metric in rated if metric.points]
        if points:
            yield _scatter(report, scale, sorted(points, key=lambda metric: -(metric.items.pearson.value or 0)))


def _coefficients(report: Report, scale: ScaleAgreement, metrics: Sequence[MetricAgreement]) -> Drawn:
    labels = [f"{metric.column}{'†' if metric.conflicts else ''}" for metric in metrics]
    pairwise = report.data.protocol.pairwise

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        neutral = 0.5 if pairwise else 0.0
        axes.axvline(neutral, color=style.FAINT, linewidth=0.8)
        _ceiling(axes, scale, pairwise)
        for y, metric in enumerate(metrics):
            agreement = metric.accuracy if pairwise else metric.items.pearson
            if agreement.value is not None:
                colour = ANCHOR if metric.conflicts else MAIN
                style.dot(axes, y, agreement.value, agreement.low, agreement.high, colour)
        style.rows(axes, labels)
        axes.set_xlim(0 if pairwise else min(-0.25, *(metric.items.pearson.low or 0 for metric in metrics)) - 0.02, 1)
        explanation = "pairs in which metric and people prefer the same" if pairwise else "Pearson's r over songs"
        canvas.title(axes, f"{scale.scale}: metrics and people", report.mark, explanation)

    size = (canvas.width_of(labels) + 5.2, 1.25 + 0.34 * len(metrics))
    alt = f"Agreement of metrics with people on {scale.scale}, with the human ceiling{report.mark}"
    return canvas.draw(f"agreement-{scale.scale}", alt, size, paint)


def _ceiling(axes: Axes, scale: ScaleAgreement, pairwise: bool) -> None:
    """The band between one rater and a perfect predictor; for pairs, what two people reach."""
    ceiling = scale.ceiling
    if pairwise:
        if ceiling.accuracy is not None:
            axes.axvline(ceiling.accuracy, color=style.RIGHT, linewidth=1.6, linestyle="--", label="two people")
            axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8)
    elif ceiling.one_rater is not None and ceiling.perfect is not None:
        ends = sorted((ceiling.one_rater, ceiling.perfect))
        axes.axvspan(*ends, color=style.RIGHT, alpha=0.18, linewidth=0, label="people: one rater\nto perfect predictor")
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8)


def _scatter(report: Report, scale: ScaleAgreement, metrics: Sequence[MetricAgreement]) -> Drawn:
    scattered = metrics[:MOST_SCATTERED]
    across = min(3, len(scattered))
    down = -(-len(scattered) // across)
    systems = [
        name for name in report.data.systems if any(name == point[0] for metric in scattered for point in metric.points)
    ]

    def paint(figure: Figure) -> None:
        panels = figure.subplots(down, across, squeeze=False)
        for place, axes in enumerate(panels.flat):
            if place < len(scattered):
                _panel(axes, report, scale.scale, scattered[place], systems)
            else:
                axes.set_visible(False)
        handles, names = panels.flat[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=min(len(names), 4), frameon=False, fontsize=8)
        figure.suptitle(f"{scale.scale}: songs{report.mark}", x=0.01, ha="left", fontsize=10, fontweight="bold")

    more = f", the {len(scattered)} that agree best" if len(metrics) > len(scattered) else ""
    alt = f"Score of each song and mean rating on {scale.scale}{more}{report.mark}"
    return canvas.draw(f"songs-{scale.scale}", alt, (0.4 + 2.9 * across, 0.9 + 2.5 * down), paint)


def _panel(axes: Axes, report: Report, scale: str, metric: MetricAgreement, systems: Sequence[str]) -> None:
    for number, system in enumerate(systems):
        colour, marker = style.look(number)
        points = [point for point in metric.points if point[0] == system]
        axes.scatter(
            [point[1] for point in points], [point[2] for point in points], s=16, alpha=0.7, linewidths=0,
            color=colour, marker=marker, label=system,
        )  # fmt: skip
    low, high = report.data.protocol.range(scale)
    margin = 0.03 * (high - low)
    axes.set_ylim(low - margin, high + margin)
    axes.spines["left"].set_visible(True)
    axes.grid(color=style.GRID, linewidth=0.6)
    arrow = {"higher": "↑", "lower": "↓", "none": ""}[metric.direction]
    axes.set_title(f"{metric.column} {arrow}  r = {metric.items.pearson.value:.2f}", fontsize=8.5)
    axes.tick_params(labelsize=7.5)
    axes.set_ylabel("mean rating", fontsize=7.5)
