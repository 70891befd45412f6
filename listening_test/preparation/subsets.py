"""Which songs share a page where there are more systems than a page holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random

import numpy as np
import numpy.typing as npt

from listening_test.preparation.design import Design, ItemName, Page, Pages

_STEEP = 1000.0
"""Evenness within a rater comes before evenness over all."""


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
        chosen = _chosen(pages, design, votes, total, draw)
        votes.update((page.item, system) for page in chosen for system in page.systems)
        total.update(system for page in chosen for system in page.systems)
        result.append(chosen)
    return tuple(result)


def _chosen(
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
    found: npt.NDArray[np.float64] = milp(
        np.array(cost),
        integrality=np.ones(len(cost)),
        bounds=Bounds(0, 1),
        constraints=[LinearConstraint(per_page.astype(float), size, size), LinearConstraint(per_system, 0, 0)],
    ).x
    taken = {song for song, flow in zip(songs, found, strict=False) if flow > 0.5}
    return tuple(
        Page(page.item, tuple(system for system in page.systems if (number, system) in taken))
        for number, page in enumerate(pages)
    )
