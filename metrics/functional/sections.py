"""SER, the section error rate, on lists of sections: requested against found, by labels and durations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import TypeAlias

from metrics.functional.edits import edits
from songbench.domain.errors import InputError

Segments: TypeAlias = Sequence[tuple[str, float]]
"""Labels with durations in seconds, in order of time."""

TimedSections: TypeAlias = Sequence[tuple[str, float, float]]
"""Labels with start and end in seconds, in order of time."""


@dataclass(frozen=True)
class SectionAlignment:
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


def align_sections(target: Segments, segments: Segments) -> SectionAlignment:
    """Align a plan with a song so that as little as possible is wrong.

    Every segment is aligned with one requested section, in order; a section takes any number of segments in a row,
    as its duration is free. A segment under another label than its section's is wrong for its whole duration. A
    section without any segment is charged with its own seconds.

    Args:
        target: the requested sections and what each costs when it is missing, see `missing_costs`.
        segments: the song's segments; neighbours with equal labels are taken as one.

    Returns:
        The cheapest alignment's errors (the sum of mislabelled and missing is the least possible).

    Raises:
        ValueError: for an empty plan or song, or durations that are not above 0.
    """
    segments = merged(segments)
    _, mislabelled, missing = _cheapest(target, segments)[-1][-1]
    return SectionAlignment(mislabelled, missing, sum(seconds for _, seconds in segments))


def aligned_labels(target: Segments, segments: Segments) -> tuple[list[str], Segments]:
    """What is aligned with what where `align_sections` aligns a plan with a song.

    Args:
        target: as there.
        segments: as there.

    Returns:
        For each segment the label of the requested section it is aligned with, and the requested sections that nothing
        is aligned with, with what each costs. Where several alignments cost the same it is that of them which leaves
        out the latest sections.

    Raises:
        ValueError: as there.
    """
    groups = [list(members) for _, members in groupby(segments, key=lambda segment: segment[0])]
    joined = merged(segments)
    rows = _cheapest(target, joined)
    labels: list[str] = []
    left_out: list[tuple[str, float]] = []
    i, j = len(target), len(joined)
    while i:
        label, cost = target[i - 1]
        if rows[i][j] == _plus(rows[i - 1][j], 0, cost):
            left_out.append((label, cost))
            i -= 1
            continue
        segment_label, seconds = joined[j - 1]
        labels.append(label)
        stays = _plus(rows[i][j - 1], 0.0 if segment_label == label else seconds, 0)
        i, j = i if rows[i][j] == stays else i - 1, j - 1
    labels += [target[0][0]] * j  # before the first section that has any segment: wrong under each label
    labels.reverse()
    return [label for label, group in zip(labels, groups, strict=True) for _ in group], left_out[::-1]


_Path: TypeAlias = tuple[float, float, float]
"""What an alignment costs: altogether, mislabelled and missing seconds."""


def _cheapest(target: Segments, segments: Segments) -> list[list[_Path]]:
    """For the first i sections (rows) and the first j segments (columns) what the cheapest alignment costs."""
    if not target or not segments or min(seconds for _, seconds in segments) <= 0:
        raise ValueError("A plan and a song need at least one section each, and segments a duration above 0.")
    row: list[_Path] = [(0.0, 0.0, 0.0)]
    for _, seconds in segments:
        row.append(_plus(row[-1], seconds, 0))
    rows = [row]
    for label, cost in target:
        above, row = row, [_plus(row[0], 0, cost)]
        for j, (segment_label, seconds) in enumerate(segments):
            wrong = 0.0 if segment_label == label else seconds
            row.append(min(_plus(above[j], wrong, 0), _plus(row[j], wrong, 0), _plus(above[j + 1], 0, cost)))
        rows.append(row)
    return rows


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
    share = total / len(label_order(sections))
    groups = groupby(sections, key=lambda section: section[0])
    return [(tag, sum(seconds or 0.0 for _, seconds in members) or share) for tag, members in groups]


def merged(segments: Segments) -> list[tuple[str, float]]:
    """Neighbours with equal labels made one."""
    return [(label, sum(seconds for _, seconds in members)) for label, members in groupby(segments, key=lambda s: s[0])]


def label_order(sections: Sequence[tuple[str, float | None]]) -> list[str]:
    """The labels of sections in order, neighbours with equal labels as one."""
    return [label for label, _ in groupby(sections, key=lambda section: section[0])]


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


def label_error(reference: TimedSections, estimated: TimedSections) -> float:
    """The share of the time under true sections in which the estimated label is another.

    Args:
        reference: true (label, start, end) in seconds.
        estimated: found (label, start, end) in seconds.

    Returns:
        In %, 0 to 100.
    """
    edges = sorted({time for _, start, end in [*reference, *estimated] for time in (start, end)})
    right = labelled = 0.0
    for start, end in pairwise(edges):
        truth = _label_at(reference, (start + end) / 2)
        if truth is not None:
            labelled += end - start
            right += (end - start) * (truth == _label_at(estimated, (start + end) / 2))
    return 100 * (1 - right / labelled) if labelled else 0.0


def _label_at(sections: TimedSections, time: float) -> str | None:
    return next((label for label, start, end in sections if start <= time < end), None)


@dataclass(frozen=True, kw_only=True)
class SectionErrors:
    """How the sections found in a song differ from the requested ones.

    Attributes:
        ser: the section error rate in %, 0 to 100: mislabelled and missing over all seconds, capped; 100 for a song in
            which nothing was found.
        order_error: edit distance of the label sequences over the number of requested labels, in %, >= 0.
        mislabelled: seconds under another label than that of the requested section they are aligned with.
        missing: seconds charged for requested sections that nothing was aligned with.
        total: seconds of the song, as far as sections cover it.
    """

    ser: float
    order_error: float
    mislabelled: float
    missing: float
    total: float


def section_errors(requested: Sequence[tuple[str, float | None]], sections: TimedSections) -> SectionErrors:
    """What `ser` gives, for sections that are known to be well-formed.

    Args:
        requested: tag and seconds (None: free) of each section of the lyrics, in order; at least one.
        sections: label, start and end in seconds of each section of the song, in order; may be empty.
    """
    alignment = _alignment(requested, sections)
    order = label_order(requested)
    distance = edits(order, label_order([(label, end - start) for label, start, end in sections])).total
    return SectionErrors(
        ser=alignment.percent if sections else 100.0,
        order_error=100.0 * distance / len(order),
        mislabelled=alignment.mislabelled,
        missing=alignment.missing,
        total=alignment.total,
    )


def section_error_rate(requested: Sequence[tuple[str, float | None]], sections: TimedSections) -> float:
    """The rate of `section_errors` alone, in %, for sections that are not empty."""
    return _alignment(requested, sections).percent


def section_alignment(
    requested: Sequence[tuple[str, float | None]], sections: TimedSections
) -> tuple[list[str], Segments]:
    """What is aligned with what in `section_errors`: `aligned_labels` of these sections, none where there are none."""
    segments = [(label, end - start) for label, start, end in sections]
    total = sum(seconds for _, seconds in segments)
    return aligned_labels(missing_costs(requested, total), segments) if segments else ([], [])


def _alignment(requested: Sequence[tuple[str, float | None]], sections: TimedSections) -> SectionAlignment:
    segments = [(label, end - start) for label, start, end in sections]
    total = sum(seconds for _, seconds in segments)
    return align_sections(missing_costs(requested, total), segments) if segments else SectionAlignment(0, 0, 0)


def ser(requested: Sequence[str | tuple[str, float | None]], sections: TimedSections) -> SectionErrors:
    """The section error rate of a song, as the metrics ``ser@…`` have it.

    SER = 100 · (mislabelled + missing seconds) / seconds of the song, at most 100 %. Of all alignments that keep the
    order, the one with the least error counts (`align_sections`); durations are free, and neighbours with equal labels
    are one section. A requested section that the song lacks costs the seconds that were requested for it, or an equal
    share of the song where none were.

    Args:
        requested: the tags of the lyrics' sections in order, each alone or with its requested seconds (None: free).
        sections: label, start and end in seconds of the sections found in the song, in order and without overlap, in
            the labels of `requested`; time between them is left out. Empty: nothing was found.

    Returns:
        The rate with its parts.

    Raises:
        InputError: nothing is requested, seconds are negative or not finite, or sections overlap, are out of order or
            last no time.

    Source: the measure of SongBloom (arXiv 2506.07634), with free section durations.

    Example:
        10 of 60 s are under a wrong label; nothing is missing.

        >>> errors = ser(
        ...     [("intro", 8.0), "verse", "chorus"],
        ...     [("intro", 0, 10), ("verse", 10, 30), ("inst", 30, 40), ("chorus", 40, 60)],
        ... )
        >>> print(f"{errors.ser:.1f} % {errors.mislabelled:.0f} s {errors.missing:.0f} s")
        16.7 % 10 s 0 s
    """
    plan = [(part, None) if isinstance(part, str) else part for part in requested]
    if not plan:
        raise InputError("No section is requested; the section error rate needs at least one.")
    for tag, seconds in plan:
        if seconds is not None and not 0 <= seconds < math.inf:
            raise InputError(f"The requested seconds of '{tag}' must be at least 0 and finite, not {seconds}.")
    previous = -math.inf
    for label, start, end in sections:
        if not previous <= start < end < math.inf:
            raise InputError(
                f"The section '{label}' from {start} to {end} s overlaps the one before, is out of order or"
                " lasts no time."
            )
        previous = end
    return section_errors(plan, sections)
