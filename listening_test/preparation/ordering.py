"""The order of a seat's pages: systems in the order of a Williams row, lyrics kept apart.

In a Williams design each treatment follows each other one equally often (E. J. Williams, "Experimental designs balanced
for the estimation of residual effects of treatments", Australian Journal of Scientific Research A 2, 1949): one square
does it for an even number of treatments, a pair of mirrored squares for an odd one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Sequence
from itertools import pairwise
from random import Random
from typing import Generic, TypeVar

from listening_test.preparation.design import Page, Pages

T = TypeVar("T", bound=Hashable)

STEPS = 2000
"""How long songs are tried in a given order of systems before the order is bent."""


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
        rows = [[name for name in row if of is None or name in of] for row in self._waiting]
        beginnings = [row[0] for row in rows]
        best = min(range(len(rows)), key=lambda n: (beginnings[n] == after, self._seams[after, beginnings[n]]))
        self._seams[after, beginnings[best]] += 1
        self._waiting.pop(best)
        return rows[best]


def carry_over(orders: Sequence[Sequence[T]]) -> dict[tuple[T, T], int]:
    """How often each treatment came directly after each other one, over several orders."""
    counts: dict[tuple[T, T], int] = {}
    for order in orders:
        for pair in pairwise(order):
            counts[pair] = counts.get(pair, 0) + 1
    return counts


def williams_order(hand: Pages, rows: RowsInTurn[tuple[str, ...]], draw: Random) -> Pages:
    """A seat's pages: block by block, each a row of the design over the treatments that the seat still has.

    Which song of a treatment comes at its place is drawn, with no lyric twice in a row. Where the rows leave no such
    order, lyrics are kept apart and the rows given up for this seat.
    """
    left = Counter(page.systems for page in hand)
    order: list[tuple[str, ...]] = []
    while left:
        row = rows.next(left, after=order[-1] if order else None)
        order += row
        left = +(left - Counter(row))
    return _fitted(hand, order, draw) or apart(hand, draw)


def _fitted(hand: Pages, order: Sequence[tuple[str, ...]], draw: Random) -> Pages | None:
    """The pages in this order of treatments, no lyric twice in a row; None when none was found."""
    shuffled = list(hand)
    draw.shuffle(shuffled)
    order_so_far: list[Page] = []
    steps = STEPS

    def go_on() -> bool:
        nonlocal steps
        if len(order_so_far) == len(order):
            return True
        crowds = Counter(page.item.prompt for page in shuffled)
        fitting = [page for page in shuffled if page.systems == order[len(order_so_far)]]
        for page in sorted(fitting, key=lambda page: -crowds[page.item.prompt]):
            steps -= 1
            if steps < 0:
                return False
            if order_so_far and order_so_far[-1].item.prompt == page.item.prompt:
                continue
            order_so_far.append(page)
            shuffled.remove(page)
            if go_on():
                return True
            shuffled.append(order_so_far.pop())
        return False

    return tuple(order_so_far) if go_on() else None


def apart(hand: Pages, draw: Random) -> Pages:
    """The pages in a drawn order with no lyric twice in a row, where that is possible at all."""
    shuffled = list(hand)
    draw.shuffle(shuffled)
    by_lyric: dict[str, list[Page]] = {}
    for page in shuffled:
        by_lyric.setdefault(page.item.prompt, []).append(page)
    order: list[Page] = []
    while any(by_lyric.values()):
        order.append(by_lyric[_next_lyric(by_lyric, order[-1].item.prompt if order else None, draw)].pop())
    return tuple(order)


def _next_lyric(by_lyric: dict[str, list[Page]], last: str | None, draw: Random) -> str:
    """A lyric other than the last; one that fills half of what is left has to come now."""
    waiting = [name for name, pages in by_lyric.items() if pages]
    left = sum(map(len, by_lyric.values()))
    pressing = [name for name in waiting if 2 * len(by_lyric[name]) > left]
    free = [name for name in pressing or waiting if name != last]
    return draw.choice(free or [name for name in waiting if name != last] or waiting)


def neighbours(lyrics: Sequence[str]) -> int:
    """How often the same lyric comes twice in a row."""
    return sum(one == two for one, two in pairwise(lyrics))


def place_between(steps: Sequence[str], lyric: str, near: int, allowed: Callable[[int], bool]) -> int:
    """Where to insert a page so that its lyric is not beside itself, as near as possible to a wanted place.

    Args:
        steps: the lyrics of the pages there are.
        lyric: of the page to insert.
        near: the wanted index.
        allowed: which indices may be used.

    Returns:
        An index from 0 to ``len(steps)``: the page comes before the one that has it now.
    """
    possible = [index for index in range(len(steps) + 1) if allowed(index)] or [len(steps)]

    def cost(index: int) -> tuple[bool, int]:
        beside = [steps[other] for other in (index - 1, index) if 0 <= other < len(steps)]
        return lyric in beside, abs(index - near)

    return min(possible, key=cost)
