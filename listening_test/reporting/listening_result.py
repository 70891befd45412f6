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
    screening = f"declared screening: {rules}. {exclusion_in_words(report)}"
    return list(dict.fromkeys([screening, *report.data.notes, *report.analysed.notes]))


def _scale(report: Report, scale: ScaleAnalysis) -> RatedScale:
    protocol = report.data.protocol
    question_form = protocol.scale(scale.scale)
    low, high = protocol.range(scale.scale)
    rated = not protocol.pairwise
    meaning = strength_of(protocol)
    question = localized(question_form.question, "en") or localized(question_form.label, "en")
    return RatedScale(
        id=scale.scale,
        description=question
        if rated
        else f"{question} {meaning[0].upper()}{meaning[1:]}; the mean over systems is 0".strip(),
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
    for row in scale.means:
        if row.competitor:
            songs_of_system = songs[songs["system"] == row.system].to_dict("records")
            points = [
                RatedSong(str(s["prompt"]), int(s["take"]), float(s["value"]), int(s["n"])) for s in songs_of_system
            ]
            figures[row.system] = RatedSystem(
                value=row.mean,
                low=row.low,
                high=row.high,
                n_ratings=row.n,
                n_raters=row.n_raters,
                n_items=row.n_items,
                group=row.group,
                rank=row.rank,
                songs=tuple(points),
            )
    return figures


def _compared(scale: ScaleAnalysis) -> dict[str, RatedSystem]:
    return {
        row.system: RatedSystem(
            value=row.strength,
            low=row.low,
            high=row.high,
            n_ratings=row.n,
            n_raters=row.n_raters,
            n_items=row.n_items,
            group=row.group,
            rank=row.rank,
        )
        for row in scale.strengths
        if row.competitor
    }


def _pairs(report: Report, scale: ScaleAnalysis) -> Iterable[Comparison]:
    """The declared pairs that could be tested; the leaderboard has no place for the others."""
    for difference in scale.differences:
        if math.isfinite(difference.p) and math.isfinite(difference.p_adjusted):
            yield _difference(difference)
    strengths = {difference.system: difference.strength for difference in scale.strengths}
    for pair in scale.outcomes:
        first, second = strengths.get(pair.first), strengths.get(pair.second)
        if first is not None and second is not None and math.isfinite(pair.p) and math.isfinite(pair.p_adjusted):
            yield _outcome(pair, first - second, _prompts_of(report, pair))


def _prompts_of(report: Report, pair: PairOutcome) -> int:
    """Prompts on which the two were compared directly."""
    table = report.counted_data.pairs
    rows = table[(table["scale"] == pair.scale) & (table["kind"] == "test")]
    forth = (rows["first"] == pair.first) & (rows["second"] == pair.second)
    back = (rows["first"] == pair.second) & (rows["second"] == pair.first)
    return int(rows[forth | back]["prompt"].nunique())


def _difference(pair: Difference) -> Comparison:
    return Comparison(
        first=pair.first,
        second=pair.second,
        n_prompts=pair.n_items,
        difference=pair.difference,
        low=_number(pair.low),
        high=_number(pair.high),
        p=pair.p,
        p_flip=_number(pair.p_flip),
        p_adjusted=pair.p_adjusted,
        significant=bool(pair.significant),
    )


def _outcome(pair: PairOutcome, difference: float, prompts: int) -> Comparison:
    """The difference is that of the strengths, in the unit of the column; the test is the declared one."""
    return Comparison(
        first=pair.first,
        second=pair.second,
        n_prompts=prompts,
        difference=difference,
        low=None,
        high=None,
        p=pair.p,
        p_flip=None,
        p_adjusted=pair.p_adjusted,
        significant=bool(pair.significant),
    )


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
