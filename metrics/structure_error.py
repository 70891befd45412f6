"""Comparison of a requested section plan with the sections found in a song: pure functions on labels and durations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

Segments = Sequence[tuple[str, float]]
"""Labels with durations in seconds, in order of time."""


@dataclass(frozen=True)
class StructureError:
    """How a song's sections differ from the plan.

    Attributes:
        mislabelled: seconds of the song whose label is not that of the section they are aligned with.
        missing: seconds charged for requested sections that nothing in the song was aligned with.
        total: seconds of the song.
    """

    mislabelled: float
    missing: float
    total: float

    @property
    def percent(self) -> float:
        """The section error rate in %: mislabelled plus missing over total, 0 to 100 (capped)."""
        return min(100.0, 100 * (self.mislabelled + self.missing) / self.total)


def structure_error(target: Segments, found: Segments) -> StructureError:
    """Align a plan with a song so that as little as possible is wrong.

    Every found segment is aligned with one requested section, in order; a section takes any number of segments in a
    row, as its duration is free. A segment under another label than its section's is wrong for its whole duration. A
    section without any segment is charged with its own seconds.

    Args:
        target: the requested sections and what each costs when it is missing, see `missing_costs`.
        found: the song's segments; neighbours with equal labels are taken as one.

    Returns:
        The cheapest alignment's errors (the sum of mislabelled and missing is the least possible).

    Raises:
        ValueError: for an empty plan or song, or durations that are not above 0.
    """
    segments = merged(found)
    if not target or not segments or min(seconds for _, seconds in segments) <= 0:
        raise ValueError("A plan and a song need at least one section each, and segments a duration above 0.")
    # row[j]: the cheapest (cost, mislabelled, missing) with the sections so far and the first j segments.
    row = [(0.0, 0.0, 0.0)]
    for _, seconds in segments:
        row.append(_plus(row[-1], seconds, 0))
    for label, cost in target:
        above, row = row, [_plus(row[0], 0, cost)]
        for j, (heard, seconds) in enumerate(segments):
            wrong = 0.0 if heard == label else seconds
            row.append(min(_plus(above[j], wrong, 0), _plus(row[j], wrong, 0), _plus(above[j + 1], 0, cost)))
    _, mislabelled, missing = row[-1]
    return StructureError(mislabelled, missing, sum(seconds for _, seconds in segments))


def _plus(path: tuple[float, float, float], mislabelled: float, missing: float) -> tuple[float, float, float]:
    return path[0] + mislabelled + missing, path[1] + mislabelled, path[2] + missing


def missing_costs(sections: Sequence[tuple[str, float | None]], total: float) -> list[tuple[str, float]]:
    """What each section of a plan costs when the song lacks it.

    A section with a requested duration costs that; the others cost an equal share of the song each, `total` over the
    number of sections. Neighbours with equal labels are one section: where one verse ends and the next begins is no
    question of labels.

    Args:
        sections: tag and requested seconds (None: free) in order.
        total: seconds of the song.
    """
    share = total / len(merged([(tag, 1.0) for tag, _ in sections]))
    groups = groupby(sections, key=lambda section: section[0])
    return [(tag, sum(seconds or 0.0 for _, seconds in members) or share) for tag, members in groups]


def merged(segments: Segments) -> list[tuple[str, float]]:
    """Neighbours with equal labels made one."""
    return [(label, sum(seconds for _, seconds in same)) for label, same in groupby(segments, key=lambda s: s[0])]


def boundary_f(reference: Sequence[float], estimated: Sequence[float], window: float = 3.0) -> float:
    """F-measure of boundary times: the harmonic mean of precision and recall.

    A boundary is hit when the other side has one within `window`; each boundary is used once.

    Args:
        reference: true times in seconds, sorted, without the song's start and end.
        estimated: found times, likewise.
        window: tolerance in seconds.

    Returns:
        In [0, 1]; 1 when both are empty, 0 when one is.

    Source: Turnbull et al., ISMIR 2007; the measure is that of ``mir_eval.segment.detection`` with trimmed ends.
    """
    if not reference or not estimated:
        return float(len(reference) == len(estimated))
    hits, i, j = 0, 0, 0
    # On a line, taking the earliest possible pair each time gives the largest matching.
    while i < len(reference) and j < len(estimated):
        if abs(reference[i] - estimated[j]) <= window:
            hits, i, j = hits + 1, i + 1, j + 1
        elif reference[i] < estimated[j]:
            i += 1
        else:
            j += 1
    return 2 * hits / (len(reference) + len(estimated))


def label_error(reference: Sequence[tuple[str, float, float]], found: Sequence[tuple[str, float, float]]) -> float:
    """The share of the time under true sections in which the found label is another.

    Args:
        reference: true (label, start, end) in seconds.
        found: found (label, start, end) in seconds.

    Returns:
        In %, 0 to 100.
    """
    edges = sorted({time for _, start, end in [*reference, *found] for time in (start, end)})
    right = known = 0.0
    for start, end in pairwise(edges):
        truth = _label_at(reference, (start + end) / 2)
        if truth is not None:
            known += end - start
            right += (end - start) * (truth == _label_at(found, (start + end) / 2))
    return 100 * (1 - right / known) if known else 0.0


def _label_at(sections: Sequence[tuple[str, float, float]], time: float) -> str | None:
    return next((label for label, start, end in sections if start <= time < end), None)
