"""Work that is done in a thread while this one goes on: one piece at a time, none of them lost."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

T = TypeVar("T")


class Sidework(Generic[T]):
    """A thread for one piece of work, used as a context: when that ends, however it ends, the work has been done."""

    def __init__(self) -> None:
        self._thread: ThreadPoolExecutor | None = None
        self._pieces: deque[Future[T]] = deque()  # whose results nobody has taken yet

    def __enter__(self) -> Sidework[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread is not None:
            self._thread.shutdown(wait=True)

    def wait(self) -> None:
        """Wait until the work so far is done, so that there is never more than one piece; errors are kept."""
        if self._pieces:
            from concurrent.futures import wait

            wait(self._pieces)

    def begin(self, work: Callable[[], T]) -> None:
        """Have a piece of work done."""
        if self._thread is None:
            from concurrent.futures import ThreadPoolExecutor

            self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sidework")
        self._pieces.append(self._thread.submit(work))

    def results(self) -> Iterator[T]:
        """What the work that is done has given, each once, in order.

        Raises:
            Exception: what the work raised.
        """
        while self._pieces and self._pieces[0].done():
            yield self._pieces.popleft().result()

    def rest(self) -> Iterator[T]:
        """The same of all work, once it is done."""
        self.wait()
        yield from self.results()
