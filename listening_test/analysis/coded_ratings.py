"""Ratings of single songs on one scale, as arrays with codes instead of a frame with names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from songbench.statistics import Array, Codes, codes_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, kw_only=True)
class CodedRatings:
    """Ratings of single songs on one scale; every answer is a finite number.

    The unit that stands for "other songs" is the prompt: takes and excerpts of one prompt resemble each other and are
    nested in it.

    Attributes:
        values: shape (n,).
        rater: codes of `raters`, shape (n,).
        item: codes of `items`, shape (n,).
        system: codes of `systems`, shape (n,).
        raters: names, sorted.
        items: prompts, sorted.
        systems: names in the order asked for, those with an answer only.
    """

    values: Array
    rater: Codes
    item: Codes
    system: Codes
    raters: tuple[str, ...]
    items: tuple[str, ...]
    systems: tuple[str, ...]

    @classmethod
    def of(cls, ratings: pd.DataFrame, systems: tuple[str, ...]) -> CodedRatings:
        """From rows of one scale; rows without a number and of other systems are left out."""
        rows = ratings[ratings["value"].notna() & ratings["system"].isin(systems)]
        rated = set(rows["system"])
        names = tuple(name for name in systems if name in rated)
        number = {name: code for code, name in enumerate(names)}
        raters, rater = codes_of(rows["rater"])
        items, item = codes_of(rows["prompt"])
        system = np.array([number[name] for name in rows["system"]], dtype=np.intp)
        return cls(
            values=rows["value"].to_numpy(dtype=np.float64),
            rater=rater,
            item=item,
            system=system,
            raters=raters,
            items=items,
            systems=names,
        )

    def table(self, system: str) -> Array:
        """Sum and number of a system's answers per rater and item, shape (2, raters, items)."""
        rows = self.system == self.systems.index(system)
        table = np.zeros((2, len(self.raters), len(self.items)))
        np.add.at(table[0], (self.rater[rows], self.item[rows]), self.values[rows])
        np.add.at(table[1], (self.rater[rows], self.item[rows]), 1.0)
        return table
