"""Who hears what: pages for every seat, balanced over systems, songs, orders and sides. Pure; same seed, same pages.

Promised, and proven by `coverage.prove` for every assignment that is used:

- every rater meets every system (``acr``) or pair of systems equally often, give or take one;
- every song (``acr``), every pair of songs, every item's page gets equally many votes, give or take one;
- every rater meets a lyric at most once per system; with `lyrics_once`, and always where pages hold more than one song,
  at most once at all;
- no two pages with the same lyric come one after the other, unless one lyric makes up more than half of the pages;
- each pair is heard in both orders equally often, give or take one, by each rater and over all.

Systems follow each other in Williams designs (`ordering`). Where songs are missing, "equally often" refers to the songs
there are.

Pages are shared out evenly by flows (`Groups`): the groups of pages that have to be shared evenly lie in two trees
(item within prompt; system), and flows between whole bounds have whole solutions, so every rater can get the
rounded-down or the rounded-up share of *every* group at once. This is D. de Werra's theorem on balanced edge colourings
of bipartite multigraphs ("Balanced schedules", INFOR 9, 1971), found here by linear programming, one rater after the
other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from random import Random
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from listening_test.preparation.design import Design, ItemName, Page, Pages, cells, most_pages, treatments
from listening_test.preparation.ordering import RowsInTurn, apart, williams_order

SLACKS = (0, 1)
"""How far a rater's number of pages with each system may be from even, where pages are pairs: tried in this order."""

Votes: TypeAlias = npt.NDArray[np.int64]
NODES = 300
"""How far a search for an even better share goes before it settles for less."""
_STEEP = 1000.0
"""Evenness within a rater comes before evenness over all."""


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
    """Each system on as many of the rater's pages as any other: a wish, as pairs cannot always grant it.

    `met` has shape (systems, cells), `left` (cells,).
    """
    fair = met @ left
    for slack in SLACKS:
        yield {"A": met, "lb": fair // seats - slack, "ub": -(-fair // seats) + slack}


class Groups:
    """Which cells belong together.

    Args:
        cells: how many there are.
        families: per family, the name of the group of each cell. Each family has to be a level of one of two trees.
    """

    def __init__(self, cells: int, families: Sequence[Sequence[Hashable]]) -> None:
        from scipy import sparse

        self.cells = cells
        blocks = [np.ones((1, cells), dtype=np.int64), *(incidence(family) for family in families)]
        self.matrix = sparse.csr_matrix(np.vstack(blocks))

    def spread(self, total: int, draw: np.random.Generator) -> Votes:
        """`total` votes over all cells; every cell and every group gets its share, rounded up or down.

        Shape (cells,).
        """
        sizes = self.matrix @ np.ones(self.cells, dtype=np.int64)
        share = np.full(self.cells, total, dtype=np.int64)
        return self._solve_whole(sizes * total, share, self.cells, draw)

    def hand(
        self, votes: Votes, hands: int, draw: np.random.Generator, wishes: Iterable[Mapping[str, Any]] = ()
    ) -> Votes:
        """What one of `hands` gets of the votes that are left: of every cell and group its share, up or down.

        Args:
            votes: per cell, what is left, shape (cells,).
            hands: how many are still to be served, this one included.
            draw: chooses among the many solutions.
            wishes: further constraints (``A``, ``lb``, ``ub``), the most demanding first; without those
                that cannot be met within `NODES` steps.
        """
        for wish in wishes:
            solution = self._solve(self.matrix @ votes, votes, hands, draw, wish)
            if solution is not None:
                return solution
        return self._solve_whole(self.matrix @ votes, votes, hands, draw)

    def _solve_whole(self, sums: Votes, votes: Votes, parts: int, draw: np.random.Generator) -> Votes:
        """A solution that must exist; shapes as in `_solve`."""
        solution = self._solve(sums, votes, parts, draw, {})
        if solution is None:
            raise RuntimeError("the groups do not lie in two trees, or a group is larger than its share")
        return solution

    def _solve(
        self, sums: Votes, votes: Votes, parts: int, draw: np.random.Generator, wish: Mapping[str, Any]
    ) -> Votes | None:
        """Whole votes within the bounds, shape (cells,), None where there are none; sums have shape (groups,)."""
        from scipy.optimize import Bounds, LinearConstraint, milp

        constraints = [LinearConstraint(self.matrix, sums // parts, -(-sums // parts))]
        options: dict[str, float] = {}
        if wish:
            constraints.append(LinearConstraint(**wish))
            options = {"mip_rel_gap": 1.0, "node_limit": NODES}
        solution = milp(
            draw.random(self.cells),
            integrality=np.ones(self.cells),
            bounds=Bounds(votes // parts, -(-votes // parts)),
            constraints=constraints,
            options=options,
        )
        return None if solution.x is None else np.rint(solution.x).astype(np.int64)


def incidence(family: Sequence[Hashable]) -> npt.NDArray[np.int64]:
    """A row per group, in order of first appearance, with 1 where a cell belongs to it. Shape (groups, cells)."""
    numbers = {name: number for number, name in enumerate(dict.fromkeys(family))}
    matrix = np.zeros((len(numbers), len(family)), dtype=np.int64)
    for cell, name in enumerate(family):
        matrix[numbers[name], cell] = 1
    return matrix


def with_sides(seats: Sequence[Pages], draw: Random) -> tuple[Pages, ...]:
    """Turn pairs so that each is heard in both orders equally often, give or take one.

    First by each rater, then over all raters, then for each item; then each rater hears each system as A about as often
    as as B. What is still open is drawn.
    """
    overall: Counter[tuple[str, ...]] = Counter()
    by_item: Counter[tuple[ItemName, tuple[str, ...]]] = Counter()
    turned = []
    for pages in seats:
        by_rater: Counter[tuple[str, ...]] = Counter()
        first: Counter[str] = Counter()
        result = []
        for item, (first_system, second_system) in pages:
            pair = (first_system, second_system)
            lead = (by_rater[pair], overall[pair], by_item[item, pair], first[first_system] - first[second_system])
            sign = next((-1 if excess > 0 else 1 for excess in lead if excess), None) or draw.choice((1, -1))
            for count in (by_rater, overall):
                count[pair] += sign
            by_item[item, pair] += sign
            first[first_system] += sign
            first[second_system] -= sign
            result.append(Page(item, pair if sign > 0 else (second_system, first_system)))
        turned.append(tuple(result))
    return tuple(turned)


def with_subsets(seats: Sequence[Pages], design: Design, draw: Random) -> tuple[Pages, ...]:
    """Cut every page to `design.per_page` systems: each rater meets every system equally often, give or take one.

    Over all raters the votes of the songs of an item stay close to each other: songs with the fewest votes go first.
    """
    if design.per_page >= len(design.systems):
        return tuple(seats)
    votes: Counter[tuple[ItemName, str]] = Counter()
    total: Counter[str] = Counter()
    result = []
    for pages in seats:
        cut_pages = _rater_pages(pages, design, votes, total, draw)
        votes.update((page.item, system) for page in cut_pages for system in page.systems)
        total.update(system for page in cut_pages for system in page.systems)
        result.append(cut_pages)
    return tuple(result)


def _rater_pages(
    pages: Pages, design: Design, votes: Counter[tuple[ItemName, str]], total: Counter[str], draw: Random
) -> Pages:
    """One rater's pages: a flow from pages through songs to systems, where the n-th page of a system costs n.

    A flow of least cost between whole bounds is whole, so that linear programming finds it.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    songs = [(number, system) for number, page in enumerate(pages) for system in page.systems]
    units = [(system, count) for system in design.systems for count in range(len(pages))]
    least = min(total.values(), default=0)
    cost = [votes[pages[number].item, system] + draw.random() / 2 for number, system in songs]
    cost += [_STEEP * count + (total[system] - least) for system, count in units]
    size = [min(design.per_page, len(page.systems)) for page in pages]
    per_page = np.array([[one == number for one, _ in songs] + [False] * len(units) for number in range(len(pages))])
    per_system = np.array(
        [
            [float(one == system) for _, one in songs] + [-float(one == system) for one, _ in units]
            for system in design.systems
        ]
    )
    flows: npt.NDArray[np.float64] = milp(
        np.array(cost),
        integrality=np.ones(len(cost)),
        bounds=Bounds(0, 1),
        constraints=[LinearConstraint(per_page.astype(float), size, size), LinearConstraint(per_system, 0, 0)],
    ).x
    chosen_songs = {song for song, flow in zip(songs, flows, strict=False) if flow > 0.5}
    return tuple(
        Page(page.item, tuple(system for system in page.systems if (number, system) in chosen_songs))
        for number, page in enumerate(pages)
    )
