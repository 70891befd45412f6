"""From the store back to what a run knows: for reports and for status."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from songbench.contracts.metric import SetMetric, Verdict
from songbench.domain.remark import remarks_from_json
from songbench.domain.song import Failure
from songbench.execution.experiment import ConfiguredMetric, Experiment
from songbench.execution.hardware import in_words
from songbench.execution.intact_records import IntactRecords
from songbench.execution.jobs import verdict_from_record
from songbench.execution.plan import Planner
from songbench.execution.record import RECORD
from songbench.execution.results import MetricResults, RunResults, SongId, SongState, Sound, Unsupported
from songbench.execution.songs import generation_from_json
from songbench.execution.store import Blob, Store

T = TypeVar("T")


def gather(experiment: Experiment, store: Store) -> RunResults:
    """Everything stored for an experiment: the state of every song and the verdicts of every metric."""
    planner = Planner(experiment, store)
    keys = [key for *_, key in planner.songs.values()]
    contents, failures = planner.records.contents("songs", keys), planner.records.contents("failures", keys)
    states: dict[SongId, SongState] = {
        name: "done" if key in contents else _failure(failures[key]) if key in failures else "pending"
        for name, (_, _, key) in planner.songs.items()
    }
    refused = {name: Unsupported(reason) for name, reason in planner.unsupported.items()}
    songs: dict[SongId, SongState] = {name: refused.get(name) or states[name] for name in planner.requests}
    records = {name: contents[key] for name, (_, _, key) in planner.songs.items() if songs[name] == "done"}
    return RunResults(
        suite=experiment.suite,
        takes=experiment.takes,
        systems=tuple(system.card for system in experiment.systems),
        songs=songs,
        metrics=tuple(_metric(planner, metric) for metric in experiment.metrics),
        sounds={name: _sound(record) for name, record in records.items()},
        seeds={name: request.seed for name, (_, request) in planner.requests.items()},
        generation={name: generation_from_json(record["system_record"]) for name, record in records.items()},
        asset_remarks=experiment.asset_remarks,
        machine=_machine(experiment),
    )


def _sound(record: Mapping[str, Any]) -> Sound:
    remarks = remarks_from_json(record.get("remarks", ()))
    return Sound(Blob(record["audio"]).digest, remarks, record.get("audio_seconds"))


def _machine(experiment: Experiment) -> str:
    """From the run's record; "" where there is none that can be read."""
    try:
        return in_words(json.loads((experiment.folder / RECORD).read_text(encoding="utf-8"))["hardware"])
    except (OSError, ValueError, LookupError):
        return ""


def _metric(planner: Planner, metric: ConfiguredMetric) -> MetricResults:
    if not metric.availability.ready and planner.experiment.recorded_keys is None:
        return MetricResults(card=metric.card, availability=metric.availability, songs={}, sets={})
    if isinstance(metric.plugin, SetMetric):
        sets = _verdicts(planner.records, planner.set_keys(metric))
        return MetricResults(card=metric.card, availability=metric.availability, songs={}, sets=sets, of_sets=True)
    return MetricResults(
        card=metric.card,
        availability=metric.availability,
        songs=_verdicts(planner.records, planner.song_score_keys(metric)),
        sets={},
    )


def _verdicts(records: IntactRecords, keys: Mapping[T, str]) -> dict[T, Verdict]:
    """What is stored under the keys: a verdict, or the failure to give one."""
    scores, failures = records.contents("scores", keys.values()), records.contents("failures", keys.values())
    verdicts: dict[T, Verdict] = {}
    for name, key in keys.items():
        if key in scores:
            verdicts[name] = verdict_from_record(scores[key])
        elif key in failures:
            verdicts[name] = _failure(failures[key])
    return verdicts


def _failure(record: Mapping[str, Any]) -> Failure:
    return Failure(record.get("stage", "unknown"), record.get("cause", "unreadable record"), record.get("detail", ""))


@dataclass(frozen=True, kw_only=True)
class Completion:
    """How far something is.

    Attributes:
        name: of the system or metric.
        succeeded: settled with a result.
        failed: settled with a failure.
        unsupported: never asked for, as the system cannot take the prompt: songs, and their scores.
        total: all of it.
    """

    name: str
    succeeded: int
    failed: int
    unsupported: int
    total: int

    @property
    def remaining(self) -> int:
        """Still to be settled."""
        return self.total - self.succeeded - self.failed - self.unsupported


def completion(results: RunResults) -> tuple[list[Completion], list[Completion]]:
    """How far songs are per system, and scores per metric."""
    songs = []
    for card in results.systems:
        states = [state for name, state in results.songs.items() if name.system == card.name]
        songs.append(
            Completion(
                name=card.name,
                succeeded=states.count("done"),
                failed=sum(isinstance(state, Failure) for state in states),
                unsupported=sum(isinstance(state, Unsupported) for state in states),
                total=len(states),
            )
        )
    scores = []
    for metric in results.metrics:
        verdicts = [*metric.songs.values(), *metric.sets.values()]
        failed = sum(isinstance(verdict, Failure) for verdict in verdicts)
        without_song = [system.unsupported for system in songs]
        if metric.of_sets:
            without_song = [system.unsupported == system.total > 0 for system in songs]
        scores.append(
            Completion(
                name=metric.card.id,
                succeeded=len(verdicts) - failed,
                failed=failed,
                unsupported=sum(without_song),
                total=len(results.systems) if metric.of_sets else len(results.songs),
            )
        )
    return songs, scores
