"""The engine of one machine: a worker process per accelerator, or per CPU core where there is none."""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import subprocess
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from songbench.domain.errors import StoreError
from songbench.execution.engine.messages import End, Fatal
from songbench.execution.engine.process import Garbage, News, WorkerProcess, cause_of_death
from songbench.execution.engine.protocol import Report
from songbench.execution.jobs import Event, worker_path
from songbench.execution.plan import Job
from songbench.execution.settings import EngineSettings

# One thread per worker on a CPU: sums then come out the same whatever the number of workers and cores.
_THREAD_SETTINGS = ("OMP", "MKL", "OPENBLAS", "NUMBA")
_ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in _THREAD_SETTINGS}


def accelerators() -> list[str]:
    """The ids of the CUDA devices this process may use, without importing torch."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [one.strip() for one in visible.split(",") if one.strip()]
    if not (tool := shutil.which("nvidia-smi")):
        return []
    listing = subprocess.run(
        [tool, "--query-gpu=index", "--format=csv,noheader"], capture_output=True, text=True, check=False
    )
    return listing.stdout.split() if listing.returncode == 0 else []


_LAST_WORDS_S = 2.0
"""How long what a dead worker said may still be on its way."""


class LocalEngine:
    """Worker processes on this machine.

    Args:
        settings: how many, how long, how often.
        store_url: where workers put results.
        folder: the run's folder, for the workers' logs.
    """

    def __init__(self, settings: EngineSettings, store_url: str, folder: Path) -> None:
        self._settings, self._store_url, self._folder = settings, store_url, folder
        self._devices = accelerators()
        self.accelerator = bool(self._devices)
        self.workers = settings.workers or len(self._devices) or _cores()
        self._pool: dict[int, WorkerProcess] = {}
        self._dying: dict[int, float] = {}
        self._news: queue.Queue[News] = queue.Queue()

    def run(self, jobs: Sequence[Job], report: Report) -> None:
        """Hand out the jobs until all items are settled."""
        waiting = deque(jobs)
        while waiting or any(worker.job for worker in self._pool.values()):
            for number in range(self.workers):
                if waiting and (number not in self._pool or self._pool[number].job is None):
                    self._worker(number).give(waiting.popleft())
            self._listen(waiting, report)
            self._end_dead(waiting, report)
            self._end_overdue(waiting, report)

    def close(self) -> None:
        """End every worker at once; what they had not stored will be done again by the next run."""
        for worker in self._pool.values():
            worker.end()
        self._pool.clear()

    def _worker(self, number: int) -> WorkerProcess:
        if number not in self._pool:
            own = {"CUDA_VISIBLE_DEVICES": self._devices[number % len(self._devices)]} if self._devices else _ONE_THREAD
            log = worker_path(self._folder, number)
            self._pool[number] = WorkerProcess.start(number, self._store_url, log, own, self._news)
        return self._pool[number]

    # -- what they say ---------------------------------------------------------------------------------------------

    def _listen(self, waiting: deque[Job], report: Report) -> None:
        try:
            process, message = self._news.get(timeout=0.2)
        except queue.Empty:
            return
        worker = next((one for one in self._pool.values() if one.process is process), None)
        if worker is None:
            return  # the last words of a worker that was ended
        worker.last_news = time.monotonic()
        if message is None:
            self._gone(worker, None, waiting, report)
        elif isinstance(message, Fatal):
            raise StoreError(message.text)
        elif isinstance(message, Event):
            self._event(worker, message, waiting, report)
        elif isinstance(message, End):
            self._finished(worker, waiting, report)
        elif isinstance(message, Garbage):
            cause = f"something wrote into the channel of the worker's answers: {message.begins!r}"
            self._gone(worker, cause, waiting, report)

    def _event(self, worker: WorkerProcess, event: Event, waiting: deque[Job], report: Report) -> None:
        job, item = worker.job, worker.items.get(event.key)
        if job is None or item is None or (event.key not in worker.left and event.status == "done"):
            self._gone(worker, f"the worker answered for an item it was not given: {event.key[:80]!r}", waiting, report)
            return
        if event.status != "stray":
            worker.left.pop(event.key, None)
        if event.status == "error" and job.attempt < self._settings.retries:
            waiting.extend(replace(job, items=(item,)).singly())
        else:
            report(job, item, replace(event, status="failed") if event.status == "error" else event)

    def _finished(self, worker: WorkerProcess, waiting: deque[Job], report: Report) -> None:
        if worker.left:
            self._gone(worker, "the worker ended a job without settling all of it", waiting, report)
        worker.job = None

    def _gone(self, worker: WorkerProcess, cause: str | None, waiting: deque[Job], report: Report) -> None:
        """End a worker: try what it left again, one item per job, or give up what has been tried enough.

        Args:
            worker: dead, or no longer of use.
            cause: why it is ended; None: it died by itself, and its exit status tells.
            waiting: what is tried again goes there.
            report: told of what is given up.
        """
        if cause is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                worker.process.wait(_LAST_WORDS_S)
        died = worker.process.poll() is not None
        status = worker.end()
        detail = worker.log_end()
        del self._pool[worker.number]
        self._dying.pop(worker.number, None)
        if worker.job is None:
            return
        if cause is None:
            cause = cause_of_death(status) if died else "the worker closed the channel of its answers"
        left = replace(worker.job, items=tuple(worker.left.values()))
        if left.attempt < self._settings.retries:
            waiting.extend(left.singly())
        else:
            for item in left.items:
                report(left, item, Event(status="failed", key=item.key, cause=cause, detail=detail))

    def _end_dead(self, waiting: deque[Job], report: Report) -> None:
        """A dead worker whose channel stays open, because something it has started holds it, is gone all the same."""
        for number, worker in list(self._pool.items()):
            if worker.process.poll() is None:
                continue
            if time.monotonic() - self._dying.setdefault(number, time.monotonic()) > _LAST_WORDS_S:
                self._gone(worker, None, waiting, report)

    def _end_overdue(self, waiting: deque[Job], report: Report) -> None:
        for worker in list(self._pool.values()):
            limit = self._settings.timeout_s * max(1, len(worker.left))  # a batch may give all its songs at the end
            if worker.job and time.monotonic() - worker.last_news > limit:
                self._gone(worker, f"time-out: nothing for {limit:g} s", waiting, report)


def _cores() -> int:
    """CPU cores this process may use (fewer than the machine has, in a container)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
