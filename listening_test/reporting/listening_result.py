"""From the analysis to columns of the run's leaderboard."""

from __future__ import annotations

import math
from collections.abc import Iterable

from listening_test.analysis.results import Difference, PairOutcome, ScaleAnalysis
from listening_test.protocol.model import localized
from listening_test.reporting.facts import Report
from listening_test.reporting.rater_blocks import exclusion_in_words
from listening_test.reporting.songs import song_means
from listening_test.reporting.wording import decimals_of, screening_rules, strength_of
from songbench.reporting.estimates import Comparison
from songbench.reporting.listening_results import ListeningResult, RatedScale, RatedSong, RatedSystem


def listening_result_of(report: Report) -> ListeningResult:
    """The main analysis as the file that `songbench report` picks up."""
    protocol = report.data.protocol
    return ListeningResult(
        test=report.name,
        form=protocol.form,
        run=report.data.run,
        simulated=report.simulated,
        raters=len(report.included),
        confidence=report.confidence,
        protocol_digest=protocol.digest(),
        test_digest=report.data.test,
        answered=report.answered,
        scales=tuple(_scale(report, one) for one in report.analysed.scales),
        notes=tuple(_notes(report)),
    )


def _notes(report: Report) -> list[str]:
    rules = "; ".join(screening_rules(report.data.protocol)) or "none"
    told = f"declared screening: {rules}. {exclusion_in_words(report)}"
    return list(dict.fromkeys([told, *report.data.notes, *report.analysed.notes]))


def _scale(report: Report, scale: ScaleAnalysis) -> RatedScale:
    protocol = report.data.protocol
    asked = protocol.scale(scale.scale)
    low, high = protocol.range(scale.scale)
    rated = not protocol.pairwise
    told = strength_of(protocol)
    question = localized(asked.question, "en") or localized(asked.label, "en")
    return RatedScale(
        id=scale.scale,
        description=question
        if rated
        else f"{question} {told[0].upper()}{told[1:]}; the mean over systems is 0".strip(),
        unit=f"{low:g}–{high:g}" if rated else "points" if protocol.form == "ccr" else "log-odds",
        direction="higher",
        low=low if rated else None,
        high=high if rated else None,
        decimals=decimals_of(protocol),
        systems=_rated(report, scale) if scale.means else _compared(scale),
        comparisons=tuple(_pairs(report, scale)),
    )


def _rated(report: Report, scale: ScaleAnalysis) -> dict[str, RatedSystem]:
    songs = song_means(report.counted_data, scale.scale)
    figures = {}
    for one in scale.means:
        if one.competitor:
            own = songs[songs["system"] == one.system].to_dict("records")
            points = [RatedSong(str(s["prompt"]), int(s["take"]), float(s["value"]), int(s["n"])) for s in own]
            figures[one.system] = RatedSystem(
                value=one.mean,
                low=one.low,
                high=one.high,
                n_ratings=one.n,
                n_raters=one.n_raters,
                n_items=one.n_items,
                group=one.group,
                rank=one.rank,
                songs=tuple(points),
            )
    return figures


def _compared(scale: ScaleAnalysis) -> dict[str, RatedSystem]:
    return {
        one.system: RatedSystem(
            value=one.strength,
            low=one.low,
            high=one.high,
            n_ratings=one.n,
            n_raters=one.n_raters,
            n_items=one.n_items,
            group=one.group,
            rank=one.rank,
        )
        for one in scale.strengths
        if one.competitor
    }


def _pairs(report: Report, scale: ScaleAnalysis) -> Iterable[Comparison]:
    """The declared pairs that could be tested; the leaderboard has no place for the others."""
    for one in scale.differences:
        if math.isfinite(one.p) and math.isfinite(one.p_adjusted):
            yield _difference(one)
    strengths = {one.system: one.strength for one in scale.strengths}
    for pair in scale.outcomes:
        first, second = strengths.get(pair.first), strengths.get(pair.second)
        if first is not None and second is not None and math.isfinite(pair.p) and math.isfinite(pair.p_adjusted):
            yield _outcome(pair, first - second, _prompts_of(report, pair))


def _prompts_of(report: Report, pair: PairOutcome) -> int:
    """Prompts on which the two were compared directly."""
    table = report.counted_data.pairs
    here = table[(table["scale"] == pair.scale) & (table["kind"] == "test")]
    forth = (here["first"] == pair.first) & (here["second"] == pair.second)
    back = (here["first"] == pair.second) & (here["second"] == pair.first)
    return int(here[forth | back]["prompt"].nunique())


def _difference(one: Difference) -> Comparison:
    return Comparison(
        first=one.first,
        second=one.second,
        n_prompts=one.n_items,
        difference=one.difference,
        low=_number(one.low),
        high=_number(one.high),
        p=one.p,
        p_flip=_number(one.p_flip),
        p_adjusted=one.p_adjusted,
        significant=bool(one.significant),
    )


def _outcome(one: PairOutcome, difference: float, prompts: int) -> Comparison:
    """The difference is that of the strengths, in the unit of the column; the test is the declared one."""
    return Comparison(
        first=one.first,
        second=one.second,
        n_prompts=prompts,
        difference=difference,
        low=None,
        high=None,
        p=one.p,
        p_flip=None,
        p_adjusted=one.p_adjusted,
        significant=bool(one.significant),
    )


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
