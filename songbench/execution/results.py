"""What a run has stored so far, gathered for reporting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from songbench.contracts.cards import Availability, MetricCard, SystemCard
from songbench.contracts.metric import Verdict
from songbench.domain.song import Failure
from songbench.domain.suite import Suite


class SongId(NamedTuple):
    """One song of a run."""

    system: str
    prompt: str
    take: int


SongState: TypeAlias = Literal["done", "pending"] | Failure
"""Stored, not made yet, or failed (and why)."""


@dataclass(frozen=True)
class MetricResults:
    """Everything one metric said in a run.

    Attributes:
        card: the metric.
        availability: not ready: no verdicts, and the reason and cure are shown instead.
        songs: song metrics: the verdict on each song; absent: not scored yet, or the song itself failed.
        sets: set metrics: the verdict on each system.
        of_sets: whether it judges sets; known even before the first verdict.
    """

    card: MetricCard
    availability: Availability
    songs: Mapping[SongId, Verdict]
    sets: Mapping[str, Verdict]
    of_sets: bool = False


@dataclass(frozen=True)
class RunResults:
    """Everything a run asked for and what came of it.

    Attributes:
        suite: the prompts.
        takes: takes per prompt.
        systems: in the order asked.
        songs: the state of every song asked for.
        metrics: in the order asked.
    """

    suite: Suite
    takes: int
    systems: tuple[SystemCard, ...]
    songs: Mapping[SongId, SongState]
    metrics: tuple[MetricResults, ...]
