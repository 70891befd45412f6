"""Sharing out: cells into equal hands, so that every group of cells is shared out evenly too.

The groups lie in two trees (say: item within prompt; system). Then sharing evenly is a flow problem, and flows between
whole bounds have whole solutions: every hand can get the rounded-down or the rounded-up share of *every* group at once.
This is D. de Werra's theorem on balanced edge colourings of bipartite multigraphs ("Balanced schedules", INFOR 9,
1971), found here by linear programming, one hand after the other.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Votes: TypeAlias = npt.NDArray[np.int64]
NODES = 300
"""How far a search for an even better share goes before it settles for less."""


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
        """`total` votes over all cells; every cell and every group gets its share, rounded up or down."""
        sizes = self.matrix @ np.ones(self.cells, dtype=np.int64)
        share = np.full(self.cells, total, dtype=np.int64)
        return self._whole(sizes * total, share, self.cells, draw)

    def hand(
        self, votes: Votes, hands: int, draw: np.random.Generator, wishes: Iterable[Mapping[str, Any]] = ()
    ) -> Votes:
        """What one of `hands` gets of the votes that are left: of every cell and group its share, up or down.

        Args:
            votes: per cell, what is left.
            hands: how many are still to be served, this one included.
            draw: chooses among the many solutions.
            wishes: further constraints (``A``, ``lb``, ``ub``), the most demanding first; without those
                that cannot be met within `NODES` steps.
        """
        for wish in wishes:
            found = self._solve(self.matrix @ votes, votes, hands, draw, wish)
            if found is not None:
                return found
        return self._whole(self.matrix @ votes, votes, hands, draw)

    def _whole(self, sums: Votes, votes: Votes, parts: int, draw: np.random.Generator) -> Votes:
        found = self._solve(sums, votes, parts, draw, {})
        if found is None:
            raise RuntimeError("the groups do not lie in two trees, or a group is larger than its share")
        return found

    def _solve(
        self, sums: Votes, votes: Votes, parts: int, draw: np.random.Generator, wish: Mapping[str, Any]
    ) -> Votes | None:
        from scipy.optimize import Bounds, LinearConstraint, milp

        constraints = [LinearConstraint(self.matrix, sums // parts, -(-sums // parts))]
        options: dict[str, float] = {}
        if wish:
            constraints.append(LinearConstraint(**wish))
            options = {"mip_rel_gap": 1.0, "node_limit": NODES}
        found = milp(
            draw.random(self.cells),
            integrality=np.ones(self.cells),
            bounds=Bounds(votes // parts, -(-votes // parts)),
            constraints=constraints,
            options=options,
        )
        return None if found.x is None else np.rint(found.x).astype(np.int64)


def incidence(family: Sequence[Hashable]) -> npt.NDArray[np.int64]:
    """A row per group, in order of first appearance, with 1 where a cell belongs to it."""
    numbers = {name: number for number, name in enumerate(dict.fromkeys(family))}
    matrix = np.zeros((len(numbers), len(family)), dtype=np.int64)
    for cell, name in enumerate(family):
        matrix[numbers[name], cell] = 1
    return matrix
