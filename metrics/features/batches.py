"""Pieces of several recordings processed in full batches, and the results handed on in the recordings' order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, Protocol, TypeVar

from songbench.domain.song import Failure
from songbench.plugin import Feature

Piece = TypeVar("Piece", covariant=True)
Answer = TypeVar("Answer", contravariant=True)


class Work(Protocol[Piece, Answer]):
    """One recording on its way through a model."""

    def pieces(self) -> Iterator[Piece]:
        """What the model has to hear, in order; made only when there is room in a batch."""

    def take(self, answer: Answer) -> None:
        """The model's answer to the next piece, in the pieces' order."""

    def result(self) -> Feature:
        """The feature, once all pieces are answered."""


def in_batches(
    works: Iterable[Work[Piece, Answer] | Failure],
    answer: Callable[[Sequence[Piece]], Iterable[Answer]],
    size: int,
) -> Iterator[Feature | Failure]:
    """Run a model over the pieces of many recordings, `size` at a time, whichever recording they belong to.

    Only as many recordings are in memory as have pieces in the present batch.

    Args:
        works: the recordings; a failure passes through at its place.
        answer: the model: one answer per piece, which must not depend on the other pieces.
        size: pieces in a batch; the last one may be smaller.

    Yields:
        One result per recording, in order.
    """
    waiting: deque[_Place[Piece, Answer] | Failure] = deque()
    batch: list[tuple[_Place[Piece, Answer], Piece]] = []
    for work in works:
        if isinstance(work, Failure):
            waiting.append(work)
        else:
            place = _Place(work)
            waiting.append(place)
            for piece in work.pieces():
                place.open += 1
                batch.append((place, piece))
                if len(batch) == size:
                    _run(batch, answer)
        yield from _finished(waiting)
    _run(batch, answer)
    yield from _finished(waiting)


class _Place(Generic[Piece, Answer]):
    """A recording in the queue and how many of its pieces have no answer yet."""

    def __init__(self, work: Work[Piece, Answer]) -> None:
        self.work, self.open = work, 0


def _run(
    batch: list[tuple[_Place[Piece, Answer], Piece]], answer: Callable[[Sequence[Piece]], Iterable[Answer]]
) -> None:
    if not batch:
        return
    for (place, _), result in zip(batch, answer([piece for _, piece in batch]), strict=True):
        place.work.take(result)
        place.open -= 1
    batch.clear()


def _finished(waiting: deque[_Place[Piece, Answer] | Failure]) -> Iterator[Feature | Failure]:
    while waiting:
        first = waiting[0]
        if isinstance(first, Failure):
            yield first
        elif first.open:
            return
        else:
            yield first.work.result()
        waiting.popleft()
