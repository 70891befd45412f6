"""A job in the hands of a worker: what of it is settled, what is tried again, what is given up."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from songbench.execution.engine.protocol import JobQueue, Report
from songbench.execution.intact_records import IntactRecords
from songbench.execution.jobs import Event
from songbench.execution.memory_needs import ran_out_of_memory
from songbench.execution.plan import Job, WorkItem
from songbench.execution.store import Store
from songbench.execution.store_layout import Kind

RESULTS: Mapping[str, Kind] = {"generate": "songs", "score": "scores", "score_set": "scores", "asset": "assets"}
"""Where the results of each kind of job are stored."""


class AnswerError(ValueError):
    """What a worker said fits no job that it has: nothing more is to be expected of it."""


class Assignment:
    """A job that was taken from a queue and given to a worker.

    Args:
        job: as it was taken.
        attempts: how often an item is tried again.
        starved: takes the keys of items that ran out of memory and are tried again, those too of which the plug-in says
            so itself: of an engine that lets nothing else run beside them. None: memory is not the engine's business.

    Attributes:
        unsettled: the items that have had no event yet, by key.
        last_event_s: when it was given, or last settled an item, by the monotonic clock.
    """

    def __init__(self, job: Job, attempts: int, starved: set[str] | None = None) -> None:
        self.job = job
        self.unsettled = {item.key: item for item in job.items}
        self.last_event_s = time.monotonic()
        self._items: Mapping[str, WorkItem] = dict(self.unsettled)
        self._last_attempt = job.attempt >= attempts
        self._starved = starved
        self._retries: list[Job] = []

    def hear(self, answer: Any, report: Report) -> None:
        """Settle the item that a worker speaks of.

        Args:
            answer: an `Event` as it was sent.
            report: as of `settle`.

        Raises:
            AnswerError: when it is no event, or one of no item that the worker was given.
        """
        try:
            event = Event.from_json(answer)
        except ValueError as error:
            raise AnswerError(str(error)) from None
        self.settle(event, report)

    def settle(self, event: Event, report: Report) -> None:
        """Report an item, or have it tried again.

        Raises:
            AnswerError: when the event is of no item that the worker was given.
        """
        item, first = self._items.get(event.key), event.key in self.unsettled
        if item is None or (not first and event.status == "done"):
            raise AnswerError(f"the worker answered for an item it was not given: {event.key[:80]!r}")
        self.last_event_s = time.monotonic()
        if event.status != "stray":
            self.unsettled.pop(event.key, None)
        ended_of_memory = event.status == "failed" and first and self._starves(event.cause)
        if (event.status == "error" or ended_of_memory) and not self._last_attempt:
            self._retries += self._again([item], event.cause)
        else:
            report(self.job, item, replace(event, status="failed") if event.status == "error" else event)

    def time_out(self, timeout_s: float) -> str:
        """Why it has taken too long; "" while it has not.

        Args:
            timeout_s: of each item; all that are left may come together, at the end.
        """
        limit_s = timeout_s * max(1, len(self.unsettled))
        return f"time-out: nothing for {limit_s:g} s" if time.monotonic() - self.last_event_s > limit_s else ""

    def end(self, queue: JobQueue) -> None:
        """The job is over: every item was settled."""
        queue.end(self.job, self._retries)

    def put_back(self, queue: JobQueue) -> None:
        """The worker had to leave, through no fault of the job's: what it left is done as if it had not begun."""
        left = replace(self.job, items=tuple(self.unsettled.values()))
        queue.end(self.job, [*self._retries, *([left] if left.items else [])])

    def give_up(
        self, queue: JobQueue, report: Report, store: Store, *, cause: str, last_words: Callable[[], str]
    ) -> None:
        """The worker is lost: what it left is tried again, one item per job, or was tried often enough.

        Args:
            queue: learns what is tried again.
            report: takes what is given up, and what was stored already although the worker could not say so any more.
            store: where results are.
            cause: why the worker is lost.
            last_words: what it said last; asked only when something is given up.
        """
        records, left = IntactRecords(store), []
        detail = last_words() if self._last_attempt and self.unsettled else ""
        for item in self.unsettled.values():
            kind = RESULTS.get(self.job.kind)
            if kind is not None and records.find(kind, item.key) is not None:
                report(self.job, item, Event(status="done", key=item.key))
            elif self._last_attempt:
                report(self.job, item, Event(status="failed", key=item.key, cause=cause, detail=detail))
            else:
                left.append(item)
        queue.end(self.job, [*self._retries, *self._again(left, cause)])

    def _starves(self, cause: str) -> bool:
        """Whether it helps to try again what failed so, with nothing beside it."""
        return self._starved is not None and ran_out_of_memory(cause)

    def _again(self, items: Sequence[WorkItem], cause: str) -> list[Job]:
        """The same work as another attempt."""
        if self._starved is not None and self._starves(cause):
            self._starved.update(item.key for item in items)
        return replace(self.job, items=tuple(items)).singly()
