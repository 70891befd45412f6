"""The engine of one machine: a worker process per accelerator, or per CPU core where there is none."""

from __future__ import annotations

import functools
import os
import sys
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from songbench.contracts.memory import MemoryNeed
from songbench.domain.checking import Number, Whole
from songbench.domain.errors import StoreError
from songbench.execution.engine.assignment import AnswerError, Assignment
from songbench.execution.engine.memory_division import MemoryDivision
from songbench.execution.engine.protocol import JobQueue, Report
from songbench.execution.hardware import accelerator_bytes, accelerators, usable_cores
from songbench.execution.memory_needs import PROCESS_BYTES, JobMemory
from songbench.execution.plan import Job
from songbench.execution.settings import EngineSettings
from songbench.execution.store import Store
from songbench.resources.memory import GIB, available_bytes
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

_USABLE = 0.9
"""Of the memory that is free at the start, what workers may fill; the rest is for what other programs do meanwhile."""

MOST_MEMORY_GIB = 1_000_000.0
MOST_THREADS = 1024

SILENCE_SECONDS = 600.0
"""Without a sign of life for so long, a process is frozen: long native calls that block all of Python take less."""

_STORE_ERRORS = {StoreError.__name__, *(kind.__name__ for kind in StoreError.__subclasses__())}


class LocalSettings(EngineSettings):
    """Settings of the engine ``local``.

    Attributes:
        memory_gib: what all workers may take together, of each accelerator where there are any; None: nine tenths of
            what is free when the run starts.
        threads: of every worker; None: one on a CPU, so that sums come out the same whatever the number of workers and
            cores; beside an accelerator what its libraries choose.
    """

    memory_gib: Annotated[Number, Field(gt=0, le=MOST_MEMORY_GIB)] | None = None
    threads: Annotated[Whole, Field(ge=1, le=MOST_THREADS)] | None = None

    @property
    def memory_bytes(self) -> int | None:
        """`memory_gib` in bytes."""
        return None if self.memory_gib is None else int(self.memory_gib * GIB)

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
        assignment: what it does now, or None.
        held_job: the last job, whose model the worker may still hold.
        ready: whether it has started; on a machine that is busy this takes a while, which is no song's time.
    """

    process: WorkerProcess
    assignment: Assignment | None = None
    held_job: Job | None = None
    ready: bool = False

    def give(self, assignment: Assignment, share: int | None, need: MemoryNeed) -> None:
        """Hand over a job, with what the worker may use of the memory and what the job is taken to need of that."""
        job = assignment.job
        self.assignment, self.held_job = assignment, job
        memory = None if share is None else {"share": share, "resident": need.resident, "working": need.working}
        self.process.call("run", {"job": job.to_json(), "memory": memory})


class LocalEngine:
    """Worker processes on this machine.

    Args:
        settings: how many, how long, how often.
        store: where workers put results.
        folder: the run's folder, for the workers' logs.
    """

    settings_model: ClassVar[type[EngineSettings]] = LocalSettings

    def __init__(self, settings: EngineSettings, store: Store, folder: Path) -> None:
        self._settings, self._store, self._folder = settings, store, folder
        self._devices = accelerators()
        self.accelerator = bool(self._devices)
        assert isinstance(settings, LocalSettings)
        self._threads = settings.threads or (None if self._devices else 1)
        self.workers = settings.workers or len(self._devices) or max(1, usable_cores() // (self._threads or 1))
        self._spare_core = usable_cores() > self.workers * (self._threads or 1)
        self._needs = JobMemory(accelerator=self.accelerator)
        self._divisions = self._divided_memory(settings.memory_bytes)
        self._starved: set[str] = set()  # keys of items that died of memory
        self._alone: deque[Job] = deque()
        self._slots: dict[int, _Slot] = {}
        self._inbox: Inbox = Queue()

    def run(self, queue: JobQueue, report: Report) -> None:
        """Hand out the jobs of a queue until it is finished."""
        while not queue.finished:
            # 1. every worker has a job
            for place in range(self.workers):
                if place not in self._busy and (job := self._next_job(place, queue)):
                    self._give(place, job)
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

    @property
    def _busy(self) -> list[int]:
        """The places of workers that have a job."""
        return [place for place, slot in self._slots.items() if slot.assignment]

    @property
    def _is_alone(self) -> bool:
        """Whether a job runs that nothing else may run beside."""
        return any(self._is_starved(slot.assignment.job) for slot in self._slots.values() if slot.assignment)

    def _is_starved(self, job: Job) -> bool:
        """Whether it died of memory, so that nothing else may run beside it."""
        return any(item.key in self._starved for item in job.items)

    def _divided_memory(self, memory: int | None) -> list[MemoryDivision]:
        """How the memory of the machine, or of each accelerator, is divided among the workers there."""
        if not self._devices:
            return [MemoryDivision(memory or int(_USABLE * available_bytes()), self.workers)]
        per_device = -(-self.workers // len(self._devices))
        sizes = [memory or accelerator_bytes(device) for device in self._devices]
        return [MemoryDivision(size if memory or size is None else int(_USABLE * size), per_device) for size in sizes]

    def _division(self, place: int) -> MemoryDivision:
        return self._divisions[place % len(self._divisions)]

    def _next_job(self, place: int, queue: JobQueue) -> Job | None:
        """A job for a worker that is free and for which there is memory: one of the model it holds, if there is any.

        A job that died of memory waits until nothing else runs or can be run, and then nothing else runs beside it.
        """
        slot, busy, division = self._slots.get(place), self._busy, self._division(place)
        if self._is_alone:
            return None

        def fits(job: Job) -> bool:
            return division.fits(place, self._needs.of(job).worker_bytes, busy)

        held_job = slot.held_job if slot else None
        job = queue.take(lambda job: held_job.shares_model(job) and fits(job)) if held_job else None
        job = job or queue.take(fits)
        if job and self._is_starved(job):
            self._alone.append(job)
            job = None
        if job is None and not busy and self._alone:
            job = self._alone.popleft()
        return job

    def _give(self, place: int, job: Job) -> None:
        """Have a worker do a job; those that are idle end where they are in the way."""
        estimate, division = self._needs.of(job), self._division(place)
        idle = [number for number, slot in self._slots.items() if not slot.assignment]
        for number in idle if self._is_starved(job) else division.in_the_way(place, estimate.worker_bytes, idle):
            if number != place:
                self._remove(number).process.end()
        share = division.give(place, estimate.worker_bytes)
        assignment = Assignment(job, self._settings.retries, self._starved)
        self._slot(place).give(assignment, None if share is None else max(0, share - PROCESS_BYTES), estimate.need)

    def _remove(self, place: int) -> _Slot:
        """Take a worker, which is to end, out of the account."""
        self._division(place).end(place)
        return self._slots.pop(place)

    def _slot(self, place: int) -> _Slot:
        """The worker at a place, started if there is none."""
        if place not in self._slots:
            device = {"CUDA_VISIBLE_DEVICES": self._devices[place % len(self._devices)]} if self._devices else {}
            threads = {f"{library}_NUM_THREADS": str(self._threads) for library in _THREAD_SETTINGS if self._threads}
            process = WorkerProcess(
                _COMMAND,
                variables={**os.environ, **device, **threads},
                log=WorkerLog(self._folder / "logs" / f"worker-{place}.log"),
                inbox=self._inbox,
            )
            process.call("start", {"store": self._store.url, "spare_core": self._spare_core})
            self._slots[place] = _Slot(process=process)
        return self._slots[place]

    def _take(self, place: int, answer: Answer, queue: JobQueue, report: Report) -> None:
        """Act on what a worker says."""
        slot = self._slots[place]
        if isinstance(answer, Ready):
            slot.ready = True
            if slot.assignment:
                slot.assignment.last_event_s = time.monotonic()
        elif isinstance(answer, PartialResult):
            try:
                if slot.assignment is None:
                    raise AnswerError("the worker answered without a job")
                slot.assignment.hear(answer.value, report)
            except AnswerError as error:
                self._end(place, str(error), queue, report)
        elif isinstance(answer, Finished):
            if slot.assignment and slot.assignment.unsettled:
                self._end(place, "the worker ended a job without settling all of it", queue, report)
            elif slot.assignment:
                assignment, slot.assignment = slot.assignment, None
                assignment.end(queue)
        elif isinstance(answer, Closed):
            self._end(place, slot.process.cause_of_death(), queue, report)
        elif isinstance(answer, Garbage):
            self._end(place, answer.cause, queue, report)
        elif isinstance(answer, Error):
            if answer.type in _STORE_ERRORS:
                raise StoreError(answer.message)
            self._end(place, f"{answer.type}: {answer.message}", queue, report)

    def _end(self, place: int, cause: str, queue: JobQueue, report: Report) -> None:
        """End a worker that is dead or no longer of use: what it left is tried again, or was tried often enough."""
        slot = self._remove(place)
        slot.process.end()
        if slot.assignment:
            last_words = functools.partial(slot.process.log.tail, LAST_WORDS_SECONDS)
            slot.assignment.give_up(queue, report, self._store, cause=cause, last_words=last_words)

    def _end_lost(self, queue: JobQueue, report: Report) -> None:
        """End the workers of which nothing is to be expected."""
        for place, slot in list(self._slots.items()):
            process = slot.process
            if not process.alive:  # what it has started may hold its channel open
                if process.silence_s > LAST_WORDS_SECONDS:
                    self._end(place, process.cause_of_death(), queue, report)
            elif slot.assignment and slot.ready and (cause := slot.assignment.time_out(self._settings.timeout_s)):
                self._end(place, cause, queue, report)
            elif slot.assignment and process.silence_s > SILENCE_SECONDS:
                self._end(place, f"the worker gave no sign of life for {SILENCE_SECONDS:g} s", queue, report)
