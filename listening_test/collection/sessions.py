"""The rules of a session: who comes in, what is asked next, which answers are taken. No web in it.

A session goes forward only. Its place is the number of answered pages, read from the database at every call, so it goes
on after a reload, on another device, or after the server was killed. The answer to a page is one transaction; whoever
asks learns of it after the commit. An answer that comes again (a double click, a retry after a lost reply) changes
nothing and gives the current page.

A test that was closed admits nobody and shows nobody a new page. A page that was shown before can still be answered;
after it the rater learns that the test is closed, or, if it was the last, gets the completion code. After reopening
everyone goes on where they were.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from listening_test.answer_sheets import AnswerSheet
from listening_test.answers import RefusedAnswerError, accept, heard_seconds
from listening_test.check_answers import CheckAnswers
from listening_test.collection import overview
from listening_test.collection.database import Database, PageRow, PanelVisitRow, PlayRow, RaterRow, RatingRow, TestRow
from listening_test.collection.seats import emptiest_seat, next_round
from listening_test.collection.tokens import Signer, is_token, new_token, token_hash
from listening_test.pages import BESIDE, PageRef, needed_seconds, session_pages, slots
from listening_test.panel.decisions import fails_headphones, fails_traps, traps_wrong
from listening_test.panel.settings import Panel, SessionEnd
from listening_test.panel.visits import PanelVisit, read_visit
from listening_test.prepared import PreparedTest

Entry: TypeAlias = Literal["open", "invited"]
"""Whether anyone may come in who has the address, or only holders of an invitation."""
Problem: TypeAlias = Literal["closed", "unknown", "invited-only", "panel-only", "withdrawn", "failed"]
"""Why there is no page to show; the front end has a text for each in every language."""

LONGEST_DEVICE = 200
HASTE = 2.0
"""Seconds by which an answer may come before everything could have been heard: clocks and players are not exact."""
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
                place = self._place(session, self._rater(session, token), str(token))
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
        with self.database.writing() as session:
            rater = self._rater(session, token)
            current = self._current(session, rater)
            if type(page) is not int or page < 0 or page > current:
                raise RefusedAnswerError("malformed", f"the rater is at page {current}")
            page_row = session.get(PageRow, (rater.id, current))
            if page == current and page_row is not None:
                self._keep(session, rater, page_row, payload)
            place = self._place(session, rater, str(token))
        return _open_position(place)  # outside: that there is no next page must not undo the answer

    def turn_language(self, token: object, language: object) -> RaterPosition:
        """Go on in another language of the protocol.

        Raises:
            SessionProblemError: ``unknown``, ``closed``, ``withdrawn``.
        """
        with self.database.writing() as session:
            rater = self._rater(session, token)
            rater.language = self._language(language, rater.language)
            place = self._place(session, rater, str(token))
        return _open_position(place)

    def withdraw(self, token: object) -> None:
        """Delete everything a rater said; that someone withdrew is kept.

        Raises:
            SessionProblemError: ``unknown``.
        """
        with self.database.writing() as session:
            rater = self._rater(session, token, withdrawn=True)
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
            rater = self._rater(session, token, lock=False)
            current = self._current(session, rater)
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
            place = self._place(session, self._rater(session, token), token)
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

    def _rater(self, session: Session, token: object, *, lock: bool = True, withdrawn: bool = False) -> RaterRow:
        """Whose token it is; while one answer is taken, another of the same rater waits."""
        if not is_token(token):
            raise SessionProblemError("unknown")
        query = select(RaterRow).where(RaterRow.token_hash == token_hash(str(token)))
        rater = session.scalars(query.with_for_update() if lock else query).one_or_none()
        if rater is None:
            raise SessionProblemError("unknown")
        if rater.withdrawn is not None and not withdrawn:
            raise SessionProblemError("withdrawn")
        return rater

    def _answered(self, session: Session, rater: RaterRow) -> int:
        """How many pages are answered, which is the number of the current one: none can be left out."""
        query = select(func.count()).where(PageRow.rater == rater.id, PageRow.answered.is_not(None))
        return session.scalar(query) or 0

    def _current(self, session: Session, rater: RaterRow) -> int:
        """The number of the page to show: the last one for whoever was screened out."""
        visit = self._visit(session, rater)
        ended = visit is not None and visit.end is not None
        return len(session_pages(self.test, rater.seat)) - 1 if ended else self._answered(session, rater)

    def _visit(self, session: Session, rater: RaterRow) -> PanelVisitRow | None:
        return session.get(PanelVisitRow, rater.id) if self.panel else None

    def _place(self, session: Session, rater: RaterRow, token: str) -> RaterPosition | None:
        """Where the rater is, the page noted as shown from now on; None where closing came before it."""
        current = self._current(session, rater)
        page = session_pages(self.test, rater.seat)[current]
        if page.kind != "thanks" and session.get(PageRow, (rater.id, current)) is None:
            if session.scalars(select(TestRow.closed_at)).one() is not None:
                return None
            session.add(PageRow(rater=rater.id, page=current, kind=page.kind, served=self._clock()))
        return RaterPosition(
            token=token,
            seat=rater.seat,
            language=rater.language,
            page=current,
            code=rater.completion_code or "",
            from_panel=self._visit(session, rater) is not None,
            destination=self._destination(session, rater) if page.kind == "thanks" else None,
        )

    def _destination(self, session: Session, rater: RaterRow) -> Mapping[str, str] | None:
        visit = self._visit(session, rater)
        if self.panel is None or visit is None:
            return None
        ids = PanelVisit(participant=visit.participant, study=visit.study, session=visit.session)
        end: SessionEnd = "screened-out" if visit.end == "screened-out" else "complete"
        return self.panel.destination(end, ids, rater.completion_code or "")

    def _keep(self, session: Session, rater: RaterRow, page_row: PageRow, payload: object) -> None:
        answer = accept(self.test, rater.seat, page_row.page, rater.language, payload)
        pages, now = session_pages(self.test, rater.seat), self._clock()
        elapsed = now - page_row.served  # below 0 after the clock was set back, which is not the rater's fault
        if 0 <= elapsed < self._least_seconds(pages[page_row.page], rater.language) - HASTE:
            raise RefusedAnswerError("unheard", f"answered {elapsed:.1f} s after the page was shown")
        place = {"rater": rater.id, "page": page_row.page}
        page_row.answer, page_row.answered, rater.active = answer, now, now
        session.add_all(RatingRow(**place, **rating) for rating in answer.get("ratings", ()))
        session.add_all(
            PlayRow(**place, **play, seconds_heard=heard_seconds(play["ranges"])) for play in answer.get("plays", ())
        )
        if page_row.kind == "consent" and isinstance(payload, Mapping):  # nothing is kept of a browser before it
            rater.device = _plain(payload.get("device"))
        if pages[page_row.page + 1].kind == "thanks":
            rater.finished = now
        self._end(session, rater, page_row)

    def _end(self, session: Session, rater: RaterRow, page_row: PageRow) -> None:
        """Note the end of a session where the answer just kept is the last, or fails a check of the panel."""
        screened = self._is_screened_out(session, rater, page_row)
        if rater.finished is None and not screened:
            return
        rater.completion_code = self.signer.completion_code(rater.id)
        visit = self._visit(session, rater)
        if visit is not None:
            visit.end, visit.ended = ("screened-out" if screened else "complete"), self._clock()

    def _is_screened_out(self, session: Session, rater: RaterRow, page_row: PageRow) -> bool:
        if (
            self.panel is None
            or not self.panel.screens_out
            or self.checks is None
            or self._visit(session, rater) is None
        ):
            return False
        rules = self.test.protocol.screening
        if page_row.kind == "headphones":
            return fails_headphones(rules, self.checks, page_row.answer or {})
        if rater.finished is None:
            return False
        pages = session_pages(self.test, rater.seat)
        rows = session.scalars(select(PageRow).where(PageRow.rater == rater.id, PageRow.answered.is_not(None)))
        return fails_traps(rules, traps_wrong(self.checks, [(pages[row.page], row.answer or {}) for row in rows]))

    def _least_seconds(self, page: PageRef, language: str) -> float:
        """How long hearing what must be heard takes; one player plays at a time."""
        if page.kind != "trial":
            return 0.0
        judged = [name for slot, name in slots(self.test, page, language).items() if slot not in BESIDE]
        return sum(needed_seconds(self.test.protocol, self.test.stimuli[name].seconds) for name in judged)

    def _language(self, language: object, otherwise: str = "") -> str:
        languages = self.test.protocol.languages
        return next((name for name in languages if name == language), otherwise or languages[0])

    def _set_closed(self, when: float | None) -> None:
        with self.database.writing() as session:
            session.scalars(select(TestRow).with_for_update()).one().closed_at = when


def _open_position(place: RaterPosition | None) -> RaterPosition:
    if place is None:
        raise SessionProblemError("closed")
    return place


def _plain(text: object) -> str:
    """What can be stored and shown of a browser's word: printable, one line, not too long."""
    return "".join(c for c in text if c.isprintable())[:LONGEST_DEVICE] if isinstance(text, str) else ""
