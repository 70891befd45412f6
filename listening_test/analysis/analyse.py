"""From collected answers to everything a report says, as the protocol declared it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from listening_test.analysis.coded_ratings import CodedRatings
from listening_test.analysis.means import analyse_ratings
from listening_test.analysis.preferences import analyse_comparisons
from listening_test.analysis.reliability import reliability
from listening_test.analysis.results import AnalysisResult, ScaleAnalysis
from listening_test.analysis.screening import screen
from listening_test.collected import CollectedAnswers
from songbench.statistics.ordinal import proportional_odds

FEW_RATERS = 6
"""Below this many raters a note says what that means."""


def analyse(data: CollectedAnswers, *, seed: int = 0) -> AnalysisResult:
    """Screen the raters, then analyse every scale with the included ones and with everybody.

    Args:
        data: answers with names.
        seed: of random halves, sign flips and bootstraps. The same answers in any order and the same seed give the
            same analysis.

    Returns:
        Figures as declared; what could not be had is None or NaN, and a note says why.
    """
    screening = screen(data)
    withdrawn = set(data.raters["rater"][data.raters["withdrawn"].astype(bool)])
    present = [row.rater for row in screening if row.rater not in withdrawn]
    included = [row.rater for row in screening if row.included]
    names = [scale.id for scale in data.protocol.scales]
    everybody = _in_order(data.of(present))
    everyone = tuple(_scale(everybody, name, seed) for name in names)
    main = everyone
    if len(included) < len(present):
        passed = _in_order(data.of(included))
        main = tuple(_scale(passed, name, seed) for name in names)
    return AnalysisResult(screening, main, everyone, _notes(data, len(present), len(included)))


def _in_order(data: CollectedAnswers) -> CollectedAnswers:
    """The same rows in one order, so that not even rounding depends on who answered first."""
    keys = ["rater", "page", "scale", "kind", "prompt", "take", "excerpt", "answer"]  # imported results may lack pages
    return replace(
        data,
        ratings=data.ratings.sort_values([*keys, "system", "stimulus", "slot"], kind="stable").reset_index(drop=True),
        pairs=data.pairs.sort_values([*keys, "first", "second"], kind="stable").reset_index(drop=True),
    )


def _notes(data: CollectedAnswers, present: int, included: int) -> tuple[str, ...]:
    notes = []
    if data.simulated:
        notes.append("A program gave these answers; they say nothing about songs.")
    if not present:
        notes.append("Nobody answered.")
    elif not included:
        notes.append("No rater passed the declared rules; only the analysis of everyone has figures.")
    elif 1 < included < FEW_RATERS:
        notes.append(f"{included} raters: intervals hold for such raters in general, and are wide for that reason.")
    failed = {name: count for name, count in data.failed.items() if count}
    if failed and (data.protocol.items.failures == "exclude" or data.protocol.pairwise):
        counts = ", ".join(
            f"{name} {count} of {data.song_counts.get(name, count)}" for name, count in sorted(failed.items())
        )
        notes.append(f"Songs that were not made were not judged and lower no figure here: {counts}.")
    return (*data.notes, *notes)


def _scale(data: CollectedAnswers, scale: str, seed: int) -> ScaleAnalysis:
    return _compared(data, scale, seed) if data.protocol.pairwise else _rated(data, scale, seed)


def _rated(data: CollectedAnswers, scale: str, seed: int) -> ScaleAnalysis:
    result = analyse_ratings(
        data.ratings, scale, data.protocol, data.systems, song_counts=data.song_counts, failed=data.failed, seed=seed
    )
    order = ordinal_order(_system_ratings(data, scale)) if data.protocol.form == "acr" else ()
    notes = list(result.notes)
    if order and any(
        result.observed[b] > result.observed[a] + 1e-9 for a, b in pairwise(order)
    ):  # equal means have no order
        by_mean = sorted(result.observed, key=lambda name: -result.observed[name])
        left_out = data.protocol.items.failures == "worst" and any(data.failed.values())
        notes.append(
            f"With answers taken as ranks only (cumulative-link model), the order of systems is another:"
            f" {', '.join(order)} instead of {', '.join(by_mean)}."
            + (" Both orders leave out songs that were not made." if left_out else "")
        )
    return ScaleAnalysis(
        scale=scale,
        means=result.means,
        differences=result.differences,
        reliability=reliability(data, scale, result.components, seed=seed),
        ordinal_order=order,
        notes=tuple(notes),
    )


def _system_ratings(data: CollectedAnswers, scale: str) -> CodedRatings:
    rows = data.ratings
    rows = rows[(rows["scale"] == scale) & (rows["kind"] == "test") & (rows["role"] == "system")]
    return CodedRatings.of(rows, data.systems)


def ordinal_order(ratings: CodedRatings) -> tuple[str, ...]:
    """Systems from best to worst, with answers taken as ranks only; empty where that model cannot be had."""
    effects = proportional_odds(ratings.values, ratings.system, ratings.rater)
    if effects is None:
        return ()
    return tuple(ratings.systems[n] for n in sorted(range(len(effects)), key=lambda n: -effects[n]))


def _compared(data: CollectedAnswers, scale: str, seed: int) -> ScaleAnalysis:
    result = analyse_comparisons(data.pairs, scale, data.protocol, data.systems)
    return ScaleAnalysis(
        scale=scale,
        strengths=result.strengths,
        outcomes=result.outcomes,
        position=result.position,
        reliability=reliability(data, scale, None, seed=seed),
        connected=result.connected,
        notes=result.notes,
    )
