"""What the administration draws: sessions, balance, checks, times, last answers. Blind, and nobody's identity."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from listening_test.check_answers import CheckAnswers
from listening_test.collection import charts
from listening_test.collection.charts import Series
from listening_test.collection.database import Database, PageRow, RaterRow
from listening_test.collection.overview import AnswerCount, CollectionProgress, RaterProgress, State
from listening_test.pages import PageRef, session_pages
from listening_test.panel.decisions import fails_headphones, fails_traps, traps_wrong
from listening_test.prepared import PreparedTest

STATES: tuple[State, ...] = ("finished", "under way", "left", "screened out", "withdrawn")
LAST = 12
"""Answers in the table of the last ones."""
_MOST_SEATS = 60
_DAYS = 21
_MOST_PLACES = 1000
"""Of pages in one question to the database."""


@dataclass(frozen=True, kw_only=True)
class AnsweredPage:
    """One answer of one rater.

    Attributes:
        page: what was asked.
        language: of the pages.
        answered: seconds since 1970.
        seconds: the time on the page; None where none is measured.
    """

    page: PageRef
    language: str
    answered: float
    seconds: float | None


@dataclass(frozen=True, kw_only=True)
class AnswerFacts:
    """What the charts need of all answers; the database looks at them, so that few of them are read here.

    Attributes:
        times: page of the test (1-based) → the seconds of everybody who answered it.
        traps_wrong: per rater who met a trap, how many were answered wrongly.
        headphones: every answer to the headphone check.
        last: the last answers, the newest first.
    """

    times: Mapping[int, Sequence[float]]
    traps_wrong: Sequence[int]
    headphones: Sequence[Mapping[str, Any]]
    last: Sequence[AnsweredPage]


def answer_facts(database: Database, test: PreparedTest, checks: CheckAnswers | None) -> AnswerFacts:
    """What was answered so far.

    Args:
        database: of this test.
        test: the public half.
        checks: what traps and the headphone check ask for; None where the folder has no such file.
    """
    pages = {seat: session_pages(test, seat) for seat in range(len(test.seats))}
    seconds = PageRow.answer["seconds"].as_float()
    answered = (RaterRow.id == PageRow.rater, PageRow.answered.is_not(None))
    times: dict[int, list[float]] = {}
    with database.reading() as session:
        on_pages = select(RaterRow.seat, PageRow.page, seconds).where(*answered, PageRow.kind == "trial")
        for seat, page, value in session.execute(on_pages):
            if number := pages[seat][page].number:
                times.setdefault(number, []).append(math.nan if value is None else value)
        newest = (
            select(RaterRow.seat, PageRow.page, RaterRow.language, PageRow.answered, seconds)
            .where(*answered)
            .order_by(PageRow.answered.desc(), PageRow.rater.desc(), PageRow.page.desc())
            .limit(LAST)
        )
        last = [
            AnsweredPage(page=pages[seat][page], language=language, answered=when or 0.0, seconds=value)
            for seat, page, language, when, value in session.execute(newest)
        ]
        wrong, headphones = _checked(session, pages, checks) if checks else ([], [])
    return AnswerFacts(times=times, traps_wrong=wrong, headphones=headphones, last=last)


def _checked(
    session: Session, pages: Mapping[int, Sequence[PageRef]], checks: CheckAnswers
) -> tuple[list[int], list[Mapping[str, Any]]]:
    """Per rater the traps answered wrongly, and the answers to the headphone check."""
    places = [
        (seat, number)
        for seat, refs in pages.items()
        for number, page in enumerate(refs)
        if page.step is not None and page.step.trial in checks.traps
    ]
    answered = (RaterRow.id == PageRow.rater, PageRow.answered.is_not(None))
    by_rater: dict[str, list[tuple[PageRef, Mapping[str, Any]]]] = {}
    for start in range(0, len(places), _MOST_PLACES):
        among = tuple_(RaterRow.seat, PageRow.page).in_(places[start : start + _MOST_PLACES])
        on_traps = select(PageRow.rater, RaterRow.seat, PageRow.page, PageRow.answer).where(*answered, among)
        for rater, seat, number, answer in session.execute(on_traps):
            by_rater.setdefault(rater, []).append((pages[seat][number], answer or {}))
    headphones = session.scalars(select(PageRow.answer).where(*answered, PageRow.kind == "headphones"))
    return [traps_wrong(checks, met) for met in by_rater.values()], [answer or {} for answer in headphones]


def dashboard(test: PreparedTest, progress: CollectionProgress, facts: AnswerFacts, checks: CheckAnswers | None) -> str:
    """All charts, as HTML without scripts.

    Args:
        test: the public half.
        progress: as `overview.progress` gives it.
        facts: as `answer_facts` gives them.
        checks: what traps and the headphone check ask for; None where the folder has no such file.
    """
    figures = [
        _sessions(test, progress.raters),
        _days(progress.raters),
        _seats(test, progress.raters),
        _stimuli(progress.stimuli),
        _languages(test, progress.raters),
        *_checks(test, facts, checks),
        _times(facts.times),
        _last(facts.last),
    ]
    return charts.board(figures)


def _sessions(test: PreparedTest, raters: Sequence[RaterProgress]) -> str:
    counts = Counter(rater.state for rater in raters)
    planned, finished = len(test.seats), counts["finished"]
    note = f"{len(raters)} begun, {finished} finished; the assignment is balanced for {planned}."
    return charts.bars("Sessions", note, STATES, [float(counts[state]) for state in STATES], "state")


def _days(raters: Sequence[RaterProgress]) -> str:
    started = Counter(_day(rater.started) for rater in raters)
    finished = Counter(_day(rater.started) for rater in raters if rater.state == "finished")
    days = sorted(started)[-_DAYS:]
    series = [
        Series("finished", tuple(float(finished[day]) for day in days)),
        Series("not finished", tuple(float(started[day] - finished[day]) for day in days)),
    ]
    return charts.columns("By day", "Raters by the day on which they came.", days, series, axis="day")


def _seats(test: PreparedTest, raters: Sequence[RaterProgress]) -> str:
    title = "Balance of seats"
    finished = Counter(rater.seat for rater in raters if rater.state == "finished")
    going = Counter(rater.seat for rater in raters if rater.state == "under way")
    seats = range(len(test.seats))
    if len(test.seats) <= _MOST_SEATS:
        series = [
            Series("finished", tuple(float(finished[seat]) for seat in seats)),
            Series("under way", tuple(float(going[seat]) for seat in seats)),
        ]
        note = "Raters on each seat; a test is balanced when all columns are equally high."
        return charts.columns(title, note, [str(seat) for seat in seats], series, axis="seat")
    often = Counter(finished[seat] for seat in seats)
    labels = [str(n) for n in range(max(often) + 1)]
    note = "How many seats have so many finished raters; balanced when they differ by at most one."
    values = [Series("seats", tuple(float(often[n]) for n in range(len(labels))))]
    return charts.columns(title, note, labels, values, axis="finished raters")


def _stimuli(stimuli: Sequence[AnswerCount]) -> str:
    often = Counter(min(int(stimulus.answers / stimulus.planned * 5), 5) for stimulus in stimuli)
    labels = ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"]
    note = (
        "How many stimuli have this share, or up to 20 % more, of their planned answers. Votes are equal in one column."
    )
    values = [Series("stimuli", tuple(float(often[n]) for n in range(len(labels))))]
    return charts.columns("Balance of stimuli", note, labels, values, axis="share")


def _languages(test: PreparedTest, raters: Sequence[RaterProgress]) -> str:
    names = test.protocol.languages
    series = [
        Series(state, tuple(float(sum(r.state == state and r.language == name for r in raters)) for name in names))
        for state in STATES[:3]
    ]
    return charts.columns("By language of the pages", "Raters of each condition.", names, series, axis="language")


def _checks(test: PreparedTest, facts: AnswerFacts, checks: CheckAnswers | None) -> list[str]:
    if checks is None:
        cure = "run `songbench listen panel FOLDER` where key.json is, and start the server again."
        return [charts.remark("Traps and headphones", f"The folder has no checks.json: {cure}")]
    return [*_traps(test, facts.traps_wrong, checks), *_headphones(test, facts.headphones, checks)]


def _traps(test: PreparedTest, by_rater: Sequence[int], checks: CheckAnswers) -> list[str]:
    if not checks.traps:
        return []
    wrong = Counter(by_rater)
    most = max((*wrong, test.protocol.checks.traps), default=1)
    rules = test.protocol.screening
    failed = sum(count for number, count in wrong.items() if fails_traps(rules, number))
    total = sum(wrong.values())
    limit = "no rule is declared" if rules.traps_wrong is None else f"{failed} beyond the declared limit"
    labels = [str(number) for number in range(most + 1)]
    values = [Series("raters", tuple(float(wrong[number]) for number in range(most + 1)))]
    place = None if rules.traps_wrong is None else min(rules.traps_wrong, most) + 1.0
    note = (
        f"{total} raters met a trap; {limit} (right of the line)." if place else f"{total} raters met a trap; {limit}."
    )
    return [charts.columns("Traps answered wrongly", note, labels, values, axis="wrong traps", limit=place)]


def _headphones(test: PreparedTest, answers: Sequence[Mapping[str, Any]], checks: CheckAnswers) -> list[str]:
    if not checks.headphones:
        return []
    right = Counter(checks.headphones_right(answer) for answer in answers)
    rules = test.protocol.screening
    failed = sum(fails_headphones(rules, checks, answer) for answer in answers)
    limit = rules.headphones_correct
    labels = [str(number) for number in range(len(checks.headphones) + 1)]
    values = [Series("raters", tuple(float(right[int(label)]) for label in labels))]
    verdict = "no rule is declared" if limit is None else f"{failed} below the declared limit (left of the line)"
    note = f"{len(answers)} raters did the check; {verdict}."
    place = None if limit is None else float(limit)
    return [charts.columns("Headphone check", note, labels, values, axis="right answers", limit=place)]


def _times(by_place: Mapping[int, Sequence[float]]) -> str:
    places = range(1, max(by_place, default=0) + 1)
    quartiles = [_quartiles(by_place.get(place, [])) for place in places]
    note = "Seconds on each page of the test, in the order in which raters meet them: median and the middle half."
    return charts.spreads("Time per page", note, [str(place) for place in places], quartiles, "page")


def _quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    numbers = [value for value in values if math.isfinite(value)]
    if not numbers:
        return (math.nan, math.nan, math.nan)
    if len(numbers) == 1:
        return (numbers[0], numbers[0], numbers[0])
    lower, median, upper = statistics.quantiles(numbers, n=4, method="inclusive")
    return lower, median, upper


def _last(pages: Sequence[AnsweredPage]) -> str:
    rows = [
        [
            datetime.fromtimestamp(page.answered).strftime("%m-%d %H:%M:%S"),
            f"page {page.page.number} of the test" if page.page.number else _KINDS.get(page.page.kind, page.page.kind),
            "" if page.seconds is None else f"{page.seconds:.0f} s",
            page.language,
        ]
        for page in pages
    ]
    return charts.listing("Last answers", "The newest first.", ["when", "page", "time on it", "language"], rows)


_KINDS = {
    "consent": "consent",
    "background": "questions about the rater",
    "sound": "volume",
    "headphones": "headphone check",
    "trial": "practice",
    "break": "break",
}


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).strftime("%m-%d")
