"""A worker process as its engine sees it: started, given jobs, listened to, ended with all it has started."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TypeAlias

from songbench.execution.engine.messages import Message, decode
from songbench.execution.jobs import DETAIL_CHARACTERS
from songbench.execution.plan import Job, WorkItem

LONGEST = 1 << 20
"""Characters of a line beyond which it is taken for garbage; causes and details of events are short."""


@dataclass(frozen=True)
class Garbage:
    """Something in the channel that is no message; nothing after it can be trusted."""

    begins: str


News: TypeAlias = "tuple[subprocess.Popen[str], Message | Garbage | None]"
"""What a process said; None: its channel is closed."""


@dataclass(kw_only=True)
class WorkerProcess:
    """A running worker process and what it is doing.

    Attributes:
        number: its place among the workers.
        process: leads a process group of its own.
        log: what it prints.
        job: what it does now, or None.
        items: of the job, by key.
        left: those that have had no event yet.
        last_news: when it last said something, or was given the job.
    """

    number: int
    process: subprocess.Popen[str]
    log: Path
    job: Job | None = None
    items: dict[str, WorkItem] = field(default_factory=dict)
    left: dict[str, WorkItem] = field(default_factory=dict)
    last_news: float = 0.0

    @classmethod
    def start(
        cls, number: int, store_url: str, log: Path, variables: Mapping[str, str], news: queue.Queue[News]
    ) -> WorkerProcess:
        """Start it.

        Args:
            number: its place among the workers.
            store_url: where it puts results.
            log: what it prints is appended there.
            variables: of its environment, beside those of this process.
            news: what it says goes there.
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        token = secrets.token_hex(8)
        with open(log, "a", encoding="utf-8") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "songbench.execution.engine.worker", store_url, token],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                encoding="utf-8",
                errors="replace",
                env={**os.environ, **variables, "PYTHONUNBUFFERED": "1"},
                start_new_session=True,  # Ctrl-C reaches the parent alone, which then ends its workers in order
            )
        assert process.stdout is not None
        threading.Thread(target=_listen, args=(process, process.stdout, token, news), daemon=True).start()
        return cls(number=number, process=process, log=log)

    def give(self, job: Job) -> None:
        """Hand over a job."""
        self.items = {item.key: item for item in job.items}
        self.job, self.left, self.last_news = job, dict(self.items), time.monotonic()
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it died; its reader reports that
            self.process.stdin.write(json.dumps(job.to_json()) + "\n")
            self.process.stdin.flush()

    def end(self) -> int:
        """Kill it with everything it has started, in its process group or out of it; returns the exit status."""
        import psutil

        with contextlib.suppress(psutil.Error):
            for child in psutil.Process(self.process.pid).children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    child.kill()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        return self.process.wait()

    def log_end(self) -> str:
        """The end of what it printed."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-DETAIL_CHARACTERS:]


def _listen(process: subprocess.Popen[str], answers: IO[str], token: str, news: queue.Queue[News]) -> None:
    while row := answers.readline(LONGEST):
        try:
            message = decode(row, token)
        except ValueError:
            if row.endswith("\n") or len(row) == LONGEST:  # else the last line of one that was killed while writing it
                news.put((process, Garbage(row[:80])))
            break
        news.put((process, message))
    while answers.read(LONGEST):  # or it would wait for us to make room
        pass
    news.put((process, None))


def cause_of_death(status: int) -> str:
    """In words, from an exit status as `subprocess` gives it."""
    if status >= 0:
        return f"the worker ended with exit code {status}"
    name = signal.Signals(-status).name
    hint = " (out of memory?)" if name == "SIGKILL" else ""
    return f"the worker was ended by {name}{hint}"
