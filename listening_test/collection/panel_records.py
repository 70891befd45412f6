"""What is settled with a panel after the test: whom to pay, whose code it is, and that the ids are deleted."""

from __future__ import annotations

import csv
import io
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select

from listening_test.check_answers import CheckAnswers, load_check_answers
from listening_test.collection.database import Database, PanelVisitRow, RaterRow, default_url
from listening_test.collection.overview import PanelRater, panel_raters
from listening_test.pages import session_pages
from listening_test.panel.decisions import Decision, fails_traps, traps_wrong
from listening_test.panel.settings import load_panel
from listening_test.prepared import KEY, PreparedTest, load_key

COLUMNS = ("participant", "study", "session", "decision", "reason", "analysis", "pages", "minutes", "ended", "code")
_SILENT = 3600.0
"""Seconds without an answer after which a session is no longer under way, for a panel that waits for a decision."""
_CODE_LETTERS = 16


@dataclass(frozen=True)
class Approvals:
    """Whom to pay.

    Attributes:
        text: CSV with `COLUMNS`.
        summary: the decisions counted, in words.
    """

    text: str
    summary: str


def approvals_table(test: PreparedTest, url: str | None) -> Approvals:
    """What to decide about each rater of the panel.

    Withdrawn raters are not in it: their ids were deleted with their answers.

    Args:
        test: the public half; where the key lies beside it, the table also says who counts in the analysis.
        url: of the database, None for the one in the test's folder.

    Raises:
        InputError: when there are no answers, or no panel sent anyone.
    """
    with _opened(test, url) as database:
        raters = panel_raters(database, test, time.time() - _SILENT)
    checks, analysis = load_check_answers(test), _analysis(test, raters)
    panel = load_panel(test.folder)
    fixed_codes = panel is not None and panel.kind == "prolific"  # where no rater sees a code of their own
    counts: Counter[str] = Counter()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for rater in raters:
        decision, reason = _decision(test, rater, checks)
        counts[decision] += 1
        pages = len(session_pages(test, rater.sheet.seat)) - 1
        writer.writerow(
            [
                *vars(rater.visit).values(),
                decision,
                reason,
                analysis.get(rater.sheet.rater, "") if decision != "wait" else "",
                f"{len(rater.sheet.entries)} of {pages}",
                round(_minutes(rater)),
                "" if rater.ended is None else datetime.fromtimestamp(rater.ended, UTC).isoformat(timespec="seconds"),
                "" if fixed_codes else rater.code,
            ]
        )
    summary = ", ".join(f"{count} {decision}" for decision, count in counts.most_common()) or "nobody of a panel"
    return Approvals(text.getvalue(), summary)


def code_owner(test: PreparedTest, url: str | None, code: str) -> str:
    """Whose completion code it is, in one line.

    Args:
        test: the public half.
        url: of the database, None for the one in the test's folder.
        code: as someone showed it.
    """
    with _opened(test, url) as database:
        return look_up(database, code, identity=True)


def look_up(database: Database, code: str, *, identity: bool) -> str:
    """What a completion code is worth, in one line.

    Args:
        database: of the test.
        code: as someone showed it.
        identity: whether to say whose it is, by the panel's id.
    """
    letters = "".join(letter for letter in code.upper() if letter.isascii() and letter.isalnum())[:_CODE_LETTERS]
    quotation = code if code.isascii() and code.isprintable() and len(code) <= _CODE_LETTERS else "this"
    with database.reading() as session:
        raters = session.scalars(select(RaterRow).where(RaterRow.completion_code.is_not(None)))
        owner = next((rater for rater in raters if str(rater.completion_code).replace("-", "") == letters), None)
        if owner is None:
            return f"{quotation}: no code of this test"
        visit = session.get(PanelVisitRow, owner.id) if database.has_visits(session) else None
        when = owner.finished or (visit.ended if visit else None) or owner.active
        end = "screened out" if visit and visit.end == "screened-out" else "complete"
        has_name = identity and visit is not None and visit.participant
        owner_name = f"participant {visit.participant}" if visit and has_name else f"seat {owner.seat}"
        date = datetime.fromtimestamp(when, UTC).isoformat(sep=" ", timespec="minutes")
        return f"{owner.completion_code}: {end}, {owner_name}, {date}"


def forget_visits(test: PreparedTest, url: str | None) -> int:
    """Delete every id of a panel; how many raters that were.

    Codes and answers stay, and who came under an id cannot begin a second time: what is kept of the id is only whether
    it is the same.
    """
    with _opened(test, url) as database:
        with database.writing() as session:
            if not database.has_visits(session):
                return 0
            visits = list(session.scalars(select(PanelVisitRow).where(PanelVisitRow.participant != "")))
            for visit in visits:
                visit.participant = visit.study = visit.session = ""
        database.forget()
        return len(visits)


@contextmanager
def _opened(test: PreparedTest, url: str | None) -> Iterator[Database]:
    with closing(Database(url or default_url(test.folder), test, create=False)) as database:
        yield database


def _decision(test: PreparedTest, rater: PanelRater, checks: CheckAnswers | None) -> tuple[Decision, str]:
    if rater.state == "screened out":
        return "screened out", "failed a declared check and got the code for that"
    if rater.state == "left":
        return "return", "stopped before the end"
    if rater.state != "finished":
        return "wait", "under way"
    wrong = _traps_wrong(test, rater, checks)
    if fails_traps(test.protocol.screening, wrong):
        return "reject", f"did otherwise than asked on {wrong} attention check{'' if wrong == 1 else 's'}"
    return "approve", ""


def _traps_wrong(test: PreparedTest, rater: PanelRater, checks: CheckAnswers | None) -> int:
    pages = session_pages(test, rater.sheet.seat)
    return traps_wrong(checks, [(pages[e.page], e.answer) for e in rater.sheet.entries]) if checks else 0


def _minutes(rater: PanelRater) -> float:
    times = [rater.sheet.started, *(entry.answered for entry in rater.sheet.entries)]
    return (max(times) - min(times)) / 60


def _analysis(test: PreparedTest, raters: list[PanelRater]) -> dict[str, str]:
    """Per rater whether the declared screening leaves the answers in; for information, as pay does not depend on it."""
    if not raters or not (test.folder / KEY).exists():
        return {}
    from listening_test.analysis.screening import screen
    from listening_test.collected import collect

    data = collect(test, load_key(test), [rater.sheet for rater in raters])
    return {row.rater: "counts" if row.included else f"left out: {'; '.join(row.reasons)}" for row in screen(data)}
