"""A job in the hands of a worker: what of it is settled, what is tried again, what is given up."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

from songbench.execution.engine.protocol import JobQueue, Report
from songbench.execution.intact_records import IntactRecords
from songbench.execution.jobs import Event
from songbench.execution.plan import Job, WorkItem
from songbench.execution.store import Kind, Store

RESULTS: Mapping[str, Kind] = {"generate": "songs", "score": "scores", "score_set": "scores", "asset": "assets"}
"""Where the results of each kind of job are stored."""


class Assignment:
    """A job that was taken from a queue and given to a worker.

    Args:
        job: as it was taken.
        attempts: how often an item is tried again.

    Attributes:
        unsettled: the items that have had no event yet, by key.
        last_event_s: when it was given, or last settled an item, by the monotonic clock.
    """

    def __init__(self, job: Job, attempts: int) -> None:
        self.job = job
        self.unsettled = {item.key: item for item in job.items}
        self.last_event_s = time.monotonic()
        self._items: Mapping[str, WorkItem] = dict(self.unsettled)
        self._last_attempt = job.attempt >= attempts
        self._retries: list[Job] = []

    def settle(self, event: Event, report: Report) -> None:
        """Report an item, or have it tried again.

        Raises:
            ValueError: when the event is of no item that the worker was given.
        """
        item = self._items.get(event.key)
        if item is None or (event.key not in self.unsettled and event.status == "done"):
            raise ValueError(f"the worker answered for an item it was not given: {event.key[:80]!r}")
        self.last_event_s = time.monotonic()
        if event.status != "stray":
            self.unsettled.pop(event.key, None)
        if event.status == "error" and not self._last_attempt:
            self._retries += replace(self.job, items=(item,)).singly()
        else:
            report(self.job, item, replace(event, status="failed") if event.status == "error" else event)

    def end(self, queue: JobQueue) -> None:
        """The job is over: every item was settled."""
        queue.end(self.job, self._retries)

    def put_back(self, queue: JobQueue) -> None:
        """The worker had to leave, through no fault of the job's: what it left is done as if it had not begun."""
        left = replace(self.job, items=tuple(self.unsettled.values()))
        queue.end(self.job, [*self._retries, *([left] if left.items else [])])

    def give_up(self, queue: JobQueue, report: Report, store: Store, *, cause: str, detail: str = "") -> None:
        """The worker is lost: what it left is tried again, one item per job, or was tried often enough.

        Args:
            queue: learns what is tried again.
            report: takes what is given up, and what was stored already although the worker could not say so any more.
            store: where results are.
            cause: why the worker is lost.
            detail: what it said last.
        """
        records, left = IntactRecords(store), []
        for item in self.unsettled.values():
            kind = RESULTS.get(self.job.kind)
            if kind is not None and records.find(kind, item.key) is not None:
                report(self.job, item, Event(status="done", key=item.key))
            elif self._last_attempt:
                report(self.job, item, Event(status="failed", key=item.key, cause=cause, detail=detail))
            else:
                left.append(item)
        queue.end(self.job, [*self._retries, *replace(self.job, items=tuple(left)).singly()])
