"""Williams designs: orders in which each treatment follows each other one equally often.

E. J. Williams, "Experimental designs balanced for the estimation of residual effects of treatments", Australian Journal
of Scientific Research A 2, 1949: one square does it for an even number of treatments, a pair of mirrored squares for an
odd one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Sequence
from itertools import pairwise
from random import Random
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


def williams_rows(count: int) -> tuple[tuple[int, ...], ...]:
    """The rows of the design: `count` of them for an even number of treatments, twice as many for an odd one above 1.

    Each treatment stands in each place equally often, and each ordered pair of neighbours occurs equally often.
    """
    if count < 1:
        raise ValueError("a design needs a treatment")
    first = [0]
    for step in range(1, count):
        first.append((count - first[-1]) % count if step % 2 == 0 else (step + 1) // 2)
    rows = [tuple((place + shift) % count for place in first) for shift in range(count)]
    if count % 2 and count > 1:
        rows += [tuple(reversed(row)) for row in rows]
    return tuple(rows)


class RowsInTurn(Generic[T]):
    """Hands out the rows of a design over named treatments, each equally often.

    Args:
        treatments: their names.
        draw: decides which name stands for which number, and the order of the rows.
    """

    def __init__(self, treatments: Sequence[T], draw: Random) -> None:
        names = list(treatments)
        draw.shuffle(names)
        self._rows = [tuple(names[number] for number in row) for row in williams_rows(len(names))]
        draw.shuffle(self._rows)
        self._waiting = list(self._rows)
        self._seams: Counter[tuple[Hashable, Hashable]] = Counter()

    def next(self, of: Collection[T] | None = None, after: T | None = None) -> list[T]:
        """The next row, of the treatments in `of` only.

        Of the rows whose turn has not come yet, the one whose beginning has followed `after` least often so far, and
        not `after` itself where another can be had: rows are balanced inside, this keeps their seams near to it.
        """
        if not self._waiting:
            self._waiting = list(self._rows)
        shown = [[name for name in row if of is None or name in of] for row in self._waiting]
        beginnings = [row[0] for row in shown]
        chosen = min(range(len(shown)), key=lambda n: (beginnings[n] == after, self._seams[after, beginnings[n]]))
        self._seams[after, beginnings[chosen]] += 1
        self._waiting.pop(chosen)
        return shown[chosen]


def carry_over(orders: Sequence[Sequence[T]]) -> dict[tuple[T, T], int]:
    """How often each treatment came directly after each other one, over several orders."""
    found: dict[tuple[T, T], int] = {}
    for order in orders:
        for pair in pairwise(order):
            found[pair] = found.get(pair, 0) + 1
    return found
