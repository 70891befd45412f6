"""A worker process of the local engine: does jobs and tells of each item as soon as it is settled.

Started as ``python -m songbench.execution.engine.worker TOKEN``. It ends as soon as its parent does, however the parent
ends: what it had not stored by then is simply not there, and a later run does it again.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from songbench.contracts.memory import MemoryNeed
from songbench.execution.jobs import JobContext, run_job
from songbench.execution.store import Store
from songbench.resources.processes.host import serve


class Worker:
    """Does jobs on one store.

    Args:
        settings: ``store``: its URL; ``spare_core``: as of `JobContext`.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        with contextlib.suppress(OSError):  # where memory ends all the same, a worker goes rather than the run
            Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")
        self._context = JobContext(Store(settings["store"]), spare_core=settings.get("spare_core", False))

    def run(self, job: Mapping[str, Any], memory: Mapping[str, int] | None = None) -> Iterator[dict[str, Any]]:
        """The events of a job, as JSON.

        Args:
            job: as `Job.to_json` gives it.
            memory: ``share``: bytes for models and their work; ``resident`` and ``working``: what the job needs of it.

        Raises:
            StoreError: results cannot be stored.
        """
        if memory:
            self._context.divide(memory["share"], MemoryNeed(memory["resident"], memory["working"]))
        for event in run_job(job, self._context):
            yield asdict(event)


if __name__ == "__main__":
    serve(lambda: Worker, sys.argv[-1])
