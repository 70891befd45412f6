"""Queues of jobs, as engines take from them (`songbench.execution.engine.protocol.JobQueue`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from songbench.execution.plan import Job


class ListedJobs:
    """Jobs that can all begin at once, given in their order, and what is tried again after them.

    Args:
        jobs: the work.
    """

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._waiting = list(reversed(jobs))
        self._retries: list[Job] = []
        self._running = 0

    @property
    def finished(self) -> bool:
        """Whether all jobs are over."""
        return not (self._waiting or self._retries or self._running)

    def take(self, accept: Callable[[Job], bool] | None = None) -> Job | None:
        """The next job if it is accepted."""
        jobs, place = (self._waiting, -1) if self._waiting else (self._retries, 0)
        if not jobs or (accept and not accept(jobs[place])):
            return None
        self._running += 1
        return jobs.pop(place)

    def end(self, job: Job, retries: Sequence[Job] = ()) -> None:
        """A job is over."""
        self._running -= 1
        self._retries.extend(retries)
