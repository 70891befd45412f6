"""A worker process: reads jobs as JSON lines, does them, answers with the lines of `messages`.

Started as ``python -m songbench.execution.engine.worker STORE TOKEN``. It ends as soon as its parent does, however the
parent ends: what it had not stored by then is simply not there, and a later run does it again.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from typing import IO

from songbench.domain.errors import StoreError
from songbench.execution.engine.messages import End, Fatal, Message, Ready, encode
from songbench.execution.jobs import JobContext, run_job
from songbench.execution.store import Store


class _Channel:
    """The real stdin and stdout, under numbers that nobody else knows and no child inherits.

    What libraries print goes to the log, and programs they start find an empty input instead of our jobs. A forked
    process that goes on in our code has no business with the engine: it ends at its first answer.
    """

    def __init__(self, token: str) -> None:
        self.jobs: IO[str] = os.fdopen(os.dup(0), encoding="utf-8")
        self._answers: IO[str] = os.fdopen(os.dup(1), "w", encoding="ascii", buffering=1)
        self._token, self._process = token, os.getpid()
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        os.register_at_fork(after_in_child=self._let_go)

    def answer(self, message: Message) -> None:
        if os.getpid() != self._process:
            os._exit(1)
        self._answers.write(encode(message, self._token))

    def _let_go(self) -> None:
        for stream in (self.jobs, self._answers):
            os.close(stream.fileno())


def _read_jobs(rows: IO[str], jobs: queue.Queue[str]) -> None:
    for row in rows:
        jobs.put(row)
    os._exit(0)  # the parent is gone or has closed us; even a job that hangs in native code must not outlive it


def main() -> None:
    """Serve until the parent closes our input."""
    store, token = sys.argv[1:]
    channel = _Channel(token)
    context = JobContext(Store(store))
    jobs: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_read_jobs, args=(channel.jobs, jobs), daemon=True).start()
    channel.answer(Ready())
    while True:
        job = json.loads(jobs.get())
        try:
            for event in run_job(job, context):
                channel.answer(event)
        except StoreError as error:
            channel.answer(Fatal(str(error)))
            continue
        channel.answer(End())


if __name__ == "__main__":
    main()
