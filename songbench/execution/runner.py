"""The runner: stage by stage, from a plan to stored results. Failures are data; nothing stored is computed again."""

from __future__ import annotations

import functools
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from songbench.contracts import registry
from songbench.contracts.metric import SetMetric
from songbench.contracts.system import SystemWithCosts
from songbench.domain.errors import SongbenchError
from songbench.execution.engine.assignment import RESULTS
from songbench.execution.engine.protocol import Engine
from songbench.execution.experiment import ConfiguredMetric, ConfiguredSystem, Experiment
from songbench.execution.intact_records import IntactRecords
from songbench.execution.job_queue import QueuedStage, StageQueue
from songbench.execution.jobs import Event
from songbench.execution.metric_order import computing_order
from songbench.execution.plan import Job, Planner, Stage, WorkItem, group_size
from songbench.execution.record import Journal, save_record
from songbench.execution.run_lock import run_lock
from songbench.execution.run_names import start_anew
from songbench.execution.run_progress import NoProgress, RunProgress
from songbench.execution.sessions import StoreSession, open_session
from songbench.execution.store import Store
from songbench.execution.store_layout import Kind, record_place
from songbench.resources.files import sweep

DETAIL_IN_ERROR = 1500
ROUNDS = 2
"""What the first round finds damaged when it is read, the second makes again; what is damaged then has a bad disk."""
BESIDE = "beside what was asked for"
"""The label of what a plug-in did that belongs to no item."""


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

    def run(self, *, generate: bool = True, score: bool = True) -> Outcome:
        """Write the run's record, then do what is missing: render assets and songs, score them.

        The record is written before, between and after, so that a run that is killed leaves one that holds.

        Args:
            generate: make missing songs; without it only stored songs are scored.
            score: score stored songs.

        Raises:
            InputError: a system's songs cost money, and nobody has allowed them to be bought.
            StoreBusyError: another process works on this run, or removes something from the store.
            StoreError: the store cannot be read or written.
            SongbenchError: prompt audio or references cannot be rendered, without which nothing makes sense.
        """
        start_s = time.monotonic()
        experiment = self._experiment
        with (
            run_lock(experiment.folder),
            open_session(self._store, f"run '{experiment.name}'") as session,
            self._engine() as engine,
        ):
            planner = self._planner(engine)
            if generate:
                self._check_costs(planner)
            # 1. what earlier runs have left
            sweep(experiment.folder)
            if self._anew:
                start_anew(experiment.folder)
            if self._retry_failed:
                forget_failures(planner, self._store)
            # 2. the record
            save_record(experiment, planner)  # under the lock: a run that is refused must not touch another's
            # 3. songs and scores; once more when something stored turned out to be damaged
            with Journal(experiment.folder) as journal:
                for round_number in range(ROUNDS if generate else 1):
                    is_last = round_number == ROUNDS - 1
                    work = _Round(planner, journal, self._progress, self._outcome, is_last=is_last)
                    work.run(engine, session, generate=generate, score=score)
                    work.save_record()
                    if not work.is_unsettled:
                        break
                    planner = self._planner(engine)
        self._outcome.seconds = time.monotonic() - start_s
        return self._outcome

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


class _Round:
    """One way through all stages: what is missing is made, what is found damaged is left to the next round.

    Args:
        planner: finds what is missing.
        journal: what happened goes there.
        progress: who is told.
        outcome: is added to.
        is_last: whether no other round follows, so that what is damaged has failed.

    Attributes:
        is_unsettled: whether something has to be made again.
    """

    def __init__(
        self, planner: Planner, journal: Journal, progress: RunProgress, outcome: Outcome, *, is_last: bool
    ) -> None:
        self._planner, self._journal, self._progress, self._outcome = planner, journal, progress, outcome
        self._store, self._experiment = planner.store, planner.experiment
        self._is_last = is_last
        self._completed: set[str] = set()
        self._is_stale = self._is_unrecorded = False
        self.is_unsettled = False

    def run(self, engine: Engine, session: StoreSession, *, generate: bool, score: bool) -> None:
        """Do what is missing.

        Raises:
            SongbenchError: prompt audio or references cannot be rendered.
        """
        songs = self._songs() if generate else []
        scores = self._scores() if score else []
        stages = (
            [QueuedStage(model=Job("asset", {}, ()), plan=functools.partial(self._plan, self._planner.assets))]
            if generate
            else []
        )
        for part in (stages, [*songs, *scores]):
            total = len(self._planner.songs)
            queue = StageQueue(part, session, self, batch=self._planner.group, total=total)
            failures: list[tuple[str, Event]] = []
            try:
                engine.run(queue, functools.partial(self._report, queue, failures))
            finally:
                queue.close()
            self._refresh()
            self._note_damage()
            if failures and part is stages:
                label, event = failures[0]
                raise SongbenchError(
                    f"{len(failures)} of the {stages[0].title} could not be made; the first is {label}: {event.cause}\n"
                    + event.detail[-DETAIL_IN_ERROR:]
                )

    def _songs(self) -> list[QueuedStage]:
        return [
            QueuedStage(
                model=Job("generate", {"system": system.spec, "parameters": dict(system.parameters)}, ()),
                plan=functools.partial(self._plan, self._planner.generation, system),
                system=system.name,
            )
            for system in self._experiment.systems
        ]

    def _scores(self) -> list[QueuedStage]:
        planner, stages = self._planner, []
        for metric in computing_order(self._experiment.ready_metrics):
            is_of_set = isinstance(metric.plugin, SetMetric)
            plans = (
                {"features": planner.features, "score_set": planner.set_scoring}
                if is_of_set
                else {"score": planner.scoring}
            )
            for kind, plan in plans.items():
                model = Job(kind, {"metric": metric.id, "parameters": dict(metric.parameters)}, ())
                stages.append(QueuedStage(model=model, plan=functools.partial(self._plan, plan, metric)))
        return stages

    def _plan(self, plan: Callable[..., Stage], *subjects: ConfiguredSystem | ConfiguredMetric) -> Stage:
        """What is missing now of a stage."""
        self._refresh()
        return plan(*subjects)

    def _refresh(self) -> None:
        """Have the store listed anew if something was stored since."""
        if self._is_stale:
            self._planner.records.refresh()
            self._is_stale = False

    # -- what the queue tells --------------------------------------------------------------------------------------

    def planned(self, stage: QueuedStage, plan: Stage) -> None:
        """A stage has something to do."""
        self._is_unrecorded = True
        self._note_damage()
        self._progress.stage(stage.title, plan.total, plan.settled)

    def ended(self, stage: QueuedStage) -> None:
        """A stage is done."""
        self._progress.end(stage.title)

    def songs_ended(self) -> None:
        """All songs are settled."""
        self.save_record()

    def save_record(self) -> None:
        """Write the run's record anew, unless nothing was done since: of a large run that takes seconds."""
        if self._is_unrecorded:
            self._refresh()
            save_record(self._experiment, self._planner)
            self._is_unrecorded = False

    def is_settled(self, job: Job, item: WorkItem) -> bool:
        """Whether a whole result is stored, or a failure."""
        if job.kind == "features":
            return all(self._store.has_feature(key) for key in item.data["features"])
        kinds: list[Kind] = [RESULTS[job.kind], "failures"]
        return any(
            self._store.size(record_place(kind, item.key)) is not None
            and IntactRecords(self._store).find(kind, item.key) is not None
            for kind in kinds
        )

    def settled_before(self, stage: QueuedStage, job: Job, item: WorkItem) -> None:
        """An item was done before its turn came."""
        self._is_stale = True
        event = Event(status="done", key=item.key)
        if job.attempt and self._is_stored(job, item):  # by a worker of this run, which died before it could say so
            self._outcome.computed[stage.title] += 1
            self._journal.add(stage.title, item.label, event)
        self._progress.item(stage.title, item.label, event)

    def waiting(self, sessions: Mapping[str, int]) -> None:
        """Other runs work on items that this one needs."""
        self._progress.waiting(sessions)

    # -- what the engine reports -----------------------------------------------------------------------------------

    def _report(
        self,
        queue: StageQueue,
        failures: list[tuple[str, Event]],
        job: Job,
        item: WorkItem,
        event: Event,
    ) -> None:
        """Note what became of an item.

        Args:
            queue: it is of.
            failures: what failed is added.
            job: it belongs to.
            item: itself.
            event: what became of it.
        """
        stage, self._is_stale = queue.stage_of(job), True
        # 1. what belongs to no item
        if event.status == "stray":
            self._journal.add(stage.title, BESIDE, event)
            self._progress.item(stage.title, BESIDE, event)
            self._outcome.failed.append((stage.title, BESIDE, event.cause))
            return
        # 2. what the next round makes again
        if event.status == "failed" and (lost_song := self._lost_song(job, item)):
            event = replace(event, status="damaged", cause=f"{record_place('songs', lost_song)} is gone")
        if event.status == "damaged":
            self.is_unsettled = True
            self._outcome.damaged[event.cause] = None
            if not self._is_last:
                self._journal.add(stage.title, item.label, event)
                self._progress.item(stage.title, item.label, event)
                return
        # 3. results
        if event.status == "failed" and self._is_stored(job, item):
            event = Event(status="done", key=item.key, seconds=event.seconds)
        self._journal.add(stage.title, item.label, event)
        if event.status == "done":
            self._progress.item(stage.title, item.label, event)
            self._outcome.computed[stage.title] += 1
            self._completed.add(item.key)
            return
        # 4. failures
        if item.key in self._completed:  # taken back: it was counted already
            self._completed.remove(item.key)
            self._outcome.computed -= Counter([stage.title])
            self._progress.item(stage.title, item.label, replace(event, status="stray"))
        else:
            self._progress.item(stage.title, item.label, event)
        failures.append((item.label, event))
        if stage.kind in ("asset", "features"):  # whoever needs the result will meet, and report, it again
            return
        if event.status != "damaged":
            failure = {"stage": job.kind, "cause": event.cause, "detail": event.detail, "label": item.label}
            failure["system"] = item.data["system"]
            self._store.save("failures", item.key, failure)
        self._outcome.failed.append((stage.title, item.label, event.cause))

    def _is_stored(self, job: Job, item: WorkItem) -> bool:
        """Whether the worker that was given up had stored the result before it died."""
        kind = RESULTS.get(job.kind)
        return kind is not None and IntactRecords(self._store).find(kind, item.key) is not None

    def _lost_song(self, job: Job, item: WorkItem) -> str | None:
        """A song that a score needs and that is gone: found damaged by another run on this store, and removed."""
        songs = {"score_set": item.data.get("songs", [])}.get(job.kind, [item.data])
        keys = [song["song"] for song in songs if song.get("song")]
        return next((key for key in keys if self._store.size(record_place("songs", key)) is None), None)

    def _note_damage(self) -> None:
        """Note what planning found damaged; a failure goes at once, as nothing of it may stand beside a success."""
        records = self._planner.records
        self._outcome.damaged |= dict.fromkeys(records.damaged.values())
        for kind, key in records.damaged:
            if kind == "failures":
                self._store.discard(kind, key)
        records.damaged.clear()


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
