"""Charts of the administration as inline SVG, each with its figures as a table. No library, no script.

Colours follow the page's light or dark theme; series are told apart by order and by a legend with numbers, not by
colour alone (Okabe and Ito's palette).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

COLOURS = ("#0072b2", "#56b4e9", "#e69f00", "#d55e00", "#8a8f98")
_WIDTH, _LEFT, _RIGHT = 400.0, 34.0, 8.0
_TOP, _PLOT, _BOTTOM = 10.0, 130.0, 34.0
_MOST_LABELS = 12
_WIDEST = 44.0
_ROW, _NAMES = 24.0, 110.0

STYLE = """<style>
.listening-charts { display: grid; gap: 16px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 340px), 1fr)); }
.listening-charts figure { margin: 0; padding: 14px 16px; border: 1px solid var(--border-color-primary);
  border-radius: 10px; background: var(--block-background-fill); color: var(--body-text-color); min-width: 0; }
.listening-charts h3 { margin: 0 0 2px !important; font-size: 1rem; font-weight: 650; color: inherit; }
.listening-charts p { margin: 0 0 8px; color: var(--body-text-color-subdued); font-size: .9rem; }
.listening-charts svg { display: block; width: 100%; max-width: 520px; height: auto; }
.listening-charts svg text { fill: var(--body-text-color); font: 12px system-ui, sans-serif; }
.listening-charts svg .axis { stroke: var(--body-text-color-subdued); stroke-width: 1; fill: none; }
.listening-charts svg .limit { stroke: var(--body-text-color); stroke-width: 1.5; stroke-dasharray: 4 3; }
.listening-charts svg .point { fill: var(--body-text-color); }
.listening-charts .legend { display: flex; flex-wrap: wrap; gap: 2px 14px; margin: 6px 0; font-size: .9rem; }
.listening-charts .legend i { display: inline-block; width: 11px; height: 11px; margin-right: 6px; border-radius: 2px; }
.listening-charts details { font-size: .9rem; }
.listening-charts summary { min-height: 32px; padding: 6px 0; cursor: pointer; color: var(--body-text-color-subdued); }
.listening-charts .scroll { max-height: 320px; overflow: auto; }
.listening-charts table { margin: 0 !important; border-collapse: collapse; }
.listening-charts :is(table, thead, tbody, tr) { border: 0 !important; background: none !important; }
.listening-charts table :is(th, td) { padding: 2px 14px 2px 0 !important; border: 0 !important; text-align: right;
  white-space: nowrap; font-size: .88rem; font-variant-numeric: tabular-nums; }
.listening-charts table :is(th, td):first-child { text-align: left; }
@media (max-width: 640px) { .listening-charts svg text { font-size: 16px; } }
</style>"""


@dataclass(frozen=True)
class Series:
    """One colour of a chart.

    Attributes:
        name: in the legend.
        values: one per label of the chart, 0 or more.
    """

    name: str
    values: tuple[float, ...]


def board(figures: Sequence[str]) -> str:
    """All charts of a page, with their style."""
    return f'{STYLE}<div class="listening-charts">{"".join(figures)}</div>'


def columns(
    title: str,
    note: str,
    labels: Sequence[str],
    series: Sequence[Series],
    *,
    axis: str = "",
    limit: float | None = None,
) -> str:
    """Columns of whole numbers, the series stacked.

    Args:
        title: what it shows.
        note: how to read it, in a sentence.
        labels: under the columns, in order.
        series: stacked from the bottom up.
        axis: what the labels are, the heading of the table's first column.
        limit: a vertical line before the column with this number (0-based), such as a declared limit.
    """
    totals = [sum(one.values[n] for one in series) for n in range(len(labels))]
    top = _nice(max(totals, default=0))
    step = (_WIDTH - _LEFT - _RIGHT) / max(1, len(labels))
    parts = [_grid(top)]
    for n in range(len(labels)):
        height = 0.0
        for colour, part in zip(COLOURS, series, strict=False):
            value = part.values[n]
            if value:
                width = min(_WIDEST, max(1.0, step - min(6.0, step / 4)))
                x = _LEFT + n * step + (step - width) / 2
                y, tall = _y(height + value, top), value / top * _PLOT
                parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{tall:.1f}" fill="{colour}"/>')
            height += value
    if limit is not None:
        x = _LEFT + limit * step
        parts.append(f'<line class="limit" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_TOP + _PLOT}"/>')
    parts.append(_labels(labels, step))
    rows = [[label, *(_text(one.values[n]) for one in series)] for n, label in enumerate(labels)]
    legend = _legend(series) if len(series) > 1 else ""
    return _figure(title, note, "".join(parts), legend, [axis, *(one.name for one in series)], rows)


def bars(title: str, note: str, labels: Sequence[str], values: Sequence[float], axis: str) -> str:
    """Lying bars of whole numbers, each with its name and its number.

    Args:
        title: what it shows.
        note: how to read it.
        labels: the names.
        values: one per label, 0 or more.
        axis: what the labels are.
    """
    longest, room = max((*values, 1.0)), _WIDTH - _NAMES - 40
    parts = []
    for n, (label, value) in enumerate(zip(labels, values, strict=True)):
        y, width = n * _ROW + 4, value / longest * room
        parts.append(
            f'<text x="0" y="{y + 13:.0f}">{escape(label)}</text>'
            f'<rect x="{_NAMES:.0f}" y="{y:.0f}" width="{max(width, 1.0):.1f}" height="{_ROW - 7:.0f}"'
            f' fill="{COLOURS[n % len(COLOURS)]}"/>'
            f'<text x="{_NAMES + width + 6:.1f}" y="{y + 13:.0f}">{_text(value)}</text>'
        )
    rows = [[label, _text(value)] for label, value in zip(labels, values, strict=True)]
    return _figure(title, note, "".join(parts), "", [axis, "number"], rows, height=len(labels) * _ROW + 4)


def spreads(
    title: str, note: str, labels: Sequence[str], quartiles: Sequence[tuple[float, float, float]], axis: str
) -> str:
    """A point with a bar for each label: median and the middle half.

    Args:
        title: what it shows.
        note: how to read it.
        labels: under the points.
        quartiles: lower quartile, median and upper quartile of each; NaN where there is nothing.
        axis: what the labels are.
    """
    top = _nice(max((upper for _, _, upper in quartiles if not math.isnan(upper)), default=0))
    step = (_WIDTH - _LEFT - _RIGHT) / max(1, len(labels))
    parts = [_grid(top)]
    for n, (lower, median, upper) in enumerate(quartiles):
        if not math.isnan(median):
            x = _LEFT + (n + 0.5) * step
            low, high = _y(lower, top), _y(upper, top)
            width = min(10.0, max(2.0, step * 0.5))
            parts.append(
                f'<rect x="{x - width / 2:.1f}" y="{high:.1f}" width="{width:.1f}" height="{max(1.0, low - high):.1f}"'
                f' fill="{COLOURS[1]}"/><circle class="point" cx="{x:.1f}" cy="{_y(median, top):.1f}" r="2.6"/>'
            )
    parts.append(_labels(labels, step))
    rows = [
        [label, *("—" if math.isnan(value) else f"{value:.0f}" for value in row)]
        for label, row in zip(labels, quartiles, strict=True)
    ]
    return _figure(title, note, "".join(parts), "", [axis, "lower quartile", "median", "upper quartile"], rows)


def listing(title: str, note: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in the place of a chart, shown openly."""
    return f"<figure><h3>{escape(title)}</h3><p>{escape(note)}</p>{_table(title, headings, rows)}</figure>"


def remark(title: str, text: str) -> str:
    """Why there is no chart."""
    return f"<figure><h3>{escape(title)}</h3><p>{escape(text)}</p></figure>"


def _figure(
    title: str,
    note: str,
    drawing: str,
    legend: str,
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    height: float = _TOP + _PLOT + _BOTTOM,
) -> str:
    box, label = f"0 0 {_WIDTH:.0f} {height:.0f}", f"{escape(title)}; the table below has the figures"
    return (
        f"<figure><h3>{escape(title)}</h3><p>{escape(note)}</p>"
        f'<svg viewBox="{box}" role="img" aria-label="{label}">{drawing}</svg>{legend}'
        f"<details><summary>As a table</summary>{_table(title, headings, rows)}</details></figure>"
    )


def _table(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in headings)
    body = "".join("<tr>" + "".join(f"<td>{escape(text)}</td>" for text in row) + "</tr>" for row in rows)
    table = f'<table aria-label="{escape(title)}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return f'<div class="scroll" tabindex="0">{table}</div>'


def _legend(series: Sequence[Series]) -> str:
    marks = "".join(
        f'<span><i style="background: {colour}"></i>{escape(part.name)}: {_text(sum(part.values))}</span>'
        for colour, part in zip(COLOURS, series, strict=False)
    )
    return f'<div class="legend">{marks}</div>'


def _grid(top: float) -> str:
    marks = [
        f'<text x="{_LEFT - 6}" y="{_y(value, top) + 4:.1f}" text-anchor="end">{_text(value)}</text>'
        for value in (0.0, top / 2, top)
        if value == int(value)
    ]
    axis = f"M{_LEFT} {_TOP}V{_TOP + _PLOT}H{_WIDTH - _RIGHT}"
    return f'<path class="axis" d="{axis}"/>{"".join(marks)}'


def _labels(labels: Sequence[str], step: float) -> str:
    """As many labels as fit, the first always."""
    longest = max((len(label) for label in labels), default=1)
    room = max(1, math.floor((_WIDTH - _LEFT) / (7.0 * longest + 8)))
    stride = math.ceil(len(labels) / min(room, _MOST_LABELS)) or 1
    y = _TOP + _PLOT + 18
    return "".join(
        f'<text x="{_LEFT + (n + 0.5) * step:.1f}" y="{y:.1f}" text-anchor="middle">{escape(label)}</text>'
        for n, label in enumerate(labels)
        if n % stride == 0
    )


def _y(value: float, top: float) -> float:
    return _TOP + _PLOT - value / top * _PLOT


def _nice(value: float) -> float:
    """The end of the axis: the next even number of the form 2, 4, 6, 10 times a power of ten."""
    if value <= 2:
        return 2.0
    power = 10.0 ** math.floor(math.log10(value))
    return float(next(step * power for step in (1, 2, 4, 6, 10) if step * power >= value))


def _text(value: float) -> str:
    return f"{value:.0f}"
