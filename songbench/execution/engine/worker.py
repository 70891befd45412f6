"""A worker process of the local engine: does jobs and tells of each item as soon as it is settled.

Started as ``python -m songbench.execution.engine.worker TOKEN``. It ends as soon as its parent does, however the parent
ends: what it had not stored by then is simply not there, and a later run does it again.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from songbench.execution.jobs import JobContext, run_job
from songbench.execution.store import Store
from songbench.resources.processes.host import serve


class Worker:
    """Does jobs on one store.

    Args:
        settings: ``store``: its URL.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._context = JobContext(Store(settings["store"]))

    def run(self, job: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The events of a job (`Job.to_json`), as JSON.

        Raises:
            StoreError: results cannot be stored.
        """
        for event in run_job(job, self._context):
            yield asdict(event)


if __name__ == "__main__":
    serve(lambda: Worker, sys.argv[-1])
