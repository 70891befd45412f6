"""The answers that an analysis looks at: arrays with codes instead of frames with names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from listening_test.analysis.mixed import Codes
from songbench.statistics import Array

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, kw_only=True)
class Answers:
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
    def of(cls, ratings: pd.DataFrame, systems: tuple[str, ...]) -> Answers:
        """From rows of one scale; rows without a number and of other systems are left out."""
        rows = ratings[ratings["value"].notna() & ratings["system"].isin(systems)]
        heard = set(rows["system"])
        kept = tuple(name for name in systems if name in heard)
        number = {name: code for code, name in enumerate(kept)}
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
            systems=kept,
        )

    def table(self, system: str) -> Array:
        """Sum and number of a system's answers per rater and item, shape (2, raters, items)."""
        mine = self.system == self.systems.index(system)
        found = np.zeros((2, len(self.raters), len(self.items)))
        np.add.at(found[0], (self.rater[mine], self.item[mine]), self.values[mine])
        np.add.at(found[1], (self.rater[mine], self.item[mine]), 1.0)
        return found


def codes_of(column: pd.Series[str]) -> tuple[tuple[str, ...], Codes]:
    """The sorted names of a column and the number of each row's; an absent name is one of its own."""
    names, codes = np.unique(column.fillna("").astype(str).to_numpy(dtype=np.str_), return_inverse=True)
    return tuple(map(str, names)), np.asarray(codes, dtype=np.intp)
