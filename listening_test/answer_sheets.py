"""Everything one rater answered, as a sheet: its file format, and the check of sheets that come from outside."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from listening_test.answers import RefusedAnswerError, accept
from listening_test.pages import session_pages
from listening_test.prepared import PreparedTest
from songbench.domain.errors import InputError
from songbench.domain.hashing import Json

_LONGEST_NAME = 64
_LONGEST_DEVICE = 200


@dataclass(frozen=True)
class Entry:
    """One page answered.

    Attributes:
        page: its number in the session, 0-based.
        answer: as `accept` gives it.
        served: when the page was first shown, in seconds since 1970.
        answered: when the answer was taken.
    """

    page: int
    answer: Mapping[str, Any]
    served: float
    answered: float


@dataclass(frozen=True, kw_only=True)
class AnswerSheet:
    """Everything one rater answered; blind: it holds slots and pages, never systems.

    Attributes:
        test: the digest of the prepared test.
        rater: an opaque name.
        seat: which assignment the rater followed.
        language: of the pages.
        started: when the rater came, in seconds since 1970.
        finished: when the last page was answered, or None.
        withdrawn: whether the rater took back the consent; `entries` is then empty.
        device: what the browser says of itself, cut to 200 characters.
        entries: by page.
    """

    test: str
    rater: str
    seat: int
    language: str
    started: float
    finished: float | None = None
    withdrawn: bool = False
    device: str = ""
    entries: tuple[Entry, ...] = field(default=())

    def to_json(self) -> dict[str, Json]:
        """One line of an answers file."""
        return {"schema": 1, **asdict(self)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> AnswerSheet:
        """Read it back.

        Raises:
            ValueError: for anything else.
        """
        try:
            if value["schema"] != 1:
                raise ValueError(f"schema {value['schema']}, expected 1")
            facts = {name: value[name] for name in cls.__dataclass_fields__}
            return cls(**{**facts, "entries": tuple(Entry(**one) for one in facts["entries"])})
        except (KeyError, TypeError) as error:
            raise ValueError(f"not an answer sheet ({error!r})") from None


def read_sheets(path: Path) -> list[AnswerSheet]:
    """Answer sheets from a file: one JSON object per line (an export, simulated raters), or one object (the bundle's).

    Raises:
        InputError: naming the file and line, for anything else.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The answers cannot be read ({error}).", file=str(path)) from None
    rows = [(1, text)] if path.suffix == ".json" else list(enumerate(text.split("\n"), start=1))
    sheets = []
    for number, row in rows:
        if row.strip():
            try:
                sheets.append(AnswerSheet.from_json(json.loads(row)))
            except ValueError as error:
                raise InputError(
                    f"These are not answers of a listening test ({error}).",
                    file=str(path),
                    line=number,
                    cure="Take the file as it was saved; a line that was cut off has to be left out.",
                ) from None
    return sheets


def check_sheet(test: PreparedTest, sheet: AnswerSheet) -> AnswerSheet:
    """Check a sheet that comes from outside, entry by entry, with the rules that hold on the server.

    Args:
        test: the public half.
        sheet: as read; nothing of it is trusted.

    Returns:
        The sheet with its answers in canonical form.

    Raises:
        InputError: naming the rater and, where it is about one, the page.
    """
    fault = _fault(test, sheet)
    if fault:
        raise InputError(
            f"The answers of rater '{str(sheet.rater)[:_LONGEST_NAME]}' cannot be used: {fault}.", cure=_CURE
        )
    return replace(sheet, entries=tuple(_checked(test, sheet, entry) for entry in sheet.entries))


_CURE = "Leave this file out, or ask the rater for the file as it was saved."


def _fault(test: PreparedTest, sheet: AnswerSheet) -> str | None:
    """What is wrong with the sheet itself, if anything."""
    pages = [entry.page for entry in sheet.entries]
    last = len(session_pages(test, sheet.seat)) - 1 if type(sheet.seat) is int else 0
    times = [sheet.started, sheet.finished or 0.0, *(time for e in sheet.entries for time in (e.served, e.answered))]
    rules = {
        "they belong to another test": sheet.test == test.digest(),
        "the rater has no usable name": isinstance(sheet.rater, str) and 0 < len(sheet.rater) <= _LONGEST_NAME,
        f"seat {sheet.seat!r} is none of 0 to {len(test.seats) - 1}": type(sheet.seat) is int
        and sheet.seat in range(len(test.seats)),
        f"the test has no pages in the language {sheet.language!r}": sheet.language in test.protocol.languages,
        "a time is not a number": all(type(time) in (int, float) and math.isfinite(time) for time in times),
        "the browser's name is not a short text": isinstance(sheet.device, str)
        and len(sheet.device) <= _LONGEST_DEVICE,
        "it holds answers although the rater withdrew": sheet.withdrawn is False or not pages,
        "pages are missing, repeated or out of order": pages == list(range(len(pages))),
        "it says that it is finished, but pages are missing": sheet.finished is None or len(pages) == last,
    }
    return next((text for text, holds in rules.items() if not holds), None)


def _checked(test: PreparedTest, sheet: AnswerSheet, entry: Entry) -> Entry:
    try:
        return replace(entry, answer=accept(test, sheet.seat, entry.page, sheet.language, entry.answer))
    except RefusedAnswerError as error:
        raise InputError(
            f"The answer of rater '{sheet.rater}' to page {entry.page} cannot be used ({error}).", cure=_CURE
        ) from None
