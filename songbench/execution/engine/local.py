"""The engine of one machine: a worker process per accelerator, or per CPU core where there is none."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from songbench.domain.errors import StoreWriteError
from songbench.execution.engine.protocol import Report
from songbench.execution.jobs import DETAIL_CHARACTERS, Event, worker_path
from songbench.execution.plan import Item, Job
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


@dataclass
class _Worker:
    """A running worker process and what it is doing."""

    number: int
    process: subprocess.Popen[str]
    log: Path
    job: Job | None = None
    left: dict[str, Item] = field(default_factory=dict)
    last_news: float = 0.0

    def give(self, job: Job) -> None:
        self.job, self.left, self.last_news = job, {item.key: item for item in job.items}, time.monotonic()
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it died; its reader reports that
            self.process.stdin.write(json.dumps(job.to_json(), ensure_ascii=False) + "\n")
            self.process.stdin.flush()

    def end(self) -> None:
        """Kill it with everything it has started (it leads a process group of its own)."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def log_end(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")[-DETAIL_CHARACTERS:]


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
        self._pool: dict[int, _Worker] = {}
        self._news: queue.Queue[tuple[subprocess.Popen[str], dict[str, Any] | None]] = queue.Queue()

    def run(self, jobs: Sequence[Job], report: Report) -> None:
        """Hand out the jobs until all items are settled."""
        waiting = deque(jobs)
        while waiting or any(worker.job for worker in self._pool.values()):
            for number in range(self.workers):
                if waiting and (number not in self._pool or self._pool[number].job is None):
                    self._worker(number).give(waiting.popleft())
            self._listen(waiting, report)
            self._end_overdue(waiting, report)

    def close(self) -> None:
        """End every worker at once; what they had not stored will be done again by the next run."""
        for worker in self._pool.values():
            worker.end()
        self._pool.clear()

    # -- workers ---------------------------------------------------------------------------------------------------

    def _worker(self, number: int) -> _Worker:
        if number not in self._pool:
            self._pool[number] = self._start(number)
        return self._pool[number]

    def _start(self, number: int) -> _Worker:
        log = worker_path(self._folder, number)
        log.parent.mkdir(parents=True, exist_ok=True)
        own = {"CUDA_VISIBLE_DEVICES": self._devices[number % len(self._devices)]} if self._devices else _ONE_THREAD
        with open(log, "a", encoding="utf-8") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "songbench.execution.engine.worker", self._store_url],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                encoding="utf-8",
                env={**os.environ, **own, "PYTHONUNBUFFERED": "1"},
                start_new_session=True,  # Ctrl-C reaches the parent alone, which then ends its workers in order
            )
        assert process.stdout is not None
        threading.Thread(target=self._read, args=(process, process.stdout), daemon=True).start()
        return _Worker(number, process, log)

    def _read(self, process: subprocess.Popen[str], answers: IO[str]) -> None:
        for row in answers:
            try:
                self._news.put((process, json.loads(row)))
            except ValueError:
                continue  # the last line of a worker that was killed while writing it
        self._news.put((process, None))

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
            self._gone(worker, _death(process.wait()), waiting, report)
        elif message["message"] == "fatal":
            raise StoreWriteError(message["text"])
        elif message["message"] == "event":
            del message["message"]
            self._event(worker, Event(**message), waiting, report)
        elif message["message"] == "end":
            worker.job = None

    def _event(self, worker: _Worker, event: Event, waiting: deque[Job], report: Report) -> None:
        assert worker.job is not None
        item = worker.left.pop(event.key)
        if event.what == "error" and worker.job.attempt < self._settings.retries:
            waiting.extend(replace(worker.job, items=(item,)).singly())
        else:
            report(worker.job, item, replace(event, what="failed") if event.what == "error" else event)

    def _gone(self, worker: _Worker, cause: str, waiting: deque[Job], report: Report) -> None:
        """A worker is dead: try what it left again, one item per job, or give up what has been tried enough."""
        detail = worker.log_end()
        del self._pool[worker.number]
        if worker.job is None:
            return
        left = replace(worker.job, items=tuple(worker.left.values()))
        if left.attempt < self._settings.retries:
            waiting.extend(left.singly())
        else:
            for item in left.items:
                report(left, item, Event("failed", item.key, cause, detail))

    def _end_overdue(self, waiting: deque[Job], report: Report) -> None:
        for worker in list(self._pool.values()):
            limit = self._settings.timeout_s * max(1, len(worker.left))  # a batch may give all its songs at the end
            if worker.job and time.monotonic() - worker.last_news > limit:
                worker.end()
                self._gone(worker, f"time-out: nothing for {limit:g} s", waiting, report)


def _cores() -> int:
    """CPU cores this process may use (fewer than the machine has, in a container)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _death(status: int) -> str:
    if status >= 0:
        return f"the worker ended with exit code {status}"
    name = signal.Signals(-status).name
    hint = " (out of memory?)" if name == "SIGKILL" else ""
    return f"the worker was ended by {name}{hint}"
