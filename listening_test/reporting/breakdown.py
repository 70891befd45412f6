"""Means per language of the lyrics, language of the page, genre and other tags: descriptive, nothing is tested.

Also per answer of the raters to the questions about themselves that a protocol brings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from listening_test.collected import CollectedAnswers
from listening_test.reporting.resampling import two_way_mean
from listening_test.reporting.songs import in_order, song_ratings, win_shares
from songbench.reporting.estimates import Estimate

if TYPE_CHECKING:
    import pandas as pd

_PREFIX = "background_"

ENOUGH = 10
"""Answers below which a mean is given without an interval."""
MOST_PARTS = 12
"""A tag with more values than this describes single prompts rather than kinds of prompts."""


@dataclass(frozen=True, kw_only=True)
class PartMean:
    """One system in one part of the answers.

    Attributes:
        scale: id.
        system: name.
        part: e.g. ``zh``.
        mean: of the answers; for forms that compare: share of comparisons won, ties half, "both bad" left out.
        n: answers.
        n_raters: who gave them.
        n_items: prompts they are about.
    """

    scale: str
    system: str
    part: str
    mean: Estimate
    n: int
    n_raters: int
    n_items: int


@dataclass(frozen=True)
class Breakdown:
    """The answers split by one property.

    Attributes:
        by: column, e.g. ``prompt_language``.
        title: for people.
        parts: its values.
        means: by scale, system, part.
    """

    by: str
    title: str
    parts: tuple[str, ...]
    means: tuple[PartMean, ...]


def breakdowns(
    data: CollectedAnswers, scales: Sequence[str], *, confidence: float, seed: int = 0
) -> tuple[Breakdown, ...]:
    """Every property that splits the answers into two or more parts.

    Args:
        data: of the included raters.
        scales: ids.
        confidence: of the intervals.
        seed: of the bootstrap.
    """
    data = _with_background(data)
    table = data.pairs if data.protocol.pairwise else data.ratings
    titles = {"prompt_language": "language of the lyrics", "language": "language of the page"}
    titles |= {name: name.removeprefix("tag_") for name in table.columns if name.startswith("tag_")}
    titles |= {_PREFIX + name: f"raters by {name}" for name in _questions(data)}
    results = []
    for by, title in titles.items():
        values = sorted({str(value) for value in table[by].dropna() if str(value)})
        if 2 <= len(values) <= MOST_PARTS:
            means = [mean for scale in scales for mean in _means(data, scale, by, values, confidence, seed)]
            results.append(Breakdown(by, title, tuple(values), tuple(means)))
    return tuple(results)


def _questions(data: CollectedAnswers) -> list[str]:
    """Ids of what the protocol itself asks raters about themselves; the standard questions split nothing."""
    return [one.id for one in data.protocol.background or () if _PREFIX + one.id in data.raters.columns]


def _with_background(data: CollectedAnswers) -> CollectedAnswers:
    """The answers with what their raters said of themselves beside them."""
    columns = ["rater", *(_PREFIX + name for name in _questions(data))]
    background = data.raters[columns].drop_duplicates("rater")
    ratings, pairs = (table.merge(background, on="rater", how="left") for table in (data.ratings, data.pairs))
    return replace(data, ratings=ratings, pairs=pairs)


def _means(
    data: CollectedAnswers, scale: str, by: str, parts: Sequence[str], confidence: float, seed: int
) -> list[PartMean]:
    rows = win_shares(data, scale) if data.protocol.pairwise else song_ratings(data, scale)
    return [
        _mean(rows[(rows["system"] == system) & (rows[by] == part)], scale, system, part, confidence, seed)
        for system in in_order(rows["system"].unique(), data.systems)
        for part in parts
    ]


def _mean(rows: pd.DataFrame, scale: str, system: str, part: str, confidence: float, seed: int) -> PartMean:
    mean = two_way_mean(rows["rater"], rows["prompt"], rows["value"], confidence=confidence, seed=seed)
    if len(rows) < ENOUGH:
        mean = Estimate(mean.value)
    return PartMean(
        scale=scale,
        system=system,
        part=part,
        mean=mean,
        n=len(rows),
        n_raters=rows["rater"].nunique(),
        n_items=rows["prompt"].nunique(),
    )
