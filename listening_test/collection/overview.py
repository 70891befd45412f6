"""How far the raters are, and the answers as sheets. Blind: seats, pages and opaque ids, never what is behind them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal, TypeAlias

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import Session

from listening_test.answer_sheets import AnswerSheet, Entry
from listening_test.collection.database import Database, PageRow, PanelVisitRow, RaterRow, TestRow
from listening_test.pages import session_pages
from listening_test.panel.visits import PanelVisit
from listening_test.prepared import PreparedTest

State: TypeAlias = Literal["under way", "finished", "left", "screened out", "withdrawn"]
"""``left``: unfinished and so long without an answer that the seat is given again; ``screened out``: came from a panel
and failed a declared check."""
_PAUSE = 600.0


@dataclass(frozen=True, kw_only=True)
class RaterProgress:
    """One rater.

    Attributes:
        rater: opaque.
        seat: which assignment.
        invited: by the invitation with this number, or None.
        language: of the pages.
        started: when the rater came, in seconds since 1970.
        pages: answered.
        of: how many there are.
        minutes: from coming to the last answer; pauses longer than 10 minutes left out.
        state: see `State`.
        device: what the browser says of itself.
    """

    rater: str
    seat: int
    invited: int | None
    language: str
    started: float
    pages: int
    of: int
    minutes: float
    state: State
    device: str


@dataclass(frozen=True)
class AnswerCount:
    """How often one thing was judged.

    Attributes:
        id: the trial's or the stimulus', opaque.
        answers: pages answered on which it was judged.
        planned: pages of all seats on which it is.
    """

    id: str
    answers: int
    planned: int


@dataclass(frozen=True, kw_only=True)
class PanelRater:
    """A rater with the ids of the panel that sent them. For what is settled with the panel alone.

    Attributes:
        visit: the panel's ids.
        state: see `State`.
        code: the rater's own completion code, or "".
        ended: when, in seconds since 1970, or None.
        sheet: the answers.
    """

    visit: PanelVisit
    state: State
    code: str
    ended: float | None
    sheet: AnswerSheet


@dataclass(frozen=True)
class CollectionProgress:
    """The whole test.

    Attributes:
        closed: whether it is.
        raters: in the order of coming.
        trials: practice left out.
        stimuli: that are judged, practice left out.
    """

    closed: bool
    raters: tuple[RaterProgress, ...]
    trials: tuple[AnswerCount, ...]
    stimuli: tuple[AnswerCount, ...]

    def count(self, state: State) -> int:
        """How many raters are in this state."""
        return sum(rater.state == state for rater in self.raters)


def sheets(database: Database, test: PreparedTest) -> list[AnswerSheet]:
    """Everything that was answered, by rater in the order of coming."""
    with database.reading() as session:
        entries: dict[str, list[Entry]] = {}
        answered = select(PageRow).where(PageRow.answered.is_not(None)).order_by(PageRow.rater, PageRow.page)
        for row in session.scalars(answered):
            entries.setdefault(row.rater, []).append(Entry(row.page, row.answer or {}, row.served, row.answered or 0.0))
        return [
            AnswerSheet(
                test=database.test,
                rater=rater.id,
                seat=rater.seat,
                language=rater.language,
                started=rater.started,
                finished=rater.finished,
                withdrawn=rater.withdrawn is not None,
                device=rater.device,
                entries=tuple(entries.get(rater.id, ())),
            )
            for rater in _raters(session)
        ]


def panel_raters(database: Database, test: PreparedTest, active_since: float) -> list[PanelRater]:
    """Every rater whom a panel sent and who did not withdraw, in the order of coming.

    Args:
        database: of this test.
        test: the public half.
        active_since: as for `progress`.
    """
    by_rater = {sheet.rater: sheet for sheet in sheets(database, test)}
    with database.reading() as session:
        if not database.has_visits(session):
            return []
        screened_out = _screened_out(database, session)
        rows = session.execute(
            select(RaterRow, PanelVisitRow)
            .join(PanelVisitRow, PanelVisitRow.rater == RaterRow.id)
            .order_by(RaterRow.started, RaterRow.id)
        ).all()
        return [
            PanelRater(
                visit=PanelVisit(participant=visit.participant, study=visit.study, session=visit.session),
                state=_state(rater, active_since, screened_out),
                code=rater.completion_code or "",
                ended=visit.ended,
                sheet=by_rater[rater.id],
            )
            for rater, visit in rows
        ]


def progress(database: Database, test: PreparedTest, active_since: float) -> CollectionProgress:
    """How far everyone is.

    Args:
        database: of this test.
        test: the public half.
        active_since: an unfinished rater without an answer since then has left, in seconds since 1970.
    """
    with database.reading() as session:
        closed = session.scalars(select(TestRow.closed_at)).one() is not None
        answered = {row.rater: (row.pages, row.seconds) for row in session.execute(_answered())}
        raters = _raters(session)
        screened_out = _screened_out(database, session)
        rows = tuple(
            _rater_progress(test, rater, *answered.get(rater.id, (0, 0.0)), _state(rater, active_since, screened_out))
            for rater in raters
        )
    trials, stimuli = _judged(test, Counter((rater.seat, answered.get(rater.id, (0, 0.0))[0]) for rater in raters))
    planned_trials, planned_stimuli = _judged(test, Counter((seat, 10**9) for seat in range(len(test.seats))))
    return CollectionProgress(closed, rows, _cells(trials, planned_trials), _cells(stimuli, planned_stimuli))


def _answered() -> Select[tuple[str, int, float]]:
    """Per rater, the pages answered and the seconds between answers, pauses left out; reckoned by the database."""
    when = PageRow.answered
    earlier = func.lag(when, 1).over(partition_by=PageRow.rater, order_by=PageRow.page)
    gap = (when - func.coalesce(earlier, RaterRow.started)).label("gap")
    gaps = select(PageRow.rater, gap).join(RaterRow, RaterRow.id == PageRow.rater).where(when.is_not(None)).subquery()
    short = case((gaps.c.gap.between(0, _PAUSE), gaps.c.gap), else_=0.0)
    return select(gaps.c.rater, func.count().label("pages"), func.sum(short).label("seconds")).group_by(gaps.c.rater)


def _raters(session: Session) -> list[RaterRow]:
    return list(session.scalars(select(RaterRow).order_by(RaterRow.started, RaterRow.id)))


def _screened_out(database: Database, session: Session) -> set[str]:
    if not database.has_visits(session):
        return set()
    return set(session.scalars(select(PanelVisitRow.rater).where(PanelVisitRow.end == "screened-out")))


def _state(rater: RaterRow, active_since: float, screened_out: set[str]) -> State:
    if rater.withdrawn is not None:
        return "withdrawn"
    if rater.id in screened_out:
        return "screened out"
    if rater.finished is not None:
        return "finished"
    return "under way" if rater.active >= active_since else "left"


def _rater_progress(test: PreparedTest, rater: RaterRow, pages: int, seconds: float, state: State) -> RaterProgress:
    return RaterProgress(
        rater=rater.id,
        seat=rater.seat,
        invited=rater.invitation,
        language=rater.language,
        started=rater.started,
        pages=pages,
        of=len(session_pages(test, rater.seat)) - 1,
        minutes=seconds / 60,
        state=state,
        device=rater.device,
    )


def _judged(test: PreparedTest, raters: Counter[tuple[int, int]]) -> tuple[Counter[str], Counter[str]]:
    """How often each trial and each stimulus was met by so many raters of each seat with so many pages."""
    trials: Counter[str] = Counter()
    stimuli: Counter[str] = Counter()
    for (seat, pages), count in raters.items():
        for page in session_pages(test, seat)[:pages]:
            if page.step is not None and not page.practice:
                trials[page.step.trial] += count
                for stimulus in page.step.order:
                    stimuli[stimulus] += count
    return trials, stimuli


def _cells(answers: Counter[str], planned: Counter[str]) -> tuple[AnswerCount, ...]:
    return tuple(AnswerCount(name, answers[name], planned[name]) for name in sorted(planned))
