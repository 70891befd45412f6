"""Whether metrics agree with the raters, beside how well raters agree with each other (ITU-T P.1401).

Metrics are turned so that higher is better: a positive coefficient means that metric and people agree, whatever the
metric's own direction. Fields without a direction keep their sign.

- Item level: the points are songs, each the mean of its ratings. Prompts are drawn for the intervals, not songs.
- System level: the points are systems. With fewer than `FEW_SYSTEMS` that describes these systems and no others.
- Within systems: the correlation inside each system, averaged. Differences between systems inflate the item level
  (Simpson's paradox); this figure is free of them.
- Pairwise accuracy: how often the metric prefers the song that people prefer, of the same prompt. A metric that sees
  no difference counts half. "With ties" a tie of the people counts half as well, whatever the metric says.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from listening_test.collected import CollectedAnswers
from listening_test.reporting import correlation
from listening_test.reporting.ceiling import Ceiling, human_ceiling
from listening_test.reporting.correlation import Coefficients, MappedError
from listening_test.reporting.paired_scores import Measured, People, column, measured
from listening_test.reporting.resampling import Array
from songbench.contracts.cards import Direction, MetricCard
from songbench.contracts.conflicts import conflicts_among
from songbench.execution.results import RunResults
from songbench.reporting.estimates import Estimate
from songbench.statistics import holm

if TYPE_CHECKING:
    import pandas as pd

FEW_SYSTEMS = 10
"""Systems below which a system-level correlation is descriptive only."""
FEW_SONGS = 4
"""Songs below which no item-level coefficient is given."""


@dataclass(frozen=True)
class Triple:
    """Pearson's r, Spearman's rho and Kendall's tau-b with their intervals."""

    pearson: Estimate
    spearman: Estimate
    kendall: Estimate


_NONE = Triple(Estimate(), Estimate(), Estimate())


@dataclass(frozen=True, kw_only=True)
class MetricAgreement:
    """One field of one metric on one scale.

    Attributes:
        column: as in the leaderboard.
        direction: of the field.
        headline: whether the field has a column in printed tables.
        conflicts: systems of the test that the metric cannot judge fairly, and why.
        n_songs: songs with a rating and a score.
        n_prompts: their prompts.
        n_systems: systems with both.
        items: item level.
        systems: system level.
        within: mean correlation inside systems.
        accuracy: pairwise, ties of the people left out.
        accuracy_with_ties: pairwise, a tie counts half.
        n_pairs: pairs that people decided.
        n_ties: pairs that they did not.
        error: after the third-order mapping; None for forms that compare.
        points: (system, value as the metric gives it, human mean) of each song.
    """

    column: str
    direction: Direction
    headline: bool
    conflicts: tuple[str, ...]
    n_songs: int
    n_prompts: int
    n_systems: int
    items: Triple
    systems: Triple
    within: Estimate
    accuracy: Estimate
    accuracy_with_ties: Estimate
    n_pairs: int
    n_ties: int
    error: MappedError | None
    points: tuple[tuple[str, float, float], ...] = field(default=(), repr=False)


@dataclass(frozen=True, kw_only=True)
class MetricComparison:
    """Two metrics on the songs both scored, item level, Pearson.

    Attributes:
        first: a column.
        second: another.
        n: songs.
        r_first: with the raters.
        r_second: with the raters.
        r_between: of the two.
        t: Williams' t with n - 3 degrees of freedom.
        p: two-sided; songs are taken as independent.
        p_adjusted: after Holm over the pairs of this scale.
    """

    first: str
    second: str
    n: int
    r_first: float
    r_second: float
    r_between: float
    t: float
    p: float
    p_adjusted: float


@dataclass(frozen=True)
class ScaleAgreement:
    """Every metric on one scale.

    Attributes:
        scale: id.
        ceiling: what people achieve.
        metrics: in the order of the leaderboard.
        comparisons: of headline fields that have a direction.
    """

    scale: str
    ceiling: Ceiling
    metrics: tuple[MetricAgreement, ...]
    comparisons: tuple[MetricComparison, ...]


def agreement(
    data: CollectedAnswers,
    results: RunResults,
    *,
    confidence: float,
    strengths: Mapping[str, Mapping[str, float]],
    seed: int = 0,
) -> tuple[ScaleAgreement, ...]:
    """Compare every field of every metric of a run with the raters, scale by scale.

    Args:
        data: of the included raters.
        results: the run's songs and scores.
        confidence: of the intervals.
        strengths: forms that compare: per scale and system the strength that stands for it at system level.
        seed: of the bootstrap.

    Returns:
        One entry per scale that has answers.
    """
    fields = measured(results)
    agreements = []
    for scale in data.protocol.scales:
        people = People(data, scale.id, strengths.get(scale.id, {}), confidence, seed)
        if people.empty:
            continue
        metrics = tuple(_compare(people, metric) for metric in fields)
        agreements.append(
            ScaleAgreement(scale.id, human_ceiling(data, scale.id), metrics, _comparisons(people, fields))
        )
    return tuple(agreements)


def _compare(people: People, metric: Measured) -> MetricAgreement:
    songs = people.songs(metric)
    pairs = _pairs(people, metric, songs)
    decided = pairs[:, 1] != 0
    accuracy = _accuracy(people, pairs[decided])
    human, scored = _system_level(people, metric, songs)
    comparable = np.isfinite(human[0]) & np.isfinite(scored[0])
    enough = len(songs) >= FEW_SONGS
    return MetricAgreement(
        column=metric.column,
        direction=metric.field.direction,
        headline=metric.field.headline,
        conflicts=_conflicts(metric.card, people.systems),
        n_songs=len(songs) or len({key for key in _voted(people) if key in metric.songs}),
        n_prompts=songs["prompt"].nunique() or people.votes["prompt"].nunique(),
        n_systems=int(comparable.sum()),
        items=_triple(people, lambda weights: _items(people, songs, weights)) if enough else _NONE,
        systems=_system_triple(people, human, scored) if comparable.sum() > 2 else _NONE,
        within=_within(people, songs) if enough else Estimate(),
        accuracy=accuracy,
        accuracy_with_ties=_accuracy(people, pairs),
        n_pairs=int(decided.sum()),
        n_ties=int((~decided).sum()),
        error=_error(songs) if len(songs) else None,
        points=tuple(
            (str(s), metric.sign * float(m), float(v))
            for s, m, v in zip(songs["system"], songs["metric"], songs["value"], strict=True)
        ),
    )


def _conflicts(card: MetricCard, systems: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{', '.join(conflict.systems)}: {conflict.why}" for conflict in conflicts_among(card, systems))


def _triple(people: People, coefficients: Callable[[Array], Coefficients]) -> Triple:
    observed = coefficients(np.ones((1, len(people.prompts))))
    replicates = coefficients(people.draws)
    return Triple(*(people.interval(float(value[0]), draws) for value, draws in zip(observed, replicates, strict=True)))


def _items(people: People, songs: pd.DataFrame, prompts: Array) -> Coefficients:
    weights = prompts[:, people.places(songs["prompt"])]
    return correlation.weighted(column(songs, "metric"), column(songs, "value"), weights)


def _within(people: People, songs: pd.DataFrame) -> Estimate:
    groups = [group for _, group in songs.groupby("system", sort=True)]
    parts = [(group, people.places(group["prompt"])) for group in groups]

    def fisher(prompts: Array) -> Array:
        rs = [
            correlation.weighted(column(group, "metric"), column(group, "value"), prompts[:, places]).pearson
            for group, places in parts
        ]
        sizes = np.array([len(group) for group in groups], dtype=np.float64)
        return np.array([correlation.mean_correlation(row, sizes) for row in np.stack(rs, axis=1)])

    return people.interval(float(fisher(np.ones((1, len(people.prompts))))[0]), fisher(people.draws))


def _system_level(people: People, metric: Measured, songs: pd.DataFrame) -> tuple[Array, Array]:
    """Human and metric figure of each system: the first row as observed, one row per draw of prompts below it."""
    prompts = np.vstack([np.ones((1, len(people.prompts))), people.draws])
    unknown = np.full((len(prompts), len(people.systems)), np.nan)
    human, scored = unknown.copy(), unknown.copy()
    for number, system in enumerate(people.systems):
        if system in people.strengths:
            human[0, number] = people.strengths[system]
        else:
            human[:, number] = _weighted_means(people, people.means, system, "value", prompts)
        if system in metric.sets:
            scored[0, number] = metric.sign * metric.sets[system]
        elif metric.songs and people.strengths:
            scored[0, number] = metric.sign * _song_mean(metric, system)
        else:
            scored[:, number] = _weighted_means(people, songs, system, "metric", prompts)
    return human, scored


def _song_mean(metric: Measured, system: str) -> float:
    scores = [score for key, score in metric.songs.items() if key[0] == system]
    return float(np.average([v for v, _ in scores], weights=[w for _, w in scores])) if scores else math.nan


def _weighted_means(people: People, frame: pd.DataFrame, system: str, name: str, prompts: Array) -> Array:
    rows = frame[frame["system"] == system]
    if rows.empty:
        return np.full(len(prompts), np.nan)
    song_weights = column(rows, "weight") if name == "metric" else np.ones(len(rows))
    weights: Array = prompts[:, people.places(rows["prompt"])] * song_weights
    total = weights.sum(axis=1)
    means: Array = np.divide(weights @ column(rows, name), total, out=np.full(len(prompts), np.nan), where=total > 0)
    return means


def _system_triple(people: People, human: Array, scored: Array) -> Triple:
    coefficients = correlation.rowwise(scored, human)
    return Triple(*(people.interval(float(values[0]), values[1:]) for values in coefficients))


def _pairs(people: People, metric: Measured, songs: pd.DataFrame) -> Array:
    """Two songs of one prompt each: place of the prompt, human difference, metric difference; shape (n, 3)."""
    rows: list[tuple[float, float, float]] = []
    for (prompt, _), group in songs.groupby(["prompt", "take"], sort=True):
        values, scores = column(group, "value"), column(group, "metric")
        place = people.place[str(prompt)]
        rows += [(place, values[i] - values[j], scores[i] - scores[j]) for i, j in combinations(range(len(values)), 2)]
    votes = people.votes[people.votes["outcome"] != "both_bad"]
    for prompt, take, first, second, outcome in zip(
        *(votes[name] for name in ("prompt", "take", "first", "second", "outcome")), strict=True
    ):
        score_first, score_second = (metric.songs.get((system, prompt, take)) for system in (first, second))
        if score_first and score_second:
            vote = {"first": 1.0, "second": -1.0}.get(outcome, 0.0)
            rows.append((people.place[str(prompt)], vote, metric.sign * (score_first[0] - score_second[0])))
    return np.array(rows, dtype=np.float64).reshape(-1, 3)


def _voted(people: People) -> set[tuple[str, str, int]]:
    votes = people.votes
    return {
        (system, prompt, take)
        for side in ("first", "second")
        for system, prompt, take in zip(votes[side], votes["prompt"], votes["take"], strict=True)
    }


def _accuracy(people: People, pairs: Array) -> Estimate:
    if not len(pairs):
        return Estimate()
    right = np.where(pairs[:, 1] == 0, 0.5, (1 + np.sign(pairs[:, 1]) * np.sign(pairs[:, 2])) / 2)
    weights = people.draws[:, pairs[:, 0].astype(np.intp)]
    total = weights.sum(axis=1)
    replicates = np.divide(weights @ right, total, out=np.full(len(total), np.nan), where=total > 0)
    return people.interval(float(right.mean()), replicates)


def _error(songs: pd.DataFrame) -> MappedError:
    from scipy.special import stdtrit

    n, sd = column(songs, "n"), column(songs, "sd")
    with np.errstate(invalid="ignore", divide="ignore"):
        half = np.where(n > 1, stdtrit(np.maximum(n - 1, 1), 0.975) * sd / np.sqrt(n), np.nan)
    return correlation.mapped_error(column(songs, "metric"), column(songs, "value"), half)


def _comparisons(people: People, fields: Sequence[Measured]) -> tuple[MetricComparison, ...]:
    able = [metric for metric in fields if metric.field.headline and metric.field.direction != "none" and metric.songs]
    rows = [_williams(people, a, b) for a, b in combinations(able, 2)]
    tested = [row for row in rows if row and math.isfinite(row.p)]
    adjusted = holm([row.p for row in tested])
    return tuple(
        MetricComparison(**{**vars(row), "p_adjusted": float(p)}) for row, p in zip(tested, adjusted, strict=True)
    )


def _williams(people: People, first: Measured, second: Measured) -> MetricComparison | None:
    keys = ["system", "prompt", "take"]
    songs = people.songs(first).merge(people.songs(second)[[*keys, "metric"]], on=keys, suffixes=("", "_other"))
    if len(songs) < FEW_SONGS:
        return None
    human, scores_first, scores_second = (column(songs, name) for name in ("value", "metric", "metric_other"))
    flat = np.ones((1, len(songs)))
    correlated = ((scores_first, human), (scores_second, human), (scores_first, scores_second))
    r_first, r_second, r_between = (float(correlation.weighted(a, b, flat).pearson[0]) for a, b in correlated)
    t, p = correlation.williams(r_first, r_second, r_between, len(songs))
    return MetricComparison(
        first=first.column,
        second=second.column,
        n=len(songs),
        r_first=r_first,
        r_second=r_second,
        r_between=r_between,
        t=t,
        p=p,
        p_adjusted=math.nan,
    )
