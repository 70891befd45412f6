"""What a run has stored so far, gathered for reporting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from songbench.contracts.cards import Availability, MetricCard, SystemCard
from songbench.contracts.metric import Verdict
from songbench.domain.remark import Remark
from songbench.domain.song import Failure, GenerationRecord
from songbench.domain.suite import Suite
from songbench.execution.experiment import AssetRemark


class SongId(NamedTuple):
    """One song of a run."""

    system: str
    prompt: str
    take: int


@dataclass(frozen=True)
class Unsupported:
    """A song that is not asked for, as its system says beforehand that it cannot take the prompt.

    Attributes:
        reason: one clause.
    """

    reason: str


SongState: TypeAlias = Literal["done", "pending"] | Failure | Unsupported
"""Stored, not made yet, failed (and why), or not asked for (and why)."""


@dataclass(frozen=True)
class Sound:
    """What is known of a stored song without decoding it.

    Attributes:
        digest: of its audio; equal digests mean the same recording.
        remarks: what is odd about it.
        seconds: how long it is; None for songs that were stored by versions that did not write it down.
    """

    digest: str
    remarks: tuple[Remark, ...] = ()
    seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class MetricResults:
    """Everything one metric said in a run.

    Attributes:
        card: the metric.
        availability: not ready: no verdicts, and the reason and cure are shown instead.
        songs: song metrics: the verdict on each song; absent: not scored yet, or the song itself failed.
        sets: set metrics: the verdict on each system.
        of_sets: whether it scores sets; known even before the first verdict.
    """

    card: MetricCard
    availability: Availability
    songs: Mapping[SongId, Verdict]
    sets: Mapping[str, Verdict]
    of_sets: bool = False


@dataclass(frozen=True, kw_only=True)
class RunResults:
    """Everything a run asked for and what came of it.

    Attributes:
        suite: the prompts.
        takes: takes per prompt.
        systems: in the order asked.
        songs: the state of every song asked for.
        metrics: in the order asked.
        sounds: what is known of the sound of every song that was made.
        asset_remarks: what is odd about the audio that the suite brings.
        machine: what the run was last continued on, in words; "" where that is not recorded.
        seeds: as asked, of each song.
        generation: how each song that was made came about.
        elsewhere: systems of the same run that stand in other tables.
    """

    suite: Suite
    takes: int
    systems: tuple[SystemCard, ...]
    songs: Mapping[SongId, SongState]
    metrics: tuple[MetricResults, ...]
    sounds: Mapping[SongId, Sound] = field(default_factory=dict)
    asset_remarks: tuple[AssetRemark, ...] = ()
    machine: str = ""
    seeds: Mapping[SongId, int] = field(default_factory=dict)
    generation: Mapping[SongId, GenerationRecord] = field(default_factory=dict)
    elsewhere: tuple[str, ...] = ()
