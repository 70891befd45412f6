"""Answers that come while others are being written: they are written together next, and wait for the disk together.

With few raters an answer finds nobody before it and is written at once, by itself. With hundreds, the time that a
transaction takes, most of it for the disk and for the database's own work, is shared by as many as came meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from anyio import to_thread

Reply = dict[str, Any]
MOST = 64
"""Answers of one transaction: their raters wait for all of them."""


class AnswerQueue:
    """Takes answers in the order in which they come; used on one event loop.

    Args:
        take: what a thread does with answers that wait together; one reply for each, after the commit.
    """

    def __init__(self, take: Callable[[Sequence[object]], list[Reply]]) -> None:
        """Begin with none."""
        self._take = take
        self._waiting: list[tuple[object, asyncio.Future[Reply]]] = []
        self._work: asyncio.Task[None] | None = None

    async def answer(self, payload: object) -> Reply:
        """The reply to an answer, once it is on disk."""
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting.append((payload, future))
        if self._work is None:
            self._work = asyncio.create_task(self._take_all())
        return await future

    async def _take_all(self) -> None:
        try:
            while self._waiting:
                together, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                await self._take_together(together)
        finally:
            self._work = None

    async def _take_together(self, together: list[tuple[object, asyncio.Future[Reply]]]) -> None:
        try:
            replies = await to_thread.run_sync(self._take, [payload for payload, _ in together])
        except Exception as error:
            for _, future in together:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), reply in zip(together, replies, strict=True):
            if not future.done():  # whoever waited may have been told to stop
                future.set_result(reply)
