"""The engine of one machine: a worker process per accelerator, or per CPU core where there is none."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import Empty, Queue
from typing import ClassVar

from pydantic import model_validator

from songbench.domain.errors import StoreError
from songbench.execution.engine.protocol import JobQueue, Report
from songbench.execution.hardware import accelerators, usable_cores
from songbench.execution.jobs import Event
from songbench.execution.plan import Job, WorkItem
from songbench.execution.settings import EngineSettings
from songbench.execution.store import Store
from songbench.resources.processes.host import Error, Finished, PartialResult, Ready
from songbench.resources.processes.log import WorkerLog
from songbench.resources.processes.process import (
    LAST_WORDS_SECONDS,
    Answer,
    Closed,
    Garbage,
    Inbox,
    WorkerProcess,
)

_COMMAND = (sys.executable, "-u", "-m", "songbench.execution.engine.worker")

_THREAD_SETTINGS = ("OMP", "MKL", "OPENBLAS", "NUMBA")
_ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in _THREAD_SETTINGS}
"""One thread per worker on a CPU: sums then come out the same whatever the number of workers and cores."""

SILENCE_SECONDS = 600.0
"""Without a sign of life for so long, a process is frozen: long native calls that block all of Python take less."""

_STORE_ERRORS = {StoreError.__name__, *(kind.__name__ for kind in StoreError.__subclasses__())}


class LocalSettings(EngineSettings):
    """Settings of the engine ``local``."""

    @model_validator(mode="after")
    def _time_to_work(self) -> LocalSettings:
        if self.timeout_s == 0:
            raise ValueError("the engine 'local' needs a timeout_s above 0, or every song is ended at once")
        return self


@dataclass(kw_only=True)
class _Slot:
    """A worker process and what it is doing.

    Attributes:
        process: the worker.
        job: what it does now, or None.
        items: of the job, by key.
        unsettled: those that have had no event yet.
        retries: what of the job is tried again once it is over.
        held_job: the last job, whose model the worker may still hold.
        ready: whether it has started; on a machine that is busy this takes a while, which is no song's time.
        last_event_s: when it was given the job, or last settled an item, by the monotonic clock.
    """

    process: WorkerProcess
    job: Job | None = None
    items: dict[str, WorkItem] = field(default_factory=dict)
    unsettled: dict[str, WorkItem] = field(default_factory=dict)
    retries: list[Job] = field(default_factory=list)
    held_job: Job | None = None
    ready: bool = False
    last_event_s: float = 0.0

    def give(self, job: Job) -> None:
        """Hand over a job."""
        self.items = {item.key: item for item in job.items}
        self.job, self.unsettled, self.last_event_s = job, dict(self.items), time.monotonic()
        self.held_job, self.retries = job, []
        self.process.call("run", {"job": job.to_json()})


class LocalEngine:
    """Worker processes on this machine.

    Args:
        settings: how many, how long, how often.
        store: where workers put results.
        folder: the run's folder, for the workers' logs.
    """

    settings_model: ClassVar[type[EngineSettings]] = LocalSettings

    def __init__(self, settings: EngineSettings, store: Store, folder: Path) -> None:
        self._settings, self._store_url, self._folder = settings, store.url, folder
        self._devices = accelerators()
        self.accelerator = bool(self._devices)
        self.workers = settings.workers or len(self._devices) or usable_cores()
        self._slots: dict[int, _Slot] = {}
        self._inbox: Inbox = Queue()

    def run(self, queue: JobQueue, report: Report) -> None:
        """Hand out the jobs of a queue until it is finished."""
        while not queue.finished:
            # 1. every worker has a job
            for place in range(self.workers):
                slot = self._slots.get(place)
                if (slot is None or slot.job is None) and (job := self._next_job(slot, queue)):
                    self._slot(place).give(job)
            # 2. what they say; when nobody says anything, whether they still can
            try:
                number, answer = self._inbox.get(timeout=0.2)
            except Empty:
                self._end_lost(queue, report)
                continue
            for place, slot in self._slots.items():
                if slot.process.number == number:  # else the last words of a worker that was ended
                    self._take(place, answer, queue, report)
                    break

    def close(self) -> None:
        """End every worker at once; what they had not stored will be done again by the next run."""
        for slot in self._slots.values():
            slot.process.end()
        self._slots.clear()

    def _next_job(self, slot: _Slot | None, queue: JobQueue) -> Job | None:
        """A job for a worker that is free: one of the model it holds, if there is any."""
        same_model = queue.take(slot.held_job.shares_model) if slot and slot.held_job else None
        return same_model or queue.take()

    def _slot(self, place: int) -> _Slot:
        """The worker at a place, started if there is none."""
        if place not in self._slots:
            device = {"CUDA_VISIBLE_DEVICES": self._devices[place % len(self._devices)]} if self._devices else {}
            process = WorkerProcess(
                _COMMAND,
                variables={**os.environ, **(device or _ONE_THREAD)},
                log=WorkerLog(self._folder / "logs" / f"worker-{place}.log"),
                inbox=self._inbox,
            )
            process.call("start", {"store": self._store_url})
            self._slots[place] = _Slot(process=process)
        return self._slots[place]

    def _take(self, place: int, answer: Answer, queue: JobQueue, report: Report) -> None:
        """Act on what a worker says."""
        slot = self._slots[place]
        if isinstance(answer, Ready):
            slot.ready, slot.last_event_s = True, time.monotonic()
        elif isinstance(answer, PartialResult):
            self._settle(place, answer, queue, report)
        elif isinstance(answer, Finished):
            if slot.unsettled:
                self._end(place, "the worker ended a job without settling all of it", queue, report)
            elif slot.job:
                job, slot.job = slot.job, None
                queue.end(job, slot.retries)
        elif isinstance(answer, Closed):
            self._end(place, slot.process.cause_of_death(), queue, report)
        elif isinstance(answer, Garbage):
            self._end(place, answer.cause, queue, report)
        elif isinstance(answer, Error):
            if answer.type in _STORE_ERRORS:
                raise StoreError(answer.message)
            self._end(place, f"{answer.type}: {answer.message}", queue, report)

    def _settle(self, place: int, part: PartialResult, queue: JobQueue, report: Report) -> None:
        """Report an item, or have it tried again."""
        slot = self._slots[place]
        try:
            event = Event.from_json(part.value)
        except ValueError as error:
            self._end(place, str(error), queue, report)
            return
        job, item = slot.job, slot.items.get(event.key)
        if job is None or item is None or (event.key not in slot.unsettled and event.status == "done"):
            cause = f"the worker answered for an item it was not given: {event.key[:80]!r}"
            self._end(place, cause, queue, report)
            return
        slot.last_event_s = time.monotonic()
        if event.status != "stray":
            slot.unsettled.pop(event.key, None)
        if event.status == "error" and job.attempt < self._settings.retries:
            slot.retries += replace(job, items=(item,)).singly()
        else:
            report(job, item, replace(event, status="failed") if event.status == "error" else event)

    def _end(self, place: int, cause: str, queue: JobQueue, report: Report) -> None:
        """End a worker: try what it left again, one item per job, or give up what has been tried enough.

        Args:
            place: of a worker that is dead or no longer of use.
            cause: why it is ended.
            queue: learns what is tried again.
            report: takes what is given up.
        """
        slot = self._slots.pop(place)
        slot.process.end()
        if slot.job is None:
            return
        rest = replace(slot.job, items=tuple(slot.unsettled.values()))
        if rest.attempt < self._settings.retries:
            queue.end(slot.job, [*slot.retries, *rest.singly()])
            return
        detail = slot.process.log.tail(LAST_WORDS_SECONDS)
        for item in rest.items:
            report(rest, item, Event(status="failed", key=item.key, cause=cause, detail=detail))
        queue.end(slot.job, slot.retries)

    def _end_lost(self, queue: JobQueue, report: Report) -> None:
        """End the workers of which nothing is to be expected."""
        for place, slot in list(self._slots.items()):
            process = slot.process
            limit_s = self._settings.timeout_s * max(1, len(slot.unsettled))  # a batch may give all at the end
            if not process.alive:  # what it has started may hold its channel open
                if process.silence_s > LAST_WORDS_SECONDS:
                    self._end(place, process.cause_of_death(), queue, report)
            elif slot.job and slot.ready and time.monotonic() - slot.last_event_s > limit_s:
                self._end(place, f"time-out: nothing for {limit_s:g} s", queue, report)
            elif slot.job and process.silence_s > SILENCE_SECONDS:
                self._end(place, f"the worker gave no sign of life for {SILENCE_SECONDS:g} s", queue, report)
