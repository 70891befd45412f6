"""How well each rater's answers follow those of all the others."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from listening_test.analysis.positions import positions
from listening_test.collected import CollectedAnswers
from songbench.statistics import Array, Codes, codes_of, pair_codes
from songbench.statistics.reliability import correlation

FEWEST_RATERS = 6
FEWEST_UNITS = 6
"""Songs (or pairs) a rater must share with others before a correlation is looked at."""
HIGHEST = 0.999
"""Of a correlation: Fisher's z of 1 is infinite."""
GROUP_WEIGHT = 2.0
"""With how many answers' weight the others' mean of a system enters what is expected of each of its songs."""


class Agreement(NamedTuple):
    """A rater and the others.

    Attributes:
        correlation: of the rater's answers with what the others lead to expect, in (-1, 1).
        error: standard error of its Fisher z, 1 / sqrt(n - 3).
    """

    correlation: float
    error: float


def agreements(data: CollectedAnswers) -> dict[str, Agreement]:
    """Leave-one-out agreement of every rater, over everything judged, anchors included.

    A rater's answers are first averaged over the questions about a song. What the others lead to expect of it is their
    mean, each from the own level, drawn towards their mean of that system as if by `GROUP_WEIGHT` more answers: where
    few heard a song, their mean alone is mostly noise. About pairs it is the same with pairs of systems.

    Returns:
        By rater; empty below `FEWEST_RATERS`. Raters with fewer than `FEWEST_UNITS` songs are absent.
    """
    frame = positions(data).frame
    frame = frame[frame["kind"] != "repeat"]
    if frame["rater"].nunique() < FEWEST_RATERS:
        return {}
    # Questions differ in level; a rater who answers some questions about some songs only must not suffer from that.
    frame = frame.assign(share=frame["share"] - frame.groupby("scale")["share"].transform("mean"))
    judged = frame.groupby(["rater", "group", "unit"], as_index=False)["share"].mean()
    level = 0.0 if data.protocol.pairwise else judged.groupby("rater")["share"].transform("mean")
    names, rater = codes_of(judged["rater"])
    _, unit = codes_of(judged["unit"])
    _, group = codes_of(judged["group"])
    shares = judged["share"].to_numpy(dtype=np.float64)
    values = (judged["share"] - level).to_numpy(dtype=np.float64)
    expected = _expected(values, rater, unit, group)
    by_rater = {}
    for own_rows in np.split(np.argsort(rater, kind="stable"), np.cumsum(np.bincount(rater))[:-1]):
        rows = own_rows[np.isfinite(expected[own_rows])]
        if len(rows) >= FEWEST_UNITS:
            value = correlation(shares[rows], expected[rows]) or 0.0  # answers that do not vary follow nobody
            value = max(-HIGHEST, min(HIGHEST, value))
            by_rater[names[rater[rows[0]]]] = Agreement(value, 1 / math.sqrt(len(rows) - 3))
    return by_rater


def _expected(values: Array, rater: Codes, unit: Codes, group: Codes) -> Array:
    """For every answer what everybody else leads to expect; NaN where nobody else heard that system.

    A rater has one value for each unit, and a unit belongs to one group. All arrays have shape (n,).
    """
    rater_group = pair_codes(rater, group)
    group_answers = np.bincount(group)[group] - np.bincount(rater_group)[rater_group]
    with np.errstate(invalid="ignore", divide="ignore"):
        prior = (np.bincount(group, values)[group] - np.bincount(rater_group, values)[rater_group]) / group_answers
    prior[group_answers == 0] = np.nan
    unit_answers = np.bincount(unit)[unit] - 1
    result: Array = (np.bincount(unit, values)[unit] - values + GROUP_WEIGHT * prior) / (unit_answers + GROUP_WEIGHT)
    return result
