"""What a report begins with: who won, how sure that is, and what must not be concluded. Pure, in plain words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from listening_test.analysis.results import Difference, PairOutcome, ScaleAnalysis, Strength, SystemMean
from listening_test.reporting.facts import Report, exclusion_changes, significant_pairs
from listening_test.reporting.facts import figures as figures_of
from listening_test.reporting.wording import (
    alpha_in_words,
    counted,
    decimals_of,
    interval,
    joined,
    number,
    p_value,
    percent,
)

ENOUGH_RATERS = 6
ENOUGH_SONGS = 8
"""Below so many songs of a system the report warns: another few songs may turn the order."""
_WEAK_ALPHA = 0.2
_MOSTLY_BAD = 0.3
"""Share of "both bad" among a system's comparisons from which its lead is put into perspective."""

Certainty: TypeAlias = Literal["ahead", "open", "alone", "unconnected", "empty"]
"""Better than every other by the declared tests; not so; nothing to compare with; no common order; no figures."""


@dataclass(frozen=True, kw_only=True)
class ScaleLead:
    """Who leads on one scale.

    Attributes:
        scale: id.
        certainty: see `Certainty`.
        best: the systems with the highest figure; several where figures are equal.
        rivals: the others, best first, that are not significantly worse than the best.
        behind: the others that are, best first.
        ahead: systems that the best one loses to significantly although its figure is higher; only in comparisons.
    """

    scale: str
    certainty: Certainty
    best: tuple[str, ...] = ()
    rivals: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()
    ahead: tuple[str, ...] = ()


@dataclass(frozen=True)
class ListeningAnswer:
    """The first lines of a report.

    Attributes:
        sentence: who won on the primary scale, and how sure that is.
        findings: what else was found, a sentence each.
        limits: what a reader must not conclude, a sentence each.
    """

    sentence: str
    findings: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()


def answer(report: Report) -> ListeningAnswer:
    """Say what a listening test shows.

    Args:
        report: of any test: rated or compared, with no, one or several systems, raters and answers.
    """
    if not report.screened:
        return ListeningAnswer("Nobody answered yet, so there is nothing to report.")
    if not report.included:
        return ListeningAnswer(
            f"Nothing can be concluded: none of {counted(report.screened, 'rater')} passed the declared screening."
        )
    leads = [scale_lead(scale) for scale in report.ordered]
    scale = report.ordered[0]
    return ListeningAnswer(
        _sentence(report, scale, leads[0]), tuple(_findings(report, leads)), tuple(_limits(report, scale, leads[0]))
    )


def scale_lead(scale: ScaleAnalysis) -> ScaleLead:
    """Who leads on a scale, by its figures and its declared tests."""
    values = figures_of(scale)
    if not scale.connected:
        return ScaleLead(scale=scale.scale, certainty="unconnected")
    if not values:
        return ScaleLead(scale=scale.scale, certainty="empty")
    order = sorted(values, key=lambda name: (-values[name], name))
    best = tuple(name for name in order if values[name] == values[order[0]])
    if len(order) == 1:
        return ScaleLead(scale=scale.scale, certainty="alone", best=best)
    pairs = significant_pairs(scale)
    rest = [name for name in order if name not in best]
    behind = tuple(name for name in rest if all((first, name) in pairs for first in best))
    ahead = tuple(name for name in rest if any((name, first) in pairs for first in best))
    sure = len(best) == 1 and len(behind) == len(rest)
    return ScaleLead(
        scale=scale.scale,
        certainty="ahead" if sure else "open",
        best=best,
        rivals=tuple(name for name in rest if name not in behind),
        behind=behind,
        ahead=ahead,
    )


# -- who won -----------------------------------------------------------------------------------------------------------


def _sentence(report: Report, scale: ScaleAnalysis, lead: ScaleLead) -> str:
    basis = _basis(report, scale)
    if lead.certainty == "unconnected":
        return (
            f"No winner can be named on {lead.scale}: some systems were compared neither with each other nor by way "
            "of others, so they have no common order."
        )
    if lead.certainty == "empty":
        return f"No winner can be named on {lead.scale}: no system has an answer that counts."
    first = lead.best[0]
    if lead.certainty == "alone":
        figure = _figure(report, scale, first)
        return f"{first} is the only system with answers on {lead.scale}, so nothing is ranked: {basis}, {figure}."
    if lead.certainty == "ahead":
        return _won(report, scale, lead, basis)
    return _undecided(report, scale, lead, basis)


def _won(report: Report, scale: ScaleAnalysis, lead: ScaleLead, basis: str) -> str:
    first, rival = lead.best[0], lead.behind[0]
    margin = _margin(report, scale, first, rival)
    if len(lead.behind) == 1:
        return f"{first} won on {lead.scale} against {rival}: {basis}, {_figure(report, scale, first)}, {margin}."
    return (
        f"{first} won on {lead.scale}, significantly better than each of {len(lead.behind)} other systems: {basis}, "
        f"{_figure(report, scale, first)}, {margin}."
    )


def _undecided(report: Report, scale: ScaleAnalysis, lead: ScaleLead, basis: str) -> str:
    if len(lead.best) > 1:
        tie = f"{joined(lead.best)} have the same figure, {_value(report, scale, lead.best[0])}"
        return f"Who won on {lead.scale} is open: {basis}, {tie}."
    first, rival = lead.best[0], lead.rivals[0]
    if lead.ahead:
        return (
            f"Who won on {lead.scale} is open: {basis}, {_figure(report, scale, first)}, the highest, and yet "
            f"{joined(lead.ahead)} did significantly better when compared with it directly."
        )
    names = f"{rival} ({_value(report, scale, rival)})"
    more = f" and {counted(len(lead.rivals) - 1, 'other')}" if len(lead.rivals) > 1 else ""
    chance = _chance(report, scale, first, rival)
    return (
        f"Who won on {lead.scale} is open: {basis}, {_figure(report, scale, first)}, the highest, but not "
        f"significantly more than {names}{more}{chance}."
    )


def _items(scale: ScaleAnalysis) -> list[int]:
    """How many songs (or prompts, in comparisons) of each competitor were judged."""
    rows: Sequence[SystemMean | Strength] = (*scale.means, *scale.strengths)
    return [row.n_items for row in rows if row.competitor and row.n]


def _basis(report: Report, scale: ScaleAnalysis) -> str:
    """What it rests on: ``22 raters and 5 songs of each``."""
    items = _items(scale)
    raters = counted(len(report.included), "simulated rater" if report.simulated else "rater")
    if not items:
        return f"by {raters}"
    low, high = min(items), max(items)
    thing = "prompt" if report.data.protocol.pairwise else "song"
    songs = counted(high, thing) if low == high else f"{low} to {counted(high, thing)}"
    return f"by {raters} on {songs} of each"


def _figure(report: Report, scale: ScaleAnalysis, system: str) -> str:
    """``a has 3.49 [2.95, 4.04] on a scale from 1 to 5``, in the words of the form."""
    protocol = report.data.protocol
    if protocol.form == "preference":
        return f"{system} won {_value(report, scale, system)} of its comparisons"
    low, high = protocol.range(scale.scale)
    if protocol.form == "ccr":
        return f"{system} was rated {_value(report, scale, system)} against the others, from {low:g} to {high:g}"
    return f"{system} got {_value(report, scale, system)} on a scale from {low:g} to {high:g}"


def _value(report: Report, scale: ScaleAnalysis, system: str) -> str:
    places = decimals_of(report.data.protocol)
    for mean in scale.means:
        if mean.system == system:
            return interval(mean.mean, mean.low, mean.high, places)
    strength = next(row for row in scale.strengths if row.system == system)
    if report.data.protocol.form == "preference":
        return percent(strength.win_rate)
    return interval(strength.strength, strength.low, strength.high, places)


def _margin(report: Report, scale: ScaleAnalysis, first: str, rival: str) -> str:
    """How far ahead of the nearest, and how unlikely by chance."""
    pair = _pair(scale, first, rival)
    if isinstance(pair, Difference):
        sign = 1 if pair.first == first else -1
        low, high = sorted((sign * pair.low, sign * pair.high))
        ahead = interval(sign * pair.difference, low, high, decimals_of(report.data.protocol))
        return f"{ahead} more than {rival}, the nearest ({_p(pair.p_adjusted)})"
    if isinstance(pair, PairOutcome):
        wins = (pair.first_wins, pair.second_wins) if pair.first == first else (pair.second_wins, pair.first_wins)
        return f"{wins[0]} to {wins[1]} against {rival}, the nearest ({_p(pair.p_adjusted)})"
    return f"with {rival} the nearest"


def _chance(report: Report, scale: ScaleAnalysis, first: str, rival: str) -> str:
    """Why two systems count as undecided."""
    pair = _pair(scale, first, rival)
    if pair is None:
        return "; the two were never compared"
    if pair.p_adjusted != pair.p_adjusted:
        return "; " + ("this pair was not declared to be tested" if pair.p == pair.p else "too few answers for a test")
    return f": a difference that large may be chance ({_p(pair.p_adjusted)})"


def _p(value: float) -> str:
    text = p_value(value)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def _pair(scale: ScaleAnalysis, first: str, second: str) -> Difference | PairOutcome | None:
    pairs: Sequence[Difference | PairOutcome] = (*scale.differences, *scale.outcomes)
    return next((pair for pair in pairs if {pair.first, pair.second} == {first, second}), None)


# -- what else ---------------------------------------------------------------------------------------------------------


def _findings(report: Report, leads: Sequence[ScaleLead]) -> Iterator[str]:
    main = leads[0]
    if main.certainty == "open" and main.behind:
        verb = "is" if len(main.behind) == 1 else "are"
        yield f"{joined(main.behind)} {verb} significantly worse than {joined(main.best)} on {main.scale}."
    if equal := _equal(report, main):
        yield equal
    yield from _further_scales(leads)
    if report.excluded:
        yield _exclusion(report)


def _exclusion(report: Report) -> str:
    """Whether it matters who was left out, and where."""
    changes = exclusion_changes(report.analysed)
    orders = [change.scale for change in changes if not change.same_order]
    pairs = [change.scale for change in changes if change.same_order and not change.same_pairs]
    opening = f"{counted(report.excluded, 'rater')} of {report.screened} left out by the declared screening: with them"
    if not orders and not pairs:
        return f"{opening}, order and significant pairs are the same."
    parts = [f"the order of systems is another on {joined(orders)}"] if orders else []
    parts += [f"other pairs differ significantly on {joined(pairs)}"] if pairs else []
    return f"{opening}, {' and '.join(parts)}."


def _equal(report: Report, lead: ScaleLead) -> str:
    """Rivals that were shown to be equal within the declared margin."""
    margin = report.data.protocol.analysis.margin
    if margin is None or len(lead.best) != 1:
        return ""
    scale = report.ordered[0]
    equal = [
        name
        for name in lead.rivals
        if isinstance(pair := _pair(scale, lead.best[0], name), Difference) and pair.p_equal < 1 - report.confidence
    ]
    verb = "is" if len(equal) == 1 else "are"
    return f"{joined(equal)} {verb} equal to {lead.best[0]} within the declared margin of {margin:g}." if equal else ""


def _further_scales(leads: Sequence[ScaleLead]) -> Iterator[str]:
    """The other questions in a sentence for each kind of outcome."""
    winners: dict[str, list[str]] = {}
    undecided = []
    for lead in leads[1:]:
        if lead.certainty == "ahead":
            winners.setdefault(lead.best[0], []).append(lead.scale)
        elif lead.certainty in ("open", "unconnected"):
            undecided.append(lead.scale)
    main = leads[0]
    for name, scales in winners.items():
        also = " also" if main.certainty == "ahead" and main.best[0] == name else ""
        yield f"On {joined(scales)}, {name}{also} is significantly better than every other system."
    if undecided:
        yield f"On {joined(undecided)} it is open who is best."


# -- what must not be concluded ----------------------------------------------------------------------------------------


def _limits(report: Report, scale: ScaleAnalysis, lead: ScaleLead) -> Iterator[str]:
    if report.simulated:
        yield "A program answered: nothing here says anything about the songs."
    yield from _few(report, scale)
    if lead.certainty == "open":
        yield "Where nothing is significant, systems are not equal: these answers are too few or too varied to tell."
    reliability = scale.reliability
    if reliability is not None and reliability.alpha is not None and reliability.alpha < _WEAK_ALPHA:
        agreement = f"{alpha_in_words(reliability.alpha)} on {scale.scale} (alpha {number(reliability.alpha)})"
        yield f"Raters {agreement}; tastes differ."
    yield from _perspective(report, scale, lead)
    failed = [name for name, count in report.data.failed.items() if count]
    if failed and report.data.protocol.items.failures == "exclude":
        verb = "its" if len(failed) == 1 else "their"
        yield f"{joined(failed)} did not make every song; {verb} figures leave out what was not made."
    if not report.simulated:
        yield "All of it holds for such listeners and for the prompts and versions of this test, not beyond."


def _few(report: Report, scale: ScaleAnalysis) -> Iterator[str]:
    raters = len(report.included)
    if raters == 1:
        yield "One rater shows one taste; nothing follows about other listeners."
    elif raters < ENOUGH_RATERS:
        yield f"{raters} raters are few: intervals are wide, and another few listeners may turn the order."
    items = _items(scale)
    if items and max(items) < ENOUGH_SONGS:
        thing = "prompt" if report.data.protocol.pairwise else "song"
        verb = "is" if max(items) == 1 else "are"
        yield f"{counted(max(items), thing)} of each system {verb} few: another choice of prompts may turn the order."


def _perspective(report: Report, scale: ScaleAnalysis, lead: ScaleLead) -> Iterator[str]:
    """Where the best is not good, or the place on the page mattered."""
    for row in scale.strengths:
        if lead.best and row.system == lead.best[0] and row.both_bad >= _MOSTLY_BAD:
            yield f"In {percent(row.both_bad)} of its comparisons raters called both songs bad: better is not good."
    position = scale.position
    if position is None or not report.places_known or position.low is None or position.high is None:
        return
    if not position.low <= 0.5 <= position.high:
        yield "Raters favoured one side of the page; the analysis allows for that, but they listened less closely."
