"""All answers of a test as places on the scale, whichever form it has: what screening and reliability look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from listening_test.collected import CollectedAnswers

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Positions:
    """Answers between 0 (the scale's lowest value) and 1 (its highest), oriented so that they can be compared.

    Attributes:
        frame: rater, kind, trial, repeats, scale, role, share; ``unit``: what was judged (a song's prompt, take,
            excerpt and system, or two songs'); ``group``: whose (a system or a pair of systems). About pairs, share is
            how far the alphabetically first of the two is ahead, wherever it stood.
    """

    frame: pd.DataFrame

    def repeated(self) -> pd.DataFrame:
        """Rows of pages that came again: ``share`` of the first time, ``again`` of the second."""
        frame = self.frame
        second = frame[frame["kind"] == "repeat"][["rater", "repeats", "scale", "unit", "share"]]
        first = frame[frame["kind"] != "repeat"][["rater", "trial", "scale", "unit", "share"]]
        return first.merge(
            second.rename(columns={"share": "again"}),
            left_on=["rater", "trial", "scale", "unit"],
            right_on=["rater", "repeats", "scale", "unit"],
        )


def positions(data: CollectedAnswers) -> Positions:
    """Every answer that is a number."""
    rows = data.pairs if data.protocol.pairwise else data.ratings
    rows = rows[rows["value"].notna()]
    frame = rows[["rater", "kind", "trial", "repeats", "scale"]].copy()
    ranges = {scale.id: data.protocol.range(scale.id) for scale in data.protocol.scales}
    lowest = rows["scale"].map({name: low for name, (low, _) in ranges.items()}).astype(float)
    span = rows["scale"].map({name: high - low for name, (low, high) in ranges.items()}).astype(float)
    share = (rows["value"].astype(float) - lowest) / span
    song = rows["prompt"].astype(str) + "/" + rows["take"].astype(str) + "/" + rows["excerpt"].astype(str)
    if data.protocol.pairwise:
        first, second = rows["first"].astype(str), rows["second"].astype(str)
        ahead = first < second
        frame["group"] = np.where(ahead, first + "/" + second, second + "/" + first)
        frame["share"] = np.where(ahead, 1 - share, share)
        frame["role"] = np.where(rows["kind"] == "anchor", "anchor", "system")
    else:
        frame["group"] = rows["system"].astype(str)
        frame["share"] = share
        frame["role"] = rows["role"]
    frame["unit"] = song + "/" + frame["group"]
    return Positions(frame)
