"""The runner: stage by stage, from a plan to stored results. Failures are data; nothing stored is computed again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol

from songbench.contracts import registry
from songbench.contracts.metric import SetMetric
from songbench.contracts.system import SystemWithCosts
from songbench.domain.errors import SongbenchError
from songbench.execution.engine.protocol import Engine
from songbench.execution.experiment import Experiment
from songbench.execution.intact_records import IntactRecords
from songbench.execution.job_queue import ListedJobs
from songbench.execution.jobs import Event
from songbench.execution.metric_order import computing_order
from songbench.execution.plan import Job, Planner, Stage, WorkItem, group_size
from songbench.execution.record import Journal, save_record
from songbench.execution.run_names import start_anew
from songbench.execution.store import Kind, Store
from songbench.resources.files import sweep

DETAIL_IN_ERROR = 1500
ROUNDS = 2
"""What the first round finds damaged when it is read, the second makes again; what is damaged then has a bad disk."""
BESIDE = "beside what was asked for"
"""The label of what a plug-in did that belongs to no item."""


class RunProgress(Protocol):
    """Who is told what happens; the command line draws bars."""

    def stage(self, title: str, total: int, completed: int) -> None:
        """A stage begins with `completed` of `total` items stored already."""

    def item(self, label: str, event: Event) -> None:
        """An item of the stage is settled."""

    def end(self) -> None:
        """The stage is over."""


class NoProgress:
    """Tells nobody."""

    def stage(self, title: str, total: int, completed: int) -> None:
        """Nothing."""

    def item(self, label: str, event: Event) -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""


@dataclass
class Outcome:
    """What a run did.

    Attributes:
        computed: items newly stored, by stage title.
        failed: items newly failed, as (stage title, label, cause).
        damaged: what was stored but is not whole, in words; it does not count as stored and is made again.
        seconds: wall-clock time.
    """

    computed: Counter[str] = field(default_factory=Counter)
    failed: list[tuple[str, str, str]] = field(default_factory=list)
    damaged: dict[str, None] = field(default_factory=dict)
    seconds: float = 0.0


class Runner:
    """Runs an experiment.

    Args:
        experiment: what is wanted.
        store: where results are and go.
        progress: who is told.
        retry_failed: forget stored failures of this experiment and try them again.
        anew: first remove what an earlier run of this name wrote into the run's folder.
    """

    def __init__(
        self,
        experiment: Experiment,
        store: Store,
        progress: RunProgress | None = None,
        *,
        retry_failed: bool = False,
        anew: bool = False,
    ) -> None:
        self._experiment, self._store = experiment, store
        self._progress: RunProgress = progress or NoProgress()
        self._retry_failed, self._anew = retry_failed, anew
        self._outcome = Outcome()
        self._unsettled = self._last_round = self._worked = False

    def run(self, *, generate: bool = True, score: bool = True) -> Outcome:
        """Write the run's record, then do what is missing: render assets and songs, score them.

        The record is written before, between and after, so that a run that is killed leaves one that holds.

        Args:
            generate: make missing songs; without it only stored songs are scored.
            score: score stored songs.

        Raises:
            InputError: a system's songs cost money, and nobody has allowed them to be bought.
            StoreBusyError: another run works on this store.
            StoreError: the store cannot be read or written.
            SongbenchError: prompt audio or references cannot be rendered, without which nothing makes sense.
        """
        start_s = time.monotonic()
        with self._store.lock(f"run '{self._experiment.name}'"), self._engine() as engine:
            planner = self._planner(engine)
            if generate:
                self._check_costs(planner)
            # 1. what earlier runs have left
            sweep(self._experiment.folder)
            if self._anew:
                start_anew(self._experiment.folder)
            if self._retry_failed:
                forget_failures(planner, self._store)
            # 2. the record
            save_record(self._experiment, planner)  # under the lock: a run that is refused must not touch another's
            # 3. songs and scores; once more when something stored turned out to be damaged
            with Journal(self._experiment.folder) as journal:
                for round_number in range(ROUNDS if generate else 1):
                    self._last_round = round_number == ROUNDS - 1
                    self._unsettled = False
                    if generate:
                        self._generate(planner, engine, journal)
                        self._save_record(planner)
                    if score:
                        self._score(planner, engine, journal)
                    if not self._unsettled:
                        break
                    planner = self._planner(engine)
            self._save_record(planner)
        self._outcome.seconds = time.monotonic() - start_s
        return self._outcome

    def _save_record(self, planner: Planner) -> None:
        """Write the record anew, unless nothing was done since: of a large run that takes seconds."""
        if self._worked:
            save_record(self._experiment, planner)
            self._worked = False

    def _planner(self, engine: Engine) -> Planner:
        settings, experiment = self._experiment.engine, self._experiment
        songs = len(experiment.suite.prompts) * experiment.takes
        return Planner(experiment, self._store, group_size(songs, engine.workers, engine.accelerator, settings.batch))

    @contextmanager
    def _engine(self) -> Iterator[Engine]:
        settings = self._experiment.engine
        engine_class: type[Engine] = registry.load(registry.ENGINES, settings.name)
        engine = engine_class(settings, self._store, self._experiment.folder)
        try:
            yield engine
        finally:
            engine.close()

    def _check_costs(self, planner: Planner) -> None:
        """Ask the systems whose songs cost money whether those that are missing may be bought."""
        for system in self._experiment.systems:
            if isinstance(system.plugin, SystemWithCosts):
                songs = {key: request for who, request, key in planner.songs.values() if who is system}
                settled = planner.records.intact("songs", songs)
                if not self._retry_failed:
                    settled = settled | planner.records.intact("failures", songs)
                system.plugin.check_costs([request for key, request in songs.items() if key not in settled])

    def _generate(self, planner: Planner, engine: Engine, journal: Journal) -> None:
        self._stage(planner, planner.assets(), engine, journal, vital=True)
        for system in self._experiment.systems:
            self._stage(planner, planner.generation(system), engine, journal)

    def _score(self, planner: Planner, engine: Engine, journal: Journal) -> None:
        for metric in computing_order(self._experiment.ready_metrics):
            if isinstance(metric.plugin, SetMetric):
                self._stage(planner, planner.features(metric), engine, journal, optional=True)
                self._stage(planner, planner.set_scoring(metric), engine, journal)
            else:
                self._stage(planner, planner.scoring(metric), engine, journal)

    def _note_damage(self, planner: Planner) -> None:
        """Note what planning found damaged; a failure goes at once, as nothing of it may stand beside a success."""
        self._outcome.damaged |= dict.fromkeys(planner.records.damaged.values())
        for kind, key in planner.records.damaged:
            if kind == "failures":
                self._store.discard(kind, key)
        planner.records.damaged.clear()

    def _stage(
        self,
        planner: Planner,
        stage: Stage,
        engine: Engine,
        journal: Journal,
        *,
        vital: bool = False,
        optional: bool = False,
    ) -> None:
        """Run one stage.

        Args:
            planner: who planned it.
            stage: the jobs.
            engine: where they run.
            journal: what happened goes there.
            vital: a failure ends the run, as nothing after it would make sense.
            optional: a failure is not stored: whoever needs the result will meet, and report, it again.
        """
        self._note_damage(planner)
        if not stage.jobs:
            return
        self._worked = True
        failures: list[tuple[str, Event]] = []
        completed: set[str] = set()

        def report(job: Job, item: WorkItem, event: Event) -> None:
            # 1. what belongs to no item
            if event.status == "stray":
                journal.add(stage.title, BESIDE, event)
                self._progress.item(BESIDE, event)
                self._outcome.failed.append((stage.title, BESIDE, event.cause))
                return
            # 2. what the next round makes again
            if event.status == "damaged":
                self._unsettled = True
                self._outcome.damaged[event.cause] = None
                if not self._last_round:
                    journal.add(stage.title, item.label, event)
                    self._progress.item(item.label, event)
                    return
            # 3. results
            if event.status == "failed" and self._is_stored(job, item):
                event = Event(status="done", key=item.key, seconds=event.seconds)
            journal.add(stage.title, item.label, event)
            if event.status == "done":
                self._progress.item(item.label, event)
                self._outcome.computed[stage.title] += 1
                completed.add(item.key)
                return
            # 4. failures
            if item.key in completed:  # taken back: it was counted already
                completed.remove(item.key)
                self._outcome.computed -= Counter([stage.title])
                self._progress.item(item.label, replace(event, status="stray"))
            else:
                self._progress.item(item.label, event)
            failures.append((item.label, event))
            if not vital and not optional and event.status != "damaged":
                failure = {"stage": job.kind, "cause": event.cause, "detail": event.detail, "label": item.label}
                failure["system"] = item.data["system"]
                self._store.save("failures", item.key, failure)
            if not vital and not optional:
                self._outcome.failed.append((stage.title, item.label, event.cause))

        self._progress.stage(stage.title, stage.total, stage.settled)
        try:
            engine.run(ListedJobs(stage.jobs), report)
        finally:
            self._progress.end()
            planner.records.refresh()
        if vital and failures:
            label, event = failures[0]
            raise SongbenchError(
                f"{len(failures)} of the {stage.title} could not be made; the first is {label}: {event.cause}\n"
                + event.detail[-DETAIL_IN_ERROR:]
            )

    def _is_stored(self, job: Job, item: WorkItem) -> bool:
        """Whether the worker that was given up had stored the result before it died."""
        kind = _RESULTS.get(job.kind)
        return kind is not None and IntactRecords(self._store).find(kind, item.key) is not None


_RESULTS: Mapping[str, Kind] = {"generate": "songs", "score": "scores", "score_set": "scores", "asset": "assets"}
"""Where the results of each kind of job are stored."""


def forget_failures(planner: Planner, store: Store) -> int:
    """Remove the stored failures of an experiment, so that they are tried again; returns how many."""
    failed = store.keys("failures")
    keys = [key for *_, key in planner.songs.values()]
    for metric in planner.experiment.ready_metrics:
        keys += (
            planner.set_keys(metric) if isinstance(metric.plugin, SetMetric) else planner.song_score_keys(metric)
        ).values()
    forgotten = failed.intersection(keys)
    for key in forgotten:
        store.discard("failures", key)
    return len(forgotten)
