"""What an engine is: something that takes jobs from a queue, runs them somewhere and reports each item."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar, Protocol, TypeAlias

from songbench.execution.jobs import Event
from songbench.execution.plan import Job, WorkItem
from songbench.execution.settings import EngineSettings
from songbench.execution.store import Store

Report: TypeAlias = Callable[[Job, WorkItem, Event], None]
"""Called for every item that is settled: stored (``done``) or given up (``failed``)."""


class JobQueue(Protocol):
    """Work that waits for workers, in the order in which it is best done.

    Jobs of several stages wait side by side: what is reported of one can make others available. A queue is used from
    the thread of `Engine.run` alone.
    """

    @property
    def finished(self) -> bool:
        """Whether all jobs that were taken are over, and nothing more will come."""

    def take(self, accept: Callable[[Job], bool] | None = None) -> Job | None:
        """The next job that can begin now; whoever takes it runs it and calls `end`.

        A worker that holds a model asks for more work of that model first:
        ``queue.take(lambda job: job.model == model) or queue.take()``.

        Args:
            accept: whether such a job would be run now. It is asked with the kind, what all items share (`Job.model`)
                and some items; those that are given may be others. None: any job.

        Returns:
            None when there is none at this moment. Ask again after every report, and every few seconds besides: another
            run on the same store may have ended something.
        """

    def end(self, job: Job, retries: Sequence[Job] = ()) -> None:
        """Say that a job is over: each of its items was reported, or is tried again.

        Args:
            job: as it was taken.
            retries: jobs of those of its items that are to be tried again, such as `Job.singly` gives.
        """


class Engine(Protocol):
    """Runs jobs. Retries and time-outs are the engine's business; what cannot be done is reported, never raised.

    A class that also has ``plan(settings, folder)``, a static method that gives a text, says there what it would ask
    of a cluster: ``--dry-run`` shows it.

    A class of this kind is declared as an entry point of the group ``songbench.engines``.

    Args:
        settings: the section ``engine`` of the run's settings, an instance of `settings_model`.
        store: where results go.
        folder: the run's folder; an engine may keep logs below ``logs``.

    Attributes:
        settings_model: what its settings are checked against.
    """

    settings_model: ClassVar[type[EngineSettings]]

    def __init__(self, settings: EngineSettings, store: Store, folder: Path) -> None: ...

    @property
    def workers(self) -> int:
        """How many jobs run at once."""

    @property
    def accelerator(self) -> bool:
        """Whether workers have one."""

    def run(self, queue: JobQueue, report: Report) -> None:
        """Run jobs of the queue until it is finished; may be called several times.

        Raises:
            StoreError: when the store can no longer be used; what was stored before is safe.
        """

    def close(self) -> None:
        """End every worker."""
