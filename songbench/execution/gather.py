"""From the store back to what a run knows: for reports and for status."""

from __future__ import annotations

from dataclasses import dataclass

from songbench.contracts.metric import SetMetric, Verdict
from songbench.domain.song import Failure
from songbench.execution.experiment import Experiment, Judge
from songbench.execution.jobs import verdict_from_record
from songbench.execution.plan import Planner
from songbench.execution.results import MetricResults, RunResults, SongId, SongState
from songbench.execution.store import Store


def gather(experiment: Experiment, store: Store) -> RunResults:
    """Everything stored for an experiment: the state of every song and the verdicts of every metric."""
    planner = Planner(experiment, store)
    made, failed = store.keys("songs"), store.keys("failures")
    songs: dict[SongId, SongState] = {
        name: "done" if key in made else _failure(store, key) if key in failed else "pending"
        for name, (_, _, key) in planner.songs.items()
    }
    return RunResults(
        suite=experiment.suite,
        takes=experiment.takes,
        systems=tuple(entrant.system.card for entrant in experiment.entrants),
        songs=songs,
        metrics=tuple(_metric(planner, store, judge, failed) for judge in experiment.judges),
    )


def _metric(planner: Planner, store: Store, judge: Judge, failed: set[str]) -> MetricResults:
    if not judge.availability.ready:
        return MetricResults(judge.metric.card, judge.availability, {}, {})
    if isinstance(judge.metric, SetMetric):
        sets = {system: _verdict(store, key, failed) for system, key in planner.set_keys(judge).items()}
        return MetricResults(judge.metric.card, judge.availability, {}, {k: v for k, v in sets.items() if v}, True)
    songs = {name: _verdict(store, key, failed) for name, key in planner.song_score_keys(judge).items()}
    return MetricResults(judge.metric.card, judge.availability, {k: v for k, v in songs.items() if v}, {})


def _verdict(store: Store, key: str, failed: set[str]) -> Verdict | None:
    record = store.get("scores", key)
    if record is not None:
        return verdict_from_record(record)
    return _failure(store, key) if key in failed else None


def _failure(store: Store, key: str) -> Failure:
    record = store.get("failures", key) or {}
    return Failure(record.get("stage", "unknown"), record.get("cause", "unreadable record"), record.get("detail", ""))


@dataclass(frozen=True)
class Tally:
    """How far something is.

    Attributes:
        what: the system or metric.
        done: settled with a result.
        failed: settled with a failure.
        total: asked for.
    """

    what: str
    done: int
    failed: int
    total: int


def tally(results: RunResults) -> tuple[list[Tally], list[Tally]]:
    """How far songs are per system, and scores per metric."""
    songs = []
    for card in results.systems:
        states = [state for name, state in results.songs.items() if name.system == card.name]
        failed = sum(isinstance(state, Failure) for state in states)
        songs.append(Tally(card.name, states.count("done"), failed, len(states)))
    scores = []
    for metric in results.metrics:
        verdicts = [*metric.songs.values(), *metric.sets.values()]
        failed = sum(isinstance(verdict, Failure) for verdict in verdicts)
        total = len(results.systems) if metric.of_sets else len(results.songs)
        scores.append(Tally(metric.card.id, len(verdicts) - failed, failed, total))
    return songs, scores
