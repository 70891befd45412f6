"""How well people agree with people: no metric can be asked to agree better with them than they do themselves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from listening_test.collected import CollectedAnswers
from listening_test.reporting.correlation import mean_correlation, weighted
from listening_test.reporting.resampling import Array
from listening_test.reporting.songs import song_pairs, song_ratings

SPLITS = 100
FEWEST = 4
"""Songs below which nothing is said."""


@dataclass(frozen=True, kw_only=True)
class Ceiling:
    """Of one scale; figures are None where the data allow none.

    Attributes:
        split_half: correlation of the means of two random halves of each song's ratings, brought to all ratings
            (Spearman-Brown), mean of `SPLITS` splits: the reliability of the songs' means.
        perfect: its square root: what a predictor of the songs' true means would reach.
        one_rater: correlation of one rater with the mean of the others, mean over raters (Fisher z).
        accuracy: forms that compare: how often two raters who decided about the same pair of songs agree.
        n: songs with two ratings or more; forms that compare: pairs of such decisions.
    """

    split_half: float | None = None
    perfect: float | None = None
    one_rater: float | None = None
    accuracy: float | None = None
    n: int = 0


def human_ceiling(data: CollectedAnswers, scale: str, *, seed: int = 0) -> Ceiling:
    """The ceiling of one scale, from the included raters' first answers."""
    if data.protocol.pairwise:
        return _of_pairs(data, scale)
    rows = song_ratings(data, scale)
    song = rows.groupby(["system", "prompt", "take"], sort=True, observed=True).ngroup().to_numpy()
    values = rows["value"].to_numpy(dtype=np.float64)
    counts = np.bincount(song) if len(song) else np.zeros(0, dtype=np.intp)
    n = int((counts > 1).sum())
    if n < FEWEST:
        return Ceiling(n=n)
    split = _split_half(song, values, counts, seed)
    raters = np.unique(rows["rater"].to_numpy(dtype=np.str_), return_inverse=True)[1]
    alone = _one_rater(song, values, raters)
    reliable = split is not None and split > 0
    return Ceiling(
        split_half=split,
        perfect=math.sqrt(split) if split is not None and reliable else None,
        one_rater=alone,
        accuracy=None,
        n=n,
    )


def _split_half(
    song: npt.NDArray[np.integer[Any]], values: Array, counts: npt.NDArray[np.integer[Any]], seed: int
) -> float | None:
    rng = np.random.default_rng(seed)
    coefficients = []
    for _ in range(SPLITS):
        order = np.lexsort((rng.random(len(song)), song))
        place = np.arange(len(song)) - np.repeat(np.cumsum(counts) - counts, counts)
        half = place % 2
        labels, numbers = song[order], values[order]
        with np.errstate(invalid="ignore"):
            means = [
                np.bincount(labels[half == side], numbers[half == side], len(counts))
                / np.bincount(labels[half == side], minlength=len(counts))
                for side in (0, 1)
            ]
        repeated = counts > 1
        r = float(weighted(means[0][repeated], means[1][repeated], np.ones((1, int(repeated.sum())))).pearson[0])
        if math.isfinite(r):
            coefficients.append(2 * r / (1 + abs(r)))  # a negative correlation is stretched alike, not beyond -1
    return float(np.mean(coefficients)) if coefficients else None


def _one_rater(song: npt.NDArray[np.integer[Any]], values: Array, raters: npt.NDArray[np.integer[Any]]) -> float | None:
    totals, counts = np.bincount(song, values), np.bincount(song)
    rs, sizes = [], []
    for rater in np.unique(raters):
        answered = raters == rater
        sums = np.bincount(song[answered], values[answered], len(counts))
        n = np.bincount(song[answered], minlength=len(counts))
        common = (n > 0) & (counts > n)
        if common.sum() < FEWEST:
            continue
        other_means = (totals - sums)[common] / (counts - n)[common]
        rs.append(float(weighted(sums[common] / n[common], other_means, np.ones((1, int(common.sum())))).pearson[0]))
        sizes.append(int(common.sum()))
    mean = mean_correlation(np.array(rs), np.array(sizes, dtype=np.float64)) if rs else math.nan
    return mean if math.isfinite(mean) else None


def _of_pairs(data: CollectedAnswers, scale: str) -> Ceiling:
    """The share of agreeing pairs of decided answers, over all pairs of songs that two raters or more decided."""
    rows = song_pairs(data, scale)
    rows = rows[rows["outcome"].isin(["first", "second"])]
    winner = rows["first"].where(rows["outcome"] == "first", rows["second"])
    low, high = np.minimum(rows["first"], rows["second"]), np.maximum(rows["first"], rows["second"])
    votes = winner.groupby([rows["prompt"], rows["take"], low, high])
    agree = total = 0
    for _, group in votes:
        counts = group.value_counts().to_numpy()
        agree += int((counts * (counts - 1) // 2).sum())
        total += len(group) * (len(group) - 1) // 2
    return Ceiling(accuracy=agree / total if total else None, n=total)
