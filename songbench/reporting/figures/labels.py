"""Names beside points, where they cover neither points nor each other, as far as there is room."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from songbench.reporting.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DIRECTIONS = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1))
"""From a point, in the order of preference: right, left, above, below, then the corners."""
_DISTANCES = (1.0, 2.4, 4.0, 6.0)
"""In sizes of a point's mark; labels further than the first have a line to their point."""


class _Box(NamedTuple):
    left: float
    bottom: float
    right: float
    top: float

    def overlap(self, box: _Box) -> float:
        width = min(self.right, box.right) - max(self.left, box.left)
        height = min(self.top, box.top) - max(self.bottom, box.bottom)
        return width * height if width > 0 and height > 0 else 0.0

    @property
    def area(self) -> float:
        return (self.right - self.left) * (self.top - self.bottom)


def place_labels(
    axes: Axes,
    names: Sequence[str],
    places: Sequence[tuple[float, float]],
    points: float,
    reach: float,
    lines: Sequence[Sequence[tuple[float, float]]] = (),
) -> None:
    """Write each name near its point; call it when the limits of the axes are set, inside `style.drawing`.

    Args:
        axes: where the points are.
        names: what to write.
        places: the points, in data coordinates.
        points: size of the text.
        reach: from the middle of a point to the end of its mark, in points.
        lines: upright or level ones that are better not covered, each by its two ends in data coordinates.
    """
    scale = 72 / axes.figure.dpi
    frame = _Box(*(scale * x for x in axes.get_window_extent().extents))
    centres = [_in_points(axes, place) for place in places]
    marks = [_around([centre], reach) for centre in centres]
    thin = [_around([_in_points(axes, end) for end in line], 1.0) for line in lines]
    labels: list[_Box] = []
    for name, place, (x, y) in zip(names, places, centres, strict=True):
        text = style.shortened(name, 0.4 * (frame.right - frame.left) / 72, points)
        width, height = 72 * style.inches(text, points), 1.15 * points
        choices = []
        for distance in _DISTANCES:
            for rank, (right, up) in enumerate(_DIRECTIONS):
                step = distance * (reach + 2.5) * (0.75 if right and up else 1)
                middle = (x + right * (step + width / 2), y + up * (step + height / 2))
                box = _Box(middle[0] - width / 2, middle[1] - height / 2, middle[0] + width / 2, middle[1] + height / 2)
                covered = sum(box.overlap(other) for other in [*marks, *labels, *thin]) + (
                    box.area - box.overlap(frame)
                )
                choices.append((covered, distance, rank, box))
        _, distance, _, box = min(choices)
        labels.append(box)
        middle = ((box.left + box.right) / 2 - x, (box.bottom + box.top) / 2 - y)
        axes.annotate(text, place, middle, textcoords="offset points", ha="center", va="center_baseline", size=points)
        if distance > 1:
            _join(axes, (x, y), box, reach)


def _join(axes: Axes, centre: tuple[float, float], box: _Box, reach: float) -> None:
    """A thin line from the mark of a point to the nearest place of its label."""
    x, y = centre
    end = (min(max(x, box.left), box.right), min(max(y, box.bottom), box.top))
    part = min(1.0, reach / max(math.dist(centre, end), 1e-9))
    start = (x + part * (end[0] - x), y + part * (end[1] - y))
    scale = axes.figure.dpi / 72
    ends = axes.transData.inverted().transform([[scale * value for value in place] for place in (start, end)])
    axes.plot(*zip(*ends, strict=True), color=style.LINE, linewidth=0.7)


def _in_points(axes: Axes, place: tuple[float, float]) -> tuple[float, float]:
    x, y = axes.transData.transform(place) * 72 / axes.figure.dpi
    return float(x), float(y)


def _around(places: Sequence[tuple[float, float]], reach: float) -> _Box:
    across, up = [x for x, _ in places], [y for _, y in places]
    return _Box(min(across) - reach, min(up) - reach, max(across) + reach, max(up) + reach)
