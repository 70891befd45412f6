"""From the store back to what a run knows: for reports and for status."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from songbench.contracts.metric import SetMetric, Verdict
from songbench.domain.remark import remarks_from_json
from songbench.domain.song import Failure, GenerationRecord
from songbench.execution.experiment import Experiment
from songbench.execution.hardware import in_words
from songbench.execution.intact_records import IntactRecords
from songbench.execution.jobs import verdict_from_record
from songbench.execution.plan import Planner
from songbench.execution.record import RECORD
from songbench.execution.results import MetricResults, RunResults, SongId, SongState, Sound, Unsupported
from songbench.execution.songs import generation_from_json
from songbench.execution.store import Store
from songbench.execution.store_layout import Blob, Kind
from songbench.resources.garbage import no_search

T = TypeVar("T")


@no_search()
def gather(experiment: Experiment, store: Store) -> RunResults:
    """Everything stored for an experiment: the state of every song and the verdicts of every metric."""
    planner = Planner(experiment, store)
    keys = [key for *_, key in planner.songs.values()]
    failures = {key: _failure(record) for key, record in planner.records.contents("failures", keys)}
    origins = {key: _origin(record) for key, record in planner.records.contents("songs", keys)}
    songs: dict[SongId, SongState] = {}
    for name in planner.requests:
        if name in planner.unsupported:
            songs[name] = Unsupported(planner.unsupported[name])
        else:
            key = planner.songs[name][2]
            songs[name] = "done" if key in origins else failures.get(key, "pending")
    origin_of = {name: origins[key] for name, (_, _, key) in planner.songs.items() if key in origins}
    return RunResults(
        suite=experiment.suite,
        takes=experiment.takes,
        systems=tuple(system.card for system in experiment.systems),
        songs=songs,
        metrics=_metrics(planner),
        sounds={name: sound for name, (sound, _) in origin_of.items()},
        seeds={name: request.seed for name, (_, request) in planner.requests.items()},
        generation={name: generation for name, (_, generation) in origin_of.items()},
        asset_remarks=experiment.asset_remarks,
        machine=_machine(experiment),
    )


def _origin(record: Mapping[str, Any]) -> tuple[Sound, GenerationRecord]:
    remarks = remarks_from_json(record.get("remarks", ()))
    sound = Sound(Blob(record["audio"]).digest, remarks, record.get("audio_seconds"))
    return sound, generation_from_json(record["system_record"])


def _machine(experiment: Experiment) -> str:
    """From the run's record; "" where there is none that can be read."""
    try:
        return in_words(json.loads((experiment.folder / RECORD).read_text(encoding="utf-8"))["hardware"])
    except (OSError, ValueError, LookupError):
        return ""


def _metrics(planner: Planner) -> tuple[MetricResults, ...]:
    """What is stored of every metric; the records of all are read together, as they lie mixed in the store."""
    keys_of_songs: dict[str, dict[SongId, str]] = {}
    keys_of_sets: dict[str, dict[str, str]] = {}
    for metric in planner.experiment.metrics:
        if not metric.availability.ready and planner.experiment.recorded_keys is None:
            continue
        if isinstance(metric.plugin, SetMetric):
            keys_of_sets[metric.id] = planner.set_keys(metric)
        else:
            keys_of_songs[metric.id] = planner.song_score_keys(metric)
    keys = [key for of_metric in keys_of_songs.values() for key in of_metric.values()]
    keys += [key for of_metric in keys_of_sets.values() for key in of_metric.values()]
    verdicts = _verdicts(planner.records, keys)
    return tuple(
        MetricResults(
            card=metric.card,
            availability=metric.availability,
            songs=_by_name(verdicts, keys_of_songs.get(metric.id, {})),
            sets=_by_name(verdicts, keys_of_sets.get(metric.id, {})),
            of_sets=metric.id in keys_of_sets,
        )
        for metric in planner.experiment.metrics
    )


def _verdicts(records: IntactRecords, keys: Sequence[str]) -> dict[str, Verdict]:
    """What is stored under the keys: a verdict, or the failure to give one."""
    verdicts: dict[str, Verdict] = {key: _failure(record) for key, record in records.contents("failures", keys)}
    for key, record in records.contents("scores", keys):  # after the failures, whose place they take
        verdicts[key] = verdict_from_record(record)
    return verdicts


def _by_name(verdicts: Mapping[str, Verdict], keys: Mapping[T, str]) -> dict[T, Verdict]:
    return {name: verdicts[key] for name, key in keys.items() if key in verdicts}


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
    states_by_system: dict[str, list[SongState]] = {}
    for song, state in results.songs.items():
        states_by_system.setdefault(song.system, []).append(state)
    songs = []
    for card in results.systems:
        states = states_by_system.get(card.name, [])
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
        scores.append(_of_metric(metric.card.id, metric.of_sets, len(verdicts) - failed, failed, songs))
    return songs, scores


def failure_count(results: RunResults) -> int:
    """How many songs and scores failed."""
    songs, scores = completion(results)
    return sum(group.failed for group in [*songs, *scores])


def stored_completion(experiment: Experiment, store: Store) -> tuple[list[Completion], list[Completion]]:
    """The same for what is stored, counted without reading what songs and scores say."""
    planner = Planner(experiment, store)
    refused = Counter(name.system for name in planner.unsupported)
    songs = []
    for system in experiment.systems:
        keys = [key for *_, key in planner.songs_by_system[system.name]]
        succeeded, failed = _settled(planner.records, "songs", keys)
        songs.append(
            Completion(
                name=system.name,
                succeeded=succeeded,
                failed=failed,
                unsupported=refused[system.name],
                total=len(keys) + refused[system.name],
            )
        )
    planner.look_at_scores()
    scores = []
    for metric in experiment.metrics:
        of_sets, keys = False, []
        if metric.availability.ready or experiment.recorded_keys is not None:
            of_sets = isinstance(metric.plugin, SetMetric)
            keys_by_name = planner.set_keys(metric) if of_sets else planner.song_score_keys(metric)
            keys = list(keys_by_name.values())
        succeeded, failed = _settled(planner.records, "scores", keys)
        scores.append(_of_metric(metric.card.id, of_sets, succeeded, failed, songs))
    return songs, scores


def _settled(records: IntactRecords, kind: Kind, keys: Sequence[str]) -> tuple[int, int]:
    """Under how many of the keys there is a result, and under how many others a failure."""
    lacking, failed = records.lacking(kind, keys), records.intact("failures", keys)
    without_result = [key for key in keys if key in lacking] if lacking else []
    return len(keys) - len(without_result), sum(key in failed for key in without_result)


def _of_metric(name: str, of_sets: bool, succeeded: int, failed: int, songs: Sequence[Completion]) -> Completion:
    """How far a metric is, whose scores are of whole systems or of songs."""
    without_song = [system.unsupported == system.total > 0 if of_sets else system.unsupported for system in songs]
    return Completion(
        name=name,
        succeeded=succeeded,
        failed=failed,
        unsupported=sum(without_song),
        total=len(songs) if of_sets else sum(system.total for system in songs),
    )
