"""System means and paired differences of rated songs, with raters and prompts both drawn at random.

The model is answer = system + rater + item + rater:system + item:system + residual; all but the system are random.
Means are the model's: each system as if all raters had judged it on all items. Intervals and tests use Student's t with
Satterthwaite's degrees of freedom (`mixed`, `inference`); how well they hold what they promise is measured by
``benchmarks/listening_calibration.py``. What is declared as the test of a pair is the t test of its difference in this
model; sign-flip and Wilcoxon tests of per-item means stand beside it as tests.

Not in the model: that a rater finds all songs of one page alike. Differences do not suffer from it; means hardly do,
because it averages out over raters and items.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from listening_test.analysis.coded_ratings import CodedRatings
from listening_test.analysis.declared_pairs import adjusted, level
from listening_test.analysis.inference import Combination, Inference
from listening_test.analysis.item_tests import item_tests
from listening_test.analysis.results import Components, Difference, SystemMean
from listening_test.protocol import Protocol
from songbench.statistics import Array, standings, win_probability
from songbench.statistics.mixed import RESIDUAL, CrossedFit

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class RatingResult:
    """What one scale of a test that rates songs says.

    Attributes:
        means: systems in the order of tables, then anchors and references by name.
        differences: every pair of competitors that both have answers.
        components: standard deviations, or None where the model could not be fitted.
        notes: what a reader must know.
        observed: mean of each system's songs that were made, whatever failures count as; systems with answers only.
    """

    means: tuple[SystemMean, ...]
    differences: tuple[Difference, ...]
    components: Components | None
    notes: tuple[str, ...]
    observed: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Failures:
    """Songs that were not made, where they count as the worst answer.

    Attributes:
        share: of the songs asked for, in [0, 1].
        songs: how many were asked for.
        worst: lowest value of the scale.
    """

    share: float = 0.0
    songs: int = 1
    worst: float = 0.0

    def variance(self, mean: float) -> float:
        """What not knowing the true rate of failures adds to the variance of that mean (binomial, delta method)."""
        return (mean - self.worst) ** 2 * self.share * (1 - self.share) / self.songs


def analyse_ratings(
    ratings: pd.DataFrame,
    scale: str,
    protocol: Protocol,
    systems: tuple[str, ...],
    *,
    song_counts: Mapping[str, int],
    failed: Mapping[str, int],
    seed: int = 0,
) -> RatingResult:
    """Everything about one scale.

    Args:
        ratings: rows of `collected.RATINGS` of any kind and scale.
        scale: id.
        protocol: as declared.
        systems: competitors in the order of tables.
        song_counts: per system, songs that should have been judged.
        failed: per system, those that were not made.
        seed: of the sign flips and the bootstrap.
    """
    rows = ratings[(ratings["scale"] == scale) & ratings["kind"].isin(["test", "anchor"])]
    songs = rows[(rows["role"] == "system") & (rows["kind"] == "test")]
    worst = _failures(protocol, scale, systems, song_counts, failed)
    answers = CodedRatings.of(songs, systems)
    notes = [*_about_failures(worst), *_about_silence(systems, answers, worst)]
    if not answers.systems:
        absent = [_absent(name, scale, songs, worst) for name in systems]
        return RatingResult(
            means=(*absent, *_anchors(rows, scale, protocol, seed)), differences=(), components=None, notes=tuple(notes)
        )
    inference = Inference(answers, protocol.analysis.confidence, seed)
    differences = _differences(inference, scale, protocol, worst, seed)
    means = _means(inference, songs, scale, protocol, systems, worst, differences)
    components, component_notes = _components(inference.fit)
    return RatingResult(
        means=(*means, *_anchors(rows, scale, protocol, seed)),
        differences=differences,
        components=components,
        notes=(*notes, *inference.notes, *component_notes),
        observed=dict(zip(answers.systems, map(float, inference.estimates), strict=True)),
    )


def _failures(
    protocol: Protocol, scale: str, systems: tuple[str, ...], song_counts: Mapping[str, int], failed: Mapping[str, int]
) -> dict[str, Failures]:
    if protocol.items.failures != "worst":
        return {name: Failures() for name in systems}
    worst = protocol.range(scale)[0]
    return {
        name: Failures(failed.get(name, 0) / count, count, worst) if (count := song_counts.get(name)) else Failures()
        for name in systems
    }


def _about_failures(worst: Mapping[str, Failures]) -> list[str]:
    counts = [
        f"{name} {round(failures.share * failures.songs)} of {failures.songs}"
        for name, failures in worst.items()
        if failures.share
    ]
    if not counts:
        return []
    return [f"Songs that were not made count as the lowest value of the scale, as declared: {', '.join(counts)}."]


def _about_silence(systems: tuple[str, ...], answers: CodedRatings, worst: Mapping[str, Failures]) -> list[str]:
    silent = [name for name in systems if name not in answers.systems and worst[name].share < 1]
    return [f"No answer is about {', '.join(silent)}; nothing is said of it."] if silent else []


def _weights(inference: Inference, name: str, worst: Mapping[str, Failures]) -> tuple[Array, float, float]:
    """The weights, the variance and the shift of a system's mean with its failures counted.

    Weights have shape (systems,).
    """
    place = inference.answers.systems.index(name)
    weights = np.zeros(len(inference.answers.systems))
    weights[place] = 1 - worst[name].share
    mean = float(inference.estimates[place])
    return weights, worst[name].variance(mean), worst[name].share * worst[name].worst


def _differences(
    inference: Inference, scale: str, protocol: Protocol, worst: Mapping[str, Failures], seed: int
) -> tuple[Difference, ...]:
    margin, limit = protocol.analysis.margin, level(protocol)
    differences = {
        pair: _difference(inference, *pair, scale, worst, margin, seed)
        for pair in combinations(inference.answers.systems, 2)
    }
    p_adjusted = adjusted(protocol, {pair: difference.p for pair, difference in differences.items()})
    return tuple(
        replace(difference, p_adjusted=p_adjusted[pair], significant=p_adjusted[pair] < limit)
        for pair, difference in differences.items()
    )


def _difference(
    inference: Inference,
    first: str,
    second: str,
    scale: str,
    worst: Mapping[str, Failures],
    margin: float | None,
    seed: int,
) -> Difference:
    answers = inference.answers
    first_weights, first_extra, first_shift = _weights(inference, first, worst)
    second_weights, second_extra, second_shift = _weights(inference, second, worst)
    result = inference.combined(
        first_weights - second_weights, first_extra + second_extra, first_shift - second_shift, margin
    )
    first_table, second_table = answers.table(first), answers.table(second)
    tests = item_tests(first_table, second_table, answers.items, seed)
    about_first, about_second = (answers.system == answers.systems.index(name) for name in (first, second))
    return Difference(
        first=first,
        second=second,
        scale=scale,
        difference=result.estimate,
        low=math.nan if result.low is None else result.low,
        high=math.nan if result.high is None else result.high,
        p=result.p,
        p_adjusted=math.nan,
        significant=False,
        p_equal=result.p_equal,
        p_flip=tests.p_flip,
        p_wilcoxon=tests.p_wilcoxon,
        effect=tests.effect,
        wins=win_probability(answers.values, answers.rater, about_first, about_second),
        n_items=tests.n_items,
        n_raters=int(np.sum((first_table[1].sum(axis=1) > 0) & (second_table[1].sum(axis=1) > 0))),
    )


def _means(
    inference: Inference,
    songs: pd.DataFrame,
    scale: str,
    protocol: Protocol,
    systems: tuple[str, ...],
    worst: Mapping[str, Failures],
    differences: tuple[Difference, ...],
) -> list[SystemMean]:
    means = {}
    for name in inference.answers.systems:
        weights, extra, shift = _weights(inference, name, worst)
        means[name] = _described(inference.combined(weights, extra, shift), songs, name, scale, protocol)
    order = sorted(means, key=lambda name: -(means[name].mean or 0.0))
    standing = standings(
        order,
        {(row.first, row.second): row.p_adjusted for row in differences},
        {(row.first, row.second): row.difference for row in differences},
        level(protocol),
    )
    return [
        replace(means[name], rank=standing[name].rank, group=standing[name].group)
        if name in means
        else _absent(name, scale, songs, worst)
        for name in systems
    ]


def _described(result: Combination, rows: pd.DataFrame, name: str, scale: str, protocol: Protocol) -> SystemMean:
    lowest, highest = protocol.range(scale)
    rows = rows[rows["system"] == name]
    valued = rows[rows["value"].notna()]
    return SystemMean(
        system=name,
        scale=scale,
        mean=result.estimate,
        low=None if result.low is None else max(result.low, min(lowest, result.estimate)),
        high=None if result.high is None else min(result.high, max(highest, result.estimate)),
        sd=float(valued["value"].std(ddof=1)) if len(valued) > 1 else None,
        n=len(valued),
        n_raters=valued["rater"].nunique(),
        n_items=len(valued[["prompt", "take"]].drop_duplicates()),
        not_applicable=len(rows) - len(valued),
    )


def _absent(name: str, scale: str, songs: pd.DataFrame, worst: Mapping[str, Failures]) -> SystemMean:
    """A system that nobody rated: nothing is known, unless all its songs failed and count as the worst."""
    mean = worst[name].worst if worst[name].share == 1 else None
    return _without_answers(name, scale, mean, not_applicable=int((songs["system"] == name).sum()))


def _without_answers(name: str, scale: str, mean: float | None, not_applicable: int) -> SystemMean:
    return SystemMean(
        system=name,
        scale=scale,
        mean=mean,
        low=None,
        high=None,
        sd=None,
        n=0,
        n_raters=0,
        n_items=0,
        not_applicable=not_applicable,
    )


def _anchors(rows: pd.DataFrame, scale: str, protocol: Protocol, seed: int) -> list[SystemMean]:
    """Anchors and references, each on its own: they would distort the variance of the systems."""
    means = []
    rows = rows[rows["role"].isin(["anchor", "reference"])]
    for name in sorted(set(rows["system"])):
        own_rows = rows[rows["system"] == name]
        answers = CodedRatings.of(own_rows, (name,))
        if answers.systems:
            inference = Inference(answers, protocol.analysis.confidence, seed)
            mean = _described(inference.combined(np.ones(1)), own_rows, name, scale, protocol)
        else:
            mean = _without_answers(name, scale, None, not_applicable=len(own_rows))
        means.append(replace(mean, competitor=False))
    return means


def _components(fit: CrossedFit | None) -> tuple[Components | None, list[str]]:
    if fit is None:
        return None, []
    names = ("rater", "item", "rater_system", "item_system", RESIDUAL)
    sizes = {name: fit.variance(name) for name in names}
    hidden = [name.replace("_", ":") for name in names if sizes[name] is None]
    notes = (
        [f"This assignment cannot tell these parts of the variance from others (given as 0): {', '.join(hidden)}."]
        if hidden
        else []
    )
    return Components(**{name: math.sqrt(size or 0.0) for name, size in sizes.items()}), notes
