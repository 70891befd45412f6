"""Who hears what: pages for every seat, balanced over systems, songs, orders and sides. Pure; same seed, same pages.

Promised, and proven by `coverage.prove` for every assignment that is used:

- every rater meets every system (``acr``) or pair of systems equally often, give or take one;
- every song (``acr``), every pair of songs, every item's page gets equally many votes, give or take one;
- every rater meets a lyric at most once per system; with `lyrics_once`, and always where pages hold more than one song,
  at most once at all;
- no two pages with the same lyric come one after the other, unless one lyric makes up more than half of the pages;
- each pair is heard in both orders equally often, give or take one, by each rater and over all.

Systems follow each other in Williams designs. Where songs are missing, "equally often" refers to the songs there are.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from random import Random
from typing import Any

import numpy as np

from listening_test.preparation.design import Design, Pages, cells, most_pages, treatments
from listening_test.preparation.equitable import Groups, Votes
from listening_test.preparation.ordering import apart, williams_order
from listening_test.preparation.sides import with_sides
from listening_test.preparation.subsets import with_subsets
from listening_test.preparation.williams import RowsInTurn

SLACKS = (0, 1)
"""How far a rater's number of pages with each system may be from even, where pages are pairs: tried in this order."""


def assign(design: Design) -> tuple[Pages, ...]:
    """The test pages of every seat, in order.

    Raises:
        ValueError: for fewer than one page per seat, or more than `most_pages`.
    """
    if not 1 <= design.pages <= most_pages(design):
        raise ValueError(f"{design.pages} pages per seat, possible are 1 to {most_pages(design)}")
    draw = Random(f"assignment {design.seed}")
    hands = _hands(design)
    draw.shuffle(hands)
    if design.continuous:
        return with_subsets([apart(hand, draw) for hand in hands], design, draw)
    rows = RowsInTurn(treatments(design), draw)
    ordered = [williams_order(hand, rows, draw) for hand in hands]
    return with_sides(ordered, draw) if design.pairwise else tuple(ordered)


def _hands(design: Design) -> list[Pages]:
    """Which pages each seat has, in no particular order."""
    possible = cells(design)
    numbers = np.random.default_rng(design.seed)
    groups = Groups(len(possible), _families(possible))
    met = np.vstack([[system in page.systems for page in possible] for system in design.systems]).astype(np.int64)
    left = groups.spread(design.seats * design.pages, numbers)
    hands = []
    for seats in range(design.seats, 0, -1):
        wishes = _even_systems(met, left, seats) if design.pairwise else ()
        share = groups.hand(left, seats, numbers, wishes)
        left = left - share
        hands.append(tuple(page for page, votes in zip(possible, share, strict=True) if votes))
    return hands


def _families(possible: Pages) -> list[Sequence[Hashable]]:
    """Item within prompt; item with systems within prompt with systems within systems."""
    return [
        [page.item.prompt for page in possible],
        [page.item for page in possible],
        [page.systems for page in possible],
        [(page.item.prompt, page.systems) for page in possible],
    ]


def _even_systems(met: Votes, left: Votes, seats: int) -> Iterator[dict[str, Any]]:
    """Each system on as many of the rater's pages as any other: a wish, as pairs cannot always grant it."""
    fair = met @ left
    for slack in SLACKS:
        yield {"A": met, "lb": fair // seats - slack, "ub": -(-fair // seats) + slack}
