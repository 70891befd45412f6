"""One answer checked and put among the rows of a transaction, and the end of a session where it is the last."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from listening_test.answers import RefusedAnswerError, accept, heard_seconds
from listening_test.check_answers import CheckAnswers
from listening_test.collection.database import PageRow, PlayRow, RaterRow, RatingRow
from listening_test.collection.standings import RaterStanding
from listening_test.collection.tokens import Signer
from listening_test.pages import BESIDE, PageRef, needed_seconds, session_pages, slots
from listening_test.panel.decisions import fails_headphones, fails_traps, traps_wrong
from listening_test.panel.settings import Panel
from listening_test.prepared import PreparedTest

LONGEST_DEVICE = 200
HASTE = 2.0
"""Seconds by which an answer may come before everything could have been heard: clocks and players are not exact."""


class AnswerKeeper:
    """Keeps answers.

    Args:
        test: the public half.
        signer: of the test.
        checks: what traps and the headphone check ask for; None: nobody is screened out.
        clock: seconds since 1970.
    """

    def __init__(
        self, test: PreparedTest, signer: Signer, checks: CheckAnswers | None, clock: Callable[[], float]
    ) -> None:
        """Keep all of it."""
        self._test, self._signer, self._checks, self._clock = test, signer, checks, clock

    def keep(
        self, session: Session, standing: RaterStanding, payload: object, panel: Panel | None
    ) -> dict[type, list[dict[str, Any]]]:
        """Take the answer to the current page, which was shown; a refused one changes nothing.

        Args:
            session: of the transaction.
            standing: of the rater; afterwards at the next page.
            payload: see `answers`.
            panel: that sends raters, or None.

        Returns:
            Rows to insert, by table, once the session was flushed.

        Raises:
            RefusedAnswerError: for an answer that is not whole or possible, or that comes before the page could have
                been heard.
        """
        rater, page_row = standing.rater, standing.page_row
        assert page_row is not None
        answer = accept(self._test, rater.seat, page_row.page, rater.language, payload)
        pages, now = session_pages(self._test, rater.seat), self._clock()
        elapsed = now - page_row.served  # below 0 after the clock was set back, which is not the rater's fault
        if 0 <= elapsed < self._least_seconds(pages[page_row.page], rater.language) - HASTE:
            raise RefusedAnswerError("unheard", f"answered {elapsed:.1f} s after the page was shown")
        page_row.answer, page_row.answered, rater.active = answer, now, now
        standing.answered, standing.page_row = standing.answered + 1, None
        if page_row.kind == "consent" and isinstance(payload, Mapping):  # nothing is kept of a browser before it
            rater.device = _plain(payload.get("device"))
        if pages[page_row.page + 1].kind == "thanks":
            rater.finished = now
        self._end(session, standing, page_row, panel)
        place = {"rater": rater.id, "page": page_row.page}
        return {
            RatingRow: [place | rating for rating in answer.get("ratings", ())],
            PlayRow: [
                place | play | {"seconds_heard": heard_seconds(play["ranges"])} for play in answer.get("plays", ())
            ],
        }

    def _end(self, session: Session, standing: RaterStanding, page_row: PageRow, panel: Panel | None) -> None:
        """Note the end of a session where the answer just kept is the last, or fails a check of the panel."""
        rater, visit = standing.rater, standing.visit
        screens_out = panel is not None and panel.screens_out and visit is not None
        screened = screens_out and self._fails_checks(session, rater, page_row)
        if rater.finished is None and not screened:
            return
        rater.completion_code = self._signer.completion_code(rater.id)
        if visit is not None:
            visit.end, visit.ended = ("screened-out" if screened else "complete"), self._clock()

    def _fails_checks(self, session: Session, rater: RaterRow, page_row: PageRow) -> bool:
        if self._checks is None:
            return False
        rules = self._test.protocol.screening
        if page_row.kind == "headphones":
            return fails_headphones(rules, self._checks, page_row.answer or {})
        if rater.finished is None:
            return False
        session.flush()  # so that the answer just kept is among them
        pages = session_pages(self._test, rater.seat)
        rows = session.scalars(select(PageRow).where(PageRow.rater == rater.id, PageRow.answered.is_not(None)))
        return fails_traps(rules, traps_wrong(self._checks, [(pages[row.page], row.answer or {}) for row in rows]))

    def _least_seconds(self, page: PageRef, language: str) -> float:
        """How long hearing what must be heard takes; one player plays at a time."""
        if page.kind != "trial":
            return 0.0
        judged = [name for slot, name in slots(self._test, page, language).items() if slot not in BESIDE]
        return sum(needed_seconds(self._test.protocol, self._test.stimuli[name].seconds) for name in judged)


def _plain(text: object) -> str:
    """What can be stored and shown of a browser's word: printable, one line, not too long."""
    return "".join(c for c in text if c.isprintable())[:LONGEST_DEVICE] if isinstance(text, str) else ""
