"""What the browser asks and is told, as JSON-like dictionaries; the front end's half is in ``front_end``.

    open_session {"invitation", "visit", "token", "language"} → {"token", "language", "page": PAGE, "prefetch": [URL]}
    answer       {"token", "page", "answer"}         → {"page": PAGE, "prefetch": [URL]}
    turn         {"token", "language"}               → as open_session
    withdraw     {"token", "visit"}                  → {"problem": "withdrawn"}

Each may also give ``{"problem": CODE}`` (see `sessions.Problem`), `answer` ``{"refused": {"code", "slot"}}``. PAGE is
`pages.public_page`, on the last page with ``code``. For whom a panel sent, the consent page has ``"panel": true`` and
the last page ``return`` (see `Panel.destination`) instead of a code; problems that end a session have ``return`` too.
``failed`` is worth another try; a browser that keeps a token that is ``unknown`` drops it. URLs are relative to the
page, except the panel's own. No reply says why in words, where a file lies, or what broke.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from sqlalchemy.exc import SQLAlchemyError

from listening_test.answers import RefusedAnswerError
from listening_test.collection.database import reason
from listening_test.collection.sessions import (
    Outcome,
    Problem,
    RaterPosition,
    SentAnswer,
    SessionProblemError,
    Sessions,
)
from listening_test.pages import public_page, session_pages, slots

Reply: TypeAlias = dict[str, Any]

log = logging.getLogger(__name__)


class Replies:
    """Answers what browsers ask.

    Args:
        sessions: of the test.
    """

    def __init__(self, sessions: Sessions) -> None:
        """Keep them."""
        self._sessions = sessions

    def open_session(self, payload: object) -> Reply:
        """Come in or come back."""

        def reply(fields: Mapping[str, Any]) -> Reply:
            arguments = {name: fields.get(name) for name in ("invitation", "visit", "token", "language")}
            return self._session(self._sessions.open_session(**arguments))

        return self._guarded(reply, payload)

    def answer(self, payload: object) -> Reply:
        """Take the answer to a page, give the next."""
        (reply,) = self.answers([payload])
        return reply

    def answers(self, payloads: Sequence[object]) -> list[Reply]:
        """Take answers that came together, as `answer` does each: all are on disk when this returns."""
        fields = [payload if isinstance(payload, Mapping) else {} for payload in payloads]
        sent = [SentAnswer(one.get("token"), one.get("page"), one.get("answer")) for one in fields]
        outcomes = self._sessions.take_answers(sent)
        return [self._guarded(self._page_after(outcome), one) for one, outcome in zip(fields, outcomes, strict=True)]

    def turn(self, payload: object) -> Reply:
        """Go on in another language."""

        def reply(fields: Mapping[str, Any]) -> Reply:
            return self._session(self._sessions.turn_language(fields.get("token"), fields.get("language")))

        return self._guarded(reply, payload)

    def withdraw(self, payload: object) -> Reply:
        """Delete what the rater said."""

        def reply(fields: Mapping[str, Any]) -> Reply:
            self._sessions.withdraw(fields.get("token"))
            return self._problem("withdrawn", fields)

        return self._guarded(reply, payload)

    def _guarded(self, reply: Callable[[Mapping[str, Any]], Reply], payload: object) -> Reply:
        """Whatever goes wrong, the browser is told a code and the log the rest."""
        fields: Mapping[str, Any] = payload if isinstance(payload, Mapping) else {}
        try:
            return reply(fields)
        except SessionProblemError as problem:
            return self._problem(problem.code, fields)
        except RefusedAnswerError as refused:
            return {"refused": {"code": refused.code, "slot": refused.slot}}
        except SQLAlchemyError as error:  # the disk is full, the database is away: no fault of ours to be traced
            log.error("The database failed (%s); the browser was told to try again.", reason(error))
            return {"problem": "failed"}
        except Exception:
            log.exception("A request could not be answered; the browser was told to try again.")
            return {"problem": "failed"}

    def _problem(self, code: Problem, fields: Mapping[str, Any]) -> Reply:
        """Why there is no page; with the way back to the panel for whoever came from there and cannot go on."""
        way_back = self._sessions.way_back(fields.get("visit")) if code in ("withdrawn", "closed") else None
        return {"problem": code} if way_back is None else {"problem": code, "return": dict(way_back)}

    def _page_after(self, outcome: Outcome) -> Callable[[Mapping[str, Any]], Reply]:
        def reply(_: Mapping[str, Any]) -> Reply:
            if isinstance(outcome, Exception):
                raise outcome
            return self._page(outcome)

        return reply

    def _session(self, place: RaterPosition) -> Reply:
        return {"token": place.token, "language": place.language, **self._page(place)}

    def _page(self, place: RaterPosition) -> Reply:
        test, pages = self._sessions.test, session_pages(self._sessions.test, place.seat)
        page = public_page(
            test, place.seat, place.page, place.language, lambda slot, _: self._url(place, place.page, slot)
        )
        if page["kind"] == "thanks":
            end = {"code": place.code} if place.destination is None else {"return": dict(place.destination)}
            return {"page": {**page, **end}, "prefetch": []}
        if page["kind"] == "consent" and place.from_panel:
            page["panel"] = True
        ahead = slots(test, pages[place.page + 1], place.language)
        return {"page": page, "prefetch": [self._url(place, place.page + 1, slot) for slot in ahead]}

    def _url(self, place: RaterPosition, page: int, slot: str) -> str:
        """With the language, because what is spoken differs and browsers keep what they fetched."""
        return f"audio/{place.token}/{page}/{slot}.{place.language}.{self._sessions.test.protocol.listening.format}"
