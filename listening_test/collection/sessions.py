"""The rules of a session: who comes in, what is asked next, which answers are taken. No web in it.

A session goes forward only. Its place is the number of answered pages, read from the database at every call, so it goes
on after a reload, on another device, or after the server was killed. The answer to a page is one transaction; whoever
asks learns of it after the commit. Answers of several raters that wait together share a transaction, and with it one
wait for the disk. An answer that comes again (a double click, a retry after a lost reply) changes nothing and gives the
current page.

A test that was closed admits nobody and shows nobody a new page. A page that was shown before can still be answered;
after it the rater learns that the test is closed, or, if it was the last, gets the completion code. After reopening
everyone goes on where they were.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError, OperationalError, TimeoutError
from sqlalchemy.orm import Session

from listening_test.answer_sheets import AnswerSheet
from listening_test.answers import RefusedAnswerError
from listening_test.check_answers import CheckAnswers
from listening_test.collection import overview
from listening_test.collection.database import Database, PageRow, PanelVisitRow, PlayRow, RaterRow, RatingRow, TestRow
from listening_test.collection.keeping import AnswerKeeper
from listening_test.collection.seats import emptiest_seat, next_round
from listening_test.collection.standings import RaterStanding, standings
from listening_test.collection.tokens import Signer, new_token, token_hash
from listening_test.pages import session_pages, slots
from listening_test.panel.settings import Panel, SessionEnd
from listening_test.panel.visits import PanelVisit, read_visit
from listening_test.prepared import PreparedTest

Entry: TypeAlias = Literal["open", "invited"]
"""Whether anyone may come in who has the address, or only holders of an invitation."""
Problem: TypeAlias = Literal["closed", "unknown", "invited-only", "panel-only", "withdrawn", "failed"]
"""Why there is no page to show; the front end has a text for each in every language."""

UNDECIDED = 3600.0
"""Seconds after which whoever came and has not agreed to anything yet no longer holds a seat."""
_TRIES = 20


class SessionProblemError(Exception):
    """There is no page to show.

    Args:
        code: why.
    """

    def __init__(self, code: Problem) -> None:
        """Keep the code."""
        super().__init__(code)
        self.code: Problem = code


@dataclass(frozen=True, kw_only=True)
class RaterPosition:
    """Where a rater is.

    Attributes:
        token: of the session.
        seat: which assignment.
        language: of the pages.
        page: the number of the page to show, 0-based.
        code: the completion code on the last page, else "".
        from_panel: whether a panel sent the rater.
        destination: where such a rater goes from the last page, see `Panel.destination`; else None.
    """

    token: str
    seat: int
    language: str
    page: int
    code: str = ""
    from_panel: bool = False
    destination: Mapping[str, str] | None = None


@dataclass(frozen=True)
class SentAnswer:
    """The answer to a page, as it came; nothing of it is trusted.

    Attributes:
        token: of the session.
        page: the number of the page.
        payload: see `answers`.
    """

    token: object
    page: object
    payload: object


Outcome: TypeAlias = RaterPosition | Exception
"""What becomes of an answer: where the rater is then, or the error that says why there is no place to show."""


@dataclass(frozen=True)
class _Arrival:
    """Who comes in.

    Attributes:
        token: of the session, which may be there already; "" for a new one.
        invitation: its number, or None.
        visit: as a panel knows the rater, or None.
    """

    token: str = ""
    invitation: int | None = None
    visit: PanelVisit | None = None


class Sessions:
    """Every session of one test.

    Args:
        test: the public half; the key is never opened.
        database: of this test.
        signer: of this test.
        entry: who may come in.
        panel: that sends raters, or None; then whoever comes without an invitation must come from it.
        checks: what traps and the headphone check ask for; None: nobody is screened out.
        reclaim_hours: after so long without an answer an unfinished rater's seat is given again.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        test: PreparedTest,
        database: Database,
        signer: Signer,
        *,
        entry: Entry = "open",
        panel: Panel | None = None,
        checks: CheckAnswers | None = None,
        reclaim_hours: float = 48.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Keep all of it."""
        self.test, self.database, self.signer = test, database, signer
        self.entry, self._reclaim, self._clock = entry, reclaim_hours * 3600, clock
        self.panel, self.checks = panel, checks
        self._keeper = AnswerKeeper(test, signer, checks, clock)

    def open_session(
        self, *, invitation: object = None, visit: object = None, token: object = None, language: object = None
    ) -> RaterPosition:
        """Come in or come back. Invitations and a panel's ids count before a token: two raters may share a browser.

        Args:
            invitation: as in the link, or None.
            visit: the ids in a panel's link, see `panel.visits`; nothing of it is trusted.
            token: of a session that was opened before, or None.
            language: of the pages; one the protocol does not have becomes its first.

        Raises:
            SessionProblemError: ``unknown``, ``invited-only``, ``panel-only``, ``closed``, ``withdrawn``.
        """
        if not invitation and self.panel and self.panel.parameters.participant:
            return self._come_in(self._sent(visit), self._language(language))
        if not invitation and token:
            with self.database.writing() as session:
                place = self._place(session, self._standing(session, token), str(token))
            return _open_position(place)
        number = self.signer.number_of(invitation) if invitation else None
        if invitation and number is None:
            raise SessionProblemError("unknown")
        if number is None and self.entry == "invited":
            raise SessionProblemError("invited-only")
        token = "" if number is None else self.signer.invited_token(number)
        from_panel = read_visit(visit) if self.panel and number is None else None
        return self._come_in(_Arrival(token, number, from_panel), self._language(language))

    def answer(self, token: object, page: object, payload: object) -> RaterPosition:
        """Take the answer to a page.

        Args:
            token: of the session.
            page: the number of the page.
            payload: see `answers`.

        Returns:
            Where the rater is then.

        Raises:
            RefusedAnswerError: for an answer that is not whole or possible, to a page that was not shown yet, or that
                comes before the page could have been heard.
            SessionProblemError: ``unknown``, ``closed``, ``withdrawn``.
        """
        (outcome,) = self.take_answers([SentAnswer(token, page, payload)])
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def take_answers(self, answers: Sequence[SentAnswer]) -> list[Outcome]:
        """Take answers that came together: one transaction, on disk when this returns.

        Args:
            answers: of any raters; of one rater in the order in which they came.

        Returns:
            One outcome for each. What is wrong with one answer leaves the others alone; where the database failed, all
            have its error and none was taken.
        """
        try:
            return self._take_together(answers)
        except Exception as error:
            if len(answers) == 1 or isinstance(error, OperationalError | TimeoutError):
                return [error] * len(answers)
        return [outcome for answer in answers for outcome in self.take_answers([answer])]

    def turn_language(self, token: object, language: object) -> RaterPosition:
        """Go on in another language of the protocol.

        Raises:
            SessionProblemError: ``unknown``, ``closed``, ``withdrawn``.
        """
        with self.database.writing() as session:
            standing = self._standing(session, token)
            standing.rater.language = self._language(language, standing.rater.language)
            place = self._place(session, standing, str(token))
        return _open_position(place)

    def withdraw(self, token: object) -> None:
        """Delete everything a rater said; that someone withdrew is kept.

        Raises:
            SessionProblemError: ``unknown``.
        """
        with self.database.writing() as session:
            rater = self._standing(session, token, withdrawn=True).rater
            for table in (RatingRow, PlayRow, PageRow, PanelVisitRow):
                session.execute(delete(table).where(table.rater == rater.id))
            rater.device, rater.finished, rater.completion_code = "", None, None
            rater.withdrawn = rater.withdrawn or self._clock()
        self.database.forget()

    def audio_path(self, token: object, page: int, slot: str) -> Path:
        """The file behind a player of the current page, or of the next, which is fetched ahead.

        Raises:
            SessionProblemError: ``unknown`` for everything else, ``withdrawn``.
        """
        with self.database.reading() as session:
            standing = self._standing(session, token, lock=False)
            rater, current = standing.rater, self._current(standing)
            pages = session_pages(self.test, rater.seat)
            if page not in (current, current + 1) or page >= len(pages):
                raise SessionProblemError("unknown")
            stimulus = slots(self.test, pages[page], rater.language).get(slot)
        if stimulus is None:
            raise SessionProblemError("unknown")
        return self.test.folder / self.test.stimuli[stimulus].file

    def way_back(self, visit: object) -> Mapping[str, str] | None:
        """Where a panel's rater goes who does not take part, or not to the end; None where no panel sent anyone.

        Args:
            visit: the ids in the panel's link.
        """
        return self.panel.destination("left", read_visit(visit), "") if self.panel else None

    def close(self) -> None:
        """Admit nobody and show no new page, see the module."""
        self._set_closed(self._clock())

    def reopen(self) -> None:
        """Go on."""
        self._set_closed(None)

    def progress(self) -> overview.CollectionProgress:
        """How far everyone is."""
        return overview.progress(self.database, self.test, self._clock() - self._reclaim)

    def sheets(self) -> list[AnswerSheet]:
        """Everything that was answered, by rater in the order of coming."""
        return overview.sheets(self.database, self.test)

    def _sent(self, visit: object) -> _Arrival:
        """A rater whom the panel sent: the participant's id is the way back in."""
        ids = read_visit(visit)
        if not ids.participant:
            raise SessionProblemError("panel-only")
        return _Arrival(self.signer.panel_token(ids.participant), None, ids)

    def _come_in(self, arrival: _Arrival, language: str) -> RaterPosition:
        """The locks make a clash unlikely; where one happens the constraints refuse it and we look again."""
        for _ in range(_TRIES - 1):
            try:
                return self._try_to_come_in(arrival, language)
            except IntegrityError:
                continue
        return self._try_to_come_in(arrival, language)

    def _try_to_come_in(self, arrival: _Arrival, language: str) -> RaterPosition:
        token = arrival.token or new_token()
        with self.database.writing() as session:
            test = session.scalars(select(TestRow).with_for_update()).one()
            rater = session.scalar(select(RaterRow.id).where(RaterRow.token_hash == token_hash(token)))
            if rater is None:
                if test.closed_at is not None:
                    raise SessionProblemError("closed")
                self._add_rater(session, token, arrival, language)
            elif arrival.visit is not None and arrival.visit.session:
                self._note_submission(session, rater, arrival.visit)
            place = self._place(session, self._standing(session, token), token)
        return _open_position(place)

    def _add_rater(self, session: Session, token: str, arrival: _Arrival, language: str) -> None:
        now, seats = self._clock(), len(self.test.seats)
        if arrival.invitation is None:
            seat = emptiest_seat(
                session,
                self.database.test,
                seats,
                active_since=now - self._reclaim,
                came_since=now - min(self._reclaim, UNDECIDED),
            )
        else:
            seat = arrival.invitation % seats
        name = secrets.token_hex(6)
        session.add(
            RaterRow(
                id=name,
                test=self.database.test,
                token_hash=token_hash(token),
                invitation=arrival.invitation,
                seat=seat,
                round=next_round(session, self.database.test, seat),
                language=language,
                device="",
                started=now,
                active=now,
            )
        )
        session.flush()
        if arrival.visit is not None:
            session.add(PanelVisitRow(rater=name, end=None, ended=None, **vars(arrival.visit)))
            session.flush()

    def _note_submission(self, session: Session, rater: str, visit: PanelVisit) -> None:
        """A participant who gave a place back and took another has one session here, and a new submission there."""
        row = session.get(PanelVisitRow, rater)
        if row is not None and row.participant and row.end is None:
            row.study, row.session = visit.study or row.study, visit.session

    def _standing(
        self, session: Session, token: object, *, lock: bool = True, withdrawn: bool = False
    ) -> RaterStanding:
        """Whose token it is; while one answer is taken, another of the same rater waits."""
        by_token = standings(session, [token], panel=self.panel is not None, lock=lock)
        return _allowed(by_token.get(str(token)), withdrawn=withdrawn)

    def _current(self, standing: RaterStanding) -> int:
        """The number of the page to show: the last one for whoever was screened out."""
        ended = standing.visit is not None and standing.visit.end is not None
        return len(session_pages(self.test, standing.rater.seat)) - 1 if ended else standing.answered

    def _place(
        self, session: Session, standing: RaterStanding, token: str, *, closed: bool | None = None
    ) -> RaterPosition | None:
        """Where the rater is, the page noted as shown from now on; None where closing came before it."""
        rater, current = standing.rater, self._current(standing)
        page = session_pages(self.test, rater.seat)[current]
        if page.kind != "thanks" and standing.page_row is None:
            if _is_closed(session) if closed is None else closed:
                return None
            standing.page_row = PageRow(rater=rater.id, page=current, kind=page.kind, served=self._clock())
            session.add(standing.page_row)
        return RaterPosition(
            token=token,
            seat=rater.seat,
            language=rater.language,
            page=current,
            code=rater.completion_code or "",
            from_panel=standing.visit is not None,
            destination=self._destination(standing) if page.kind == "thanks" else None,
        )

    def _destination(self, standing: RaterStanding) -> Mapping[str, str] | None:
        visit = standing.visit
        if self.panel is None or visit is None:
            return None
        ids = PanelVisit(participant=visit.participant, study=visit.study, session=visit.session)
        end: SessionEnd = "screened-out" if visit.end == "screened-out" else "complete"
        return self.panel.destination(end, ids, standing.rater.completion_code or "")

    def _take_together(self, answers: Sequence[SentAnswer]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        rows: dict[type, list[dict[str, Any]]] = {}
        with self.database.writing() as session, session.no_autoflush:
            tokens = [answer.token for answer in answers]
            by_token = standings(session, tokens, panel=self.panel is not None, lock=True)
            closed = _is_closed(session)
            for answer in answers:
                try:
                    standing = _allowed(by_token.get(str(answer.token)))
                    for table, added in self._take(session, standing, answer).items():
                        rows.setdefault(table, []).extend(added)
                    place = self._place(session, standing, str(answer.token), closed=closed)
                    # That there is no next page does not undo the answer.
                    outcomes.append(SessionProblemError("closed") if place is None else place)
                except (RefusedAnswerError, SessionProblemError) as refusal:
                    outcomes.append(refusal)
            session.flush()
            for table, added in rows.items():
                if added:
                    session.execute(insert(table), added)
        return outcomes

    def _take(self, session: Session, standing: RaterStanding, answer: SentAnswer) -> dict[type, list[dict[str, Any]]]:
        """Keep an answer to the current page; nothing happens where it came before."""
        current = self._current(standing)
        if type(answer.page) is not int or answer.page < 0 or answer.page > current:
            raise RefusedAnswerError("malformed", f"the rater is at page {current}")
        if answer.page < current or standing.page_row is None:
            return {}
        return self._keeper.keep(session, standing, answer.payload, self.panel)

    def _language(self, language: object, otherwise: str = "") -> str:
        languages = self.test.protocol.languages
        return next((name for name in languages if name == language), otherwise or languages[0])

    def _set_closed(self, when: float | None) -> None:
        with self.database.writing() as session:
            session.scalars(select(TestRow).with_for_update()).one().closed_at = when


def _is_closed(session: Session) -> bool:
    return session.scalars(select(TestRow.closed_at)).one() is not None


def _allowed(standing: RaterStanding | None, *, withdrawn: bool = False) -> RaterStanding:
    """The standing of a rater who may go on; `withdrawn`: also of one who took the consent back."""
    if standing is None:
        raise SessionProblemError("unknown")
    if standing.rater.withdrawn is not None and not withdrawn:
        raise SessionProblemError("withdrawn")
    return standing


def _open_position(place: RaterPosition | None) -> RaterPosition:
    if place is None:
        raise SessionProblemError("closed")
    return place
