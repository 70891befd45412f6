"""Distances between sets of songs, extrapolated to infinitely many songs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Extrapolation:
    """A value extrapolated to infinitely many songs.

    Attributes:
        value: the intercept of the line.
        slope: its slope over 1/n.
        r2: the share of the variance the line explains, in [0, 1]; low: the extrapolation is not to be trusted.
        points: (number of songs, mean value) of each subset size.
    """

    value: float
    slope: float
    r2: float
    points: tuple[tuple[int, float], ...]


def extrapolate(
    value: Callable[[Sequence[int]], float], order: Sequence[int], *, sizes: int = 5, draws: int = 6
) -> Extrapolation | None:
    """Remove the bias that a value has because it rests on few songs, by a straight line over 1/n.

    Subsets of n/2 to n songs are drawn without replacement as windows of `order`, closed to a ring, with starts evenly
    spaced, so that every song is in about equally many of them. The same order with a song taken out gives subsets that
    differ by one song at most, so leave-one-out values differ by the song and not by the luck of the draw.

    Args:
        value: the value of a subset, given as song numbers.
        order: all song numbers in random order (draw it with a recorded seed).
        sizes: how many subset sizes at most, evenly spaced in 1/n.
        draws: how many subsets of each size at most.

    Returns:
        The extrapolation, or None with fewer than 3 songs.

    Source: Chong and Forsyth, "Effectively unbiased FID and Inception Score", CVPR 2020; for audio Gui et al.,
    "Adapting Fréchet Audio Distance for generative music evaluation", ICASSP 2024. They draw vectors; here songs are
    drawn, as the vectors of one song depend on each other.
    """
    n = len(order)
    if n < 3:
        return None
    set_sizes = sorted({max(2, round(1 / x)) for x in np.linspace(1 / n, 2 / n, sizes)})
    ring = [*order, *order]
    points = []
    for size in set_sizes:
        starts = [0] if size == n else [k * n // min(draws, n) for k in range(min(draws, n))]
        points.append((size, float(np.mean([value(ring[start : start + size]) for start in starts]))))
    return _line([(size, 1 / size, mean) for size, mean in points])


def partitions(order: Sequence[int], levels: int = 3) -> list[list[list[int]]]:
    """All songs in one part, in two parts, in three … of equal size.

    Args:
        order: all song numbers in random order (draw it with a recorded seed).
        levels: into how many parts at most.
    """
    return [[list(order[k * len(order) // level : (k + 1) * len(order) // level]) for k in range(level)]
            for level in range(1, levels + 1)]  # fmt: skip


def extrapolate_parts(
    value: Callable[[tuple[int, ...]], float], parts: Sequence[Sequence[Sequence[int]]], without: Collection[int] = ()
) -> Extrapolation:
    """What `extrapolate` does, from few subsets, for values that take long to compute.

    The subsets are the parts of `partitions`. Leaving songs of one prompt out changes one part of each partition as
    long as they lie in one; with a `value` that remembers what it was asked, leave-one-out costs one value per
    partition and prompt. Fewer subsets scatter more than the windows of `extrapolate` do.

    Args:
        value: the value of a subset, given as song numbers.
        parts: partitions of all songs, at least two.
        without: songs to leave out; a part they make up entirely is dropped.

    Source: as `extrapolate`.
    """
    points = []
    for partition in parts:
        left = [songs for part in partition if (songs := tuple(i for i in part if i not in without))]
        sizes = [len(part) for part in left]
        share = float(np.mean([1 / size for size in sizes]))
        points.append((round(float(np.mean(sizes))), share, float(np.mean([value(part) for part in left]))))
    return _line(points)


def _line(points: Sequence[tuple[int, float, float]]) -> Extrapolation:
    """The straight line through (size, mean of 1/size, value)."""
    x, y = np.array([share for _, share, _ in points]), np.array([value for *_, value in points])
    slope, intercept = np.polyfit(x, y, 1)
    left, spread = float(((y - intercept - slope * x) ** 2).sum()), float(((y - y.mean()) ** 2).sum())
    means = tuple((size, value) for size, _, value in points)
    return Extrapolation(float(intercept), float(slope), 1 - left / spread if spread > 0 else 1.0, means)
