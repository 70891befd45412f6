"""The work of a run, as engines take it: jobs of several stages side by side, claimed from other runs on the store."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from songbench.execution.plan import Job, Stage, WorkItem
from songbench.execution.sessions import StoreSession

LOOKS = 50
"""How often at most a stage is planned before all songs are there: to plan on many thousand songs takes a second."""
_MOST_REFUSED = 64
"""After so many jobs of a stage that are refused the others are not asked about, as they are much the same."""
_PAUSE_S = 1.0
"""How often it is seen what became of the items that other runs work on."""


@dataclass(kw_only=True, eq=False)
class QueuedStage:
    """A stage of a run, and how far it is.

    Attributes:
        model: a job without items: the kind of work, and what all its jobs share. Scores and features are planned while
            songs are made, scores of sets system by system.
        plan: finds what is missing now.
        system: whose songs these are, for songs.
        title: for people, once it is planned.
        waiting: jobs that nobody does yet.
        running: how many jobs are being done.
        abroad: the items that other runs work on, by key, each with its job and in words who that is.
        item_keys: the keys of all items that were planned: none is planned twice, whatever became of it.
        planned: whether all is planned.
        songs: how many songs were settled when it was last planned; None: it was not.
        systems: the systems of which all songs were settled then.
    """

    model: Job
    plan: Callable[[], Stage]
    system: str = ""
    title: str = ""
    waiting: deque[Job] = field(default_factory=deque)
    running: int = 0
    abroad: dict[str, tuple[Job, WorkItem, str]] = field(default_factory=dict)
    item_keys: set[str] = field(default_factory=set)
    planned: bool = False
    songs: int | None = None
    systems: frozenset[str] = frozenset()

    @property
    def kind(self) -> str:
        """Of all its jobs."""
        return self.model.kind

    @property
    def idle(self) -> bool:
        """Whether nothing of what is planned is open."""
        return not (self.waiting or self.running or self.abroad)

    @property
    def over(self) -> bool:
        """Whether it is done."""
        return self.planned and self.idle


class QueueObserver(Protocol):
    """Who is told of stages, and asked about the store."""

    def planned(self, stage: QueuedStage, plan: Stage) -> None:
        """A stage was planned, perhaps once more, and has something to do."""

    def ended(self, stage: QueuedStage) -> None:
        """A stage that had something to do is done."""

    def songs_ended(self) -> None:
        """All songs are settled."""

    def is_settled(self, job: Job, item: WorkItem) -> bool:
        """Whether the item's result, or that it failed, is stored by now."""

    def settled_before(self, stage: QueuedStage, job: Job, item: WorkItem) -> None:
        """An item was done before its turn came: by another run, with others, or by a worker that then died."""

    def waiting(self, sessions: Counter[str]) -> None:
        """How many items this run waits for and does nothing else, by who works on them; called when that changes."""


class StageQueue:
    """A queue of stages (`songbench.execution.engine.protocol.JobQueue`).

    The order is that of the stages, and a stage is planned when a worker has nothing else to do. So one worker goes
    through them one after the other, each model once, while among several those who would be idle score what is there.
    As long as songs are made a stage waits until there is enough for whole batches.

    Two jobs on the same prompt's audio never run at the same time, as they would derive the same features twice.

    Args:
        stages: in order.
        session: claims what is worked on.
        observer: is told.
        batch: so many songs at least are new when a stage is planned again.
        total: how many songs there are to be in all.
    """

    def __init__(
        self, stages: Sequence[QueuedStage], session: StoreSession, observer: QueueObserver, *, batch: int, total: int
    ) -> None:
        self._stages, self._session, self._observer = stages, session, observer
        self._enough = max(batch, total // LOOKS, 1)
        self._songs = 0
        self._open = {stage.system for stage in stages if stage.kind == "generate"}
        self._running: dict[tuple[str, str], tuple[Job, QueuedStage]] = {}
        self._busy: Counter[str] = Counter()
        self._titles: set[str] = set()
        self._looked_s = 0.0
        self._rivals: Counter[str] = Counter()

    # -- as engines see it -----------------------------------------------------------------------------------------

    @property
    def finished(self) -> bool:
        """Whether all stages are done."""
        while (stage := next((stage for stage in self._stages if not stage.over), None)) and stage.idle:
            if not self._may_plan(stage):
                return False
            self._plan(stage)
        return stage is None

    def take(self, accept: Callable[[Job], bool] | None = None) -> Job | None:
        """The next job that can begin now, with what of it no other run works on."""
        for stage in self._stages:
            if job := self._give(stage, accept):
                return job
        for stage in self._stages:
            if self._may_plan(stage) and (accept is None or accept(stage.model)):
                self._plan(stage)
                if job := self._give(stage, accept):
                    return job
        for stage in self._look_abroad():
            if job := self._give(stage, accept):
                return job
        return None

    def end(self, job: Job, retries: Sequence[Job] = ()) -> None:
        """A job is over."""
        given_job, stage = self._running[_name(job)]
        for name in _names(given_job):
            del self._running[name]
        stage.running -= 1
        stage.waiting.extend(retries)
        self._busy -= Counter(_subjects(given_job))
        self._session.release(item.subject for item in given_job.items)
        if stage.kind == "generate":
            self._songs += len(given_job.items) - sum(len(retry.items) for retry in retries)
        self._note_end(stage)

    def close(self) -> None:
        """Nothing more is taken: also when the engine gave up."""
        for stage in self._stages:
            if stage.title in self._titles:
                self._observer.ended(stage)
        self._titles.clear()

    def stage_of(self, job: Job) -> QueuedStage:
        """The stage of a job that was taken, or of a part of it."""
        return self._running[_name(job)][1]

    # -- giving jobs -----------------------------------------------------------------------------------------------

    def _give(self, stage: QueuedStage, accept: Callable[[Job], bool] | None) -> Job | None:
        """The first job of a stage that can begin, if it is accepted."""
        place = refused = 0
        while place < len(stage.waiting) and refused < _MOST_REFUSED:
            job = stage.waiting[place]
            if accept is not None and not accept(job):
                place, refused = place + 1, refused + 1
                continue
            if any(self._busy[subject] for subject in _subjects(job)):
                place += 1
                continue
            del stage.waiting[place]
            if claimed := self._claimed(stage, job):
                self._running |= dict.fromkeys(_names(claimed), (claimed, stage))
                self._busy += Counter(_subjects(claimed))
                stage.running += 1
                return claimed
            self._note_end(stage)
        return None

    def _claimed(self, stage: QueuedStage, job: Job) -> Job | None:
        """A job with those of its items that this run has claimed, if there are any."""
        items, settled = [], []
        for item in job.items:
            holder = self._session.claim(item.subject)
            if holder is not None:
                stage.abroad[item.key] = job, item, str(holder)
            elif self._observer.is_settled(job, item):
                settled.append(item)
            else:
                items.append(item)
        self._session.release({item.subject for item in settled} - {item.subject for item in items})
        for item in settled:
            self._note_settled(stage, job, item)
        return replace(job, items=tuple(items)) if items else None

    # -- other runs ------------------------------------------------------------------------------------------------

    def _look_abroad(self) -> list[QueuedStage]:
        """See what became of the items that other runs work on; returns the stages that have more to do now."""
        now = time.monotonic()
        if now - self._looked_s < _PAUSE_S or not (self._rivals or any(stage.abroad for stage in self._stages)):
            return []
        self._looked_s = now
        stages = [stage for stage in self._stages if stage.abroad]
        for stage in stages:
            freed: dict[int, tuple[Job, list[WorkItem]]] = {}
            for job, item, _ in list(stage.abroad.values()):
                if (holder := self._session.holder(item.subject)) is not None:
                    stage.abroad[item.key] = job, item, str(holder)
                    continue
                del stage.abroad[item.key]
                if self._observer.is_settled(job, item):
                    self._note_settled(stage, job, item)
                else:
                    freed.setdefault(id(job), (job, []))[1].append(item)
            stage.waiting.extendleft(replace(job, items=tuple(items)) for job, items in freed.values())
            self._note_end(stage)
        abroad = [holder for stage in stages for *_, holder in stage.abroad.values()]
        rivals = Counter(abroad if not self._running else [])
        if rivals != self._rivals:
            self._rivals = rivals
            self._observer.waiting(rivals)
        return stages

    def _note_settled(self, stage: QueuedStage, job: Job, item: WorkItem) -> None:
        if stage.kind == "generate":
            self._songs += 1
        self._observer.settled_before(stage, job, item)

    # -- stages ----------------------------------------------------------------------------------------------------

    def _may_plan(self, stage: QueuedStage) -> bool:
        """Whether there may be more to do of a stage of which nothing waits."""
        if stage.planned or stage.waiting:
            return False
        if stage.kind in ("asset", "generate"):
            return True
        if stage.kind == "score_set" and not self._features_before(stage).idle:
            return False
        if not self._open:
            return stage.kind != "score_set" or self._features_before(stage).planned
        if stage.kind == "score":
            return self._songs - (stage.songs or 0) >= self._enough
        systems = self._settled_systems()
        return systems > stage.systems and (
            stage.kind != "score_set" or systems == self._features_before(stage).systems
        )

    def _plan(self, stage: QueuedStage) -> None:
        """Find what is missing of a stage, and what of it can be done already."""
        plan = stage.plan()
        stage.title, stage.songs, stage.systems = plan.title, self._songs, self._settled_systems()
        stage.planned = stage.kind in ("asset", "generate") or not self._open
        for job in plan.jobs:
            items = tuple(item for item in job.items if item.key not in stage.item_keys and self._is_due(stage, item))
            if items:
                stage.item_keys.update(item.key for item in items)
                stage.waiting.append(replace(job, items=items))
        if stage.kind == "generate":
            self._songs += plan.settled
        if stage.waiting:
            self._titles.add(stage.title)
            self._observer.planned(stage, plan)
        self._note_end(stage)

    def _is_due(self, stage: QueuedStage, item: WorkItem) -> bool:
        """Whether an item can be done while songs are still made: of a set, when its system is done."""
        if not self._open or stage.kind not in ("features", "score_set"):
            return True
        system = item.data.get("system")
        return system is None or system in stage.systems

    def _features_before(self, stage: QueuedStage) -> QueuedStage:
        """The features that a set is scored on."""
        return self._stages[self._stages.index(stage) - 1]

    def _settled_systems(self) -> frozenset[str]:
        return frozenset(stage.system for stage in self._stages if stage.kind == "generate" and stage.over)

    def _note_end(self, stage: QueuedStage) -> None:
        """Tell of what is over."""
        if not stage.over:
            return
        if stage.title in self._titles:
            self._titles.discard(stage.title)
            self._observer.ended(stage)
        if stage.system in self._open and stage.kind == "generate":
            self._open.discard(stage.system)
            if not self._open:
                self._observer.songs_ended()


def _name(job: Job) -> tuple[str, str]:
    """What a job is found by, or a part of one."""
    return job.kind, job.items[0].key


def _names(job: Job) -> list[tuple[str, str]]:
    return [(job.kind, item.key) for item in job.items]


def _subjects(job: Job) -> Iterator[str]:
    """What no other job may work on at the same time."""
    for item in job.items:
        yield item.subject
    if job.kind in ("score", "features"):
        yield from {f"prompt {item.data['prompt']['id']}" for item in job.items}
