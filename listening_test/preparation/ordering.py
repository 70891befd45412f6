"""The order of a seat's pages: systems in the order of a Williams row, lyrics kept apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from random import Random

from listening_test.preparation.design import Page, Pages
from listening_test.preparation.williams import RowsInTurn

STEPS = 2000
"""How long songs are tried in a given order of systems before the order is bent."""


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
    chosen: list[Page] = []
    steps = STEPS

    def go_on() -> bool:
        nonlocal steps
        if len(chosen) == len(order):
            return True
        crowds = Counter(page.item.prompt for page in shuffled)
        fitting = [page for page in shuffled if page.systems == order[len(chosen)]]
        for page in sorted(fitting, key=lambda page: -crowds[page.item.prompt]):
            steps -= 1
            if steps < 0:
                return False
            if chosen and chosen[-1].item.prompt == page.item.prompt:
                continue
            chosen.append(page)
            shuffled.remove(page)
            if go_on():
                return True
            shuffled.append(chosen.pop())
        return False

    return tuple(chosen) if go_on() else None


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
