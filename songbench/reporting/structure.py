"""Which sections were asked for and which were found instead, in seconds, from what metrics of structure store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from songbench.contracts.cards import MetricCard
from songbench.domain.score import Scores
from songbench.domain.tags import TAGS
from songbench.execution.results import MetricResults, RunResults

FIELD = "ser"
"""The field whose metrics store with each song what they found (``found``: tag, start, end), the requested section that
each of these is aligned with (``aligned``), and the requested ones that the song lacks (``left_out``: tag, seconds)."""


@dataclass(frozen=True, kw_only=True)
class StructureTable:
    """The sections of one system's songs, as one metric found them.

    Attributes:
        metric: which found them.
        system: whose songs.
        n: songs behind it.
        seconds: how long what was asked for (first) was found as what (second).
        missing: for how long what was asked for is missing: the seconds requested, or an equal share of the song.
    """

    metric: MetricCard
    system: str
    n: int
    seconds: Mapping[tuple[str, str], float]
    missing: Mapping[str, float]

    @property
    def requested(self) -> tuple[str, ...]:
        """The tags that were asked for, in the order of `songbench.domain.tags.TAGS`."""
        tags = {tag for tag, _ in self.seconds} | set(self.missing)
        return tuple(tag for tag in TAGS if tag in tags)

    @property
    def labels(self) -> tuple[str, ...]:
        """The tags that were found, in the same order."""
        tags = {label for _, label in self.seconds}
        return tuple(tag for tag in TAGS if tag in tags)

    def share(self, tag: str, label: str | None) -> float | None:
        """How much of the time under a requested tag was found under a label, or is missing (None), in [0, 1].

        None where the tag was not asked for.
        """
        total = sum(time for (asked, _), time in self.seconds.items() if asked == tag) + self.missing.get(tag, 0.0)
        if not total:
            return None
        return (self.missing.get(tag, 0.0) if label is None else self.seconds.get((tag, label), 0.0)) / total


def structure_tables(results: RunResults) -> tuple[StructureTable, ...]:
    """For each metric of structure and each system whose songs it aligned: the table, in the order of the run.

    Songs that were scored before metrics stored alignments have no part in it.
    """
    metrics = [metric for metric in results.metrics if any(field.name == FIELD for field in metric.card.fields)]
    tables = (_table(metric, card.name) for metric in metrics for card in results.systems)
    return tuple(table for table in tables if table is not None)


def _table(metric: MetricResults, system: str) -> StructureTable | None:
    verdicts = [verdict for song, verdict in sorted(metric.songs.items()) if song.system == system]
    details: list[Mapping[str, Any]] = [verdict.detail for verdict in verdicts if isinstance(verdict, Scores)]
    details = [detail for detail in details if "aligned" in detail and "left_out" in detail]
    if not details:
        return None
    seconds: Counter[tuple[str, str]] = Counter()
    missing: Counter[str] = Counter()
    for detail in details:
        for tag, (label, start, end) in zip(detail["aligned"], detail["found"], strict=True):
            seconds[tag, label] += end - start
        for tag, cost in detail["left_out"]:
            missing[tag] += cost
    return StructureTable(metric=metric.card, system=system, n=len(details), seconds=seconds, missing=missing)
