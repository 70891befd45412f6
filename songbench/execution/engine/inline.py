"""The engine that works in this process: for debugging, for a debugger's sake. It cannot end a unit that hangs."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from songbench.execution.engine.assignment import Assignment
from songbench.execution.engine.protocol import JobQueue, Report
from songbench.execution.jobs import JobContext, run_job
from songbench.execution.plan import Job
from songbench.execution.settings import EngineSettings
from songbench.execution.store import Store

_PAUSE_S = 0.2
"""Until the queue is asked again when it has nothing for now."""


class InlineSettings(EngineSettings):
    """Settings of the engine ``inline``; it has one worker and no time-outs."""

    shares_memory: ClassVar[bool] = True


class InlineEngine:
    """Runs jobs one after the other.

    Args:
        settings: `retries` alone matters.
        store: where results go.
        folder: the run's folder; nothing is written there.
    """

    settings_model: ClassVar[type[EngineSettings]] = InlineSettings
    workers = 1
    accelerator = False

    def __init__(self, settings: EngineSettings, store: Store, folder: Path) -> None:
        self._context, self._retries = JobContext(store), settings.retries

    def run(self, queue: JobQueue, report: Report) -> None:
        """Run the jobs one after the other, those of one model together."""
        same_model: Callable[[Job], bool] | None = None
        while not queue.finished:
            job = (same_model and queue.take(same_model)) or queue.take()
            if job is None:
                time.sleep(_PAUSE_S)
                continue
            assignment = Assignment(job, self._retries)
            for event in run_job(job.to_json(), self._context):
                assignment.settle(event, report)
            assignment.end(queue)
            same_model = job.shares_model

    def close(self) -> None:
        """Nothing to end."""
