"""The engine of one machine: a worker process per accelerator, or per CPU core where there is none."""

from __future__ import annotations

import os
import queue
import sys
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

from pydantic import model_validator

from songbench.domain.errors import StoreError
from songbench.execution.engine.protocol import Report
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
        last_event_s: when it was given the job, or last settled an item, by the monotonic clock.
    """

    process: WorkerProcess
    job: Job | None = None
    items: dict[str, WorkItem] = field(default_factory=dict)
    unsettled: dict[str, WorkItem] = field(default_factory=dict)
    last_event_s: float = 0.0

    def give(self, job: Job) -> None:
        """Hand over a job."""
        self.items = {item.key: item for item in job.items}
        self.job, self.unsettled, self.last_event_s = job, dict(self.items), time.monotonic()
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
        self._inbox: Inbox = queue.Queue()

    def run(self, jobs: Sequence[Job], report: Report) -> None:
        """Hand out the jobs until all items are settled."""
        waiting = deque(jobs)
        while waiting or any(slot.job for slot in self._slots.values()):
            # 1. every worker has a job
            for place in range(self.workers):
                if waiting and (place not in self._slots or self._slots[place].job is None):
                    self._slot(place).give(waiting.popleft())
            # 2. what they say; when nobody says anything, whether they still can
            try:
                number, answer = self._inbox.get(timeout=0.2)
            except queue.Empty:
                self._end_lost(waiting, report)
                continue
            for place, slot in self._slots.items():
                if slot.process.number == number:  # else the last words of a worker that was ended
                    self._take(place, answer, waiting, report)
                    break

    def close(self) -> None:
        """End every worker at once; what they had not stored will be done again by the next run."""
        for slot in self._slots.values():
            slot.process.end()
        self._slots.clear()

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

    def _take(self, place: int, answer: Answer, waiting: deque[Job], report: Report) -> None:
        """Act on what a worker says."""
        slot = self._slots[place]
        if isinstance(answer, Ready):
            slot.last_event_s = time.monotonic()
        elif isinstance(answer, PartialResult):
            self._settle(place, answer, waiting, report)
        elif isinstance(answer, Finished):
            if slot.unsettled:
                self._end(place, "the worker ended a job without settling all of it", waiting, report)
            slot.job = None
        elif isinstance(answer, Closed):
            self._end(place, slot.process.cause_of_death(), waiting, report)
        elif isinstance(answer, Garbage):
            self._end(place, answer.cause, waiting, report)
        elif isinstance(answer, Error):
            if answer.type in _STORE_ERRORS:
                raise StoreError(answer.message)
            self._end(place, f"{answer.type}: {answer.message}", waiting, report)

    def _settle(self, place: int, part: PartialResult, waiting: deque[Job], report: Report) -> None:
        """Report an item, or have it tried again."""
        slot = self._slots[place]
        try:
            event = Event.from_json(part.value)
        except ValueError as error:
            self._end(place, str(error), waiting, report)
            return
        job, item = slot.job, slot.items.get(event.key)
        if job is None or item is None or (event.key not in slot.unsettled and event.status == "done"):
            cause = f"the worker answered for an item it was not given: {event.key[:80]!r}"
            self._end(place, cause, waiting, report)
            return
        slot.last_event_s = time.monotonic()
        if event.status != "stray":
            slot.unsettled.pop(event.key, None)
        if event.status == "error" and job.attempt < self._settings.retries:
            waiting.extend(replace(job, items=(item,)).singly())
        else:
            report(job, item, replace(event, status="failed") if event.status == "error" else event)

    def _end(self, place: int, cause: str, waiting: deque[Job], report: Report) -> None:
        """End a worker: try what it left again, one item per job, or give up what has been tried enough.

        Args:
            place: of a worker that is dead or no longer of use.
            cause: why it is ended.
            waiting: what is tried again goes there.
            report: takes what is given up.
        """
        slot = self._slots.pop(place)
        slot.process.end()
        if slot.job is None:
            return
        rest = replace(slot.job, items=tuple(slot.unsettled.values()))
        if rest.attempt < self._settings.retries:
            waiting.extend(rest.singly())
            return
        detail = slot.process.log.tail(LAST_WORDS_SECONDS)
        for item in rest.items:
            report(rest, item, Event(status="failed", key=item.key, cause=cause, detail=detail))

    def _end_lost(self, waiting: deque[Job], report: Report) -> None:
        """End the workers of which nothing is to be expected."""
        for place, slot in list(self._slots.items()):
            process = slot.process
            limit_s = self._settings.timeout_s * max(1, len(slot.unsettled))  # a batch may give all at the end
            if not process.alive:  # what it has started may hold its channel open
                if process.silence_s > LAST_WORDS_SECONDS:
                    self._end(place, process.cause_of_death(), waiting, report)
            elif slot.job and time.monotonic() - slot.last_event_s > limit_s:
                self._end(place, f"time-out: nothing for {limit_s:g} s", waiting, report)
            elif slot.job and process.silence_s > SILENCE_SECONDS:
                self._end(place, f"the worker gave no sign of life for {SILENCE_SECONDS:g} s", waiting, report)
