"""A worker process: reads jobs as JSON lines, does them, answers with JSON lines.

Started as ``python -m songbench.execution.engine.worker STORE``. It ends as soon as its parent does, however the parent
ends: what it had not stored by then is simply not there, and a later run does it again.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from dataclasses import asdict
from typing import IO

from songbench.domain.errors import SongbenchError
from songbench.execution.jobs import Workbench, run_job
from songbench.execution.store import Store


def _take_over_stdout() -> IO[str]:
    """Keep the real stdout for answers and send everything else that prints (libraries do) to the log."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    return answers


def _read_jobs(jobs: queue.Queue[str]) -> None:
    for row in sys.stdin:
        jobs.put(row)
    os._exit(0)  # the parent is gone or has closed us; even a job that hangs in native code must not outlive it


def main() -> None:
    """Serve until the parent closes our input."""
    answers = _take_over_stdout()
    bench = Workbench(Store(sys.argv[1]))
    jobs: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_read_jobs, args=(jobs,), daemon=True).start()

    def answer(**message: object) -> None:
        answers.write(json.dumps(message, ensure_ascii=False) + "\n")

    answer(message="ready")
    while True:
        job = json.loads(jobs.get())
        try:
            for event in run_job(job, bench):
                answer(message="event", **asdict(event))
        except SongbenchError as error:
            answer(message="fatal", text=str(error))
            continue
        answer(message="end")


if __name__ == "__main__":
    main()
