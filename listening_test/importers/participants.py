"""Who answered, in webMUSHRA's files: people are told apart and never named.

Two people can have said the same about themselves, so what they said is no identity: a line belongs to its session, or
to what the columns say that the experimenter vouches for. Of these columns, and of all others, only a few that cannot
name anybody, and whose values have the form expected of them, are handed on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from listening_test.importers.lines import CsvTable, Line
from listening_test.reporting.wording import counted
from songbench.domain.errors import InputError

SESSION = "session_uuid"
_TRIAL, _TEST = "trial_id", "session_test_id"
_NUMBER = re.compile(r"(?:\d{1,3}(?:\s*[-–]\s*\d{1,3}|\+)?)?")
_ANSWER = re.compile(
    r"(?:f|m|d|w|x|female|male|diverse|divers|non-?binary|other|woman|man|weiblich|männlich|yes|no|ja|nein|none|left|right"
    r"|both|headphones?|earphones?|loudspeakers?|speakers?|prefer not to say|n/?a|男|女|其他|是|否)?",
    re.IGNORECASE,
)
HARMLESS: Mapping[str, re.Pattern[str]] = {
    **dict.fromkeys(("age", "alter", "age group", "年龄"), _NUMBER),
    **dict.fromkeys(("gender", "sex", "geschlecht", "性别"), _ANSWER),
    **dict.fromkeys(("headphones", "listening device", "handedness", "hearing impairment", "hearing loss"), _ANSWER),
    **dict.fromkeys(("musician", "expert", "musical training", "experienced"), _ANSWER),
    **dict.fromkeys(("years of training", "years of experience"), _NUMBER),
}
"""Names of columns that may be handed on, in small letters and with spaces, and what each of their values must be."""


@dataclass(frozen=True)
class Participants:
    """The people behind the lines of a sheet.

    Attributes:
        names: by the number of the line, an opaque name.
        background: by opaque name, what of their answers about themselves is handed on.
        notes: what a reader of the report must know.
    """

    names: Mapping[int, str]
    background: Mapping[str, Mapping[str, str]]
    notes: tuple[str, ...]


def participants(sheet: CsvTable, columns: tuple[str, ...] = ()) -> Participants:
    """Tell the raters of a sheet apart.

    Args:
        sheet: with ``session_test_id``, the participant's columns, in newer files ``session_uuid``, ``trial_id``.
        columns: that together tell raters apart; empty: ``session_uuid`` does.

    Raises:
        InputError: when nothing says who answered, when the columns given hold two people, or are no columns.
    """
    about = sheet.columns[sheet.columns.index(_TEST) + 1 : sheet.columns.index(_TRIAL)]
    names: dict[tuple[str, ...], str] = {}
    lines: dict[int, str] = {}
    first: dict[str, Line] = {}
    identifying = _identifying(sheet, about, columns)
    for line in sheet.lines:
        identity = tuple(line.cells[name] for name in identifying)
        if not any(identity):
            raise _unknown(sheet, line, identifying, about)
        name = names.setdefault(identity, f"rater-{len(names) + 1:03d}")
        lines[line.number] = name
        _check_same_person(sheet, first.setdefault(name, line), line, about)
    if columns:
        _check_single_answers(sheet, lines, columns)
    public = [name for name in about if _harmless(name, (line.cells[name] for line in sheet.lines))]
    background = {name: {one: line.cells[one] for one in public} for name, line in first.items()}
    left_out = [name for name in about if name not in public and name != SESSION]
    notes = []
    if columns:
        notes.append(f"Raters are told apart by {_listed(columns)}, as asked for with --rater-columns.")
    if left_out:
        notes.append(
            f"{counted(len(left_out), 'column')} about the participants left out, as they may name somebody: "
            f"{_listed(left_out)}."
        )
    return Participants(lines, background, tuple(notes))


def _identifying(sheet: CsvTable, about: tuple[str, ...], columns: tuple[str, ...]) -> tuple[str, ...]:
    """The columns that say who answered."""
    for name in columns:
        if name not in about:
            raise InputError(
                f"There is no column '{name}' between '{_TEST}' and '{_TRIAL}'.",
                file=str(sheet.path),
                line=1,
                field="--rater-columns",
                value=name,
                allowed=about,
            )
    if columns or SESSION in about:
        return columns or (SESSION,)
    raise InputError(
        f"Nothing says who answered: there is no column '{SESSION}', and two people may be alike in all others.",
        file=str(sheet.path),
        line=1,
        field="--rater-columns",
        cure=_cure(about),
    )


def _cure(about: Iterable[str]) -> str:
    rest = [name for name in about if name != SESSION]
    if not rest:
        return "Collect again with a webMUSHRA that writes session_uuid; from this file raters cannot be told apart."
    return f"Name the columns that together tell raters apart, if any do: --rater-columns {','.join(rest)}"


def _unknown(sheet: CsvTable, line: Line, identifying: tuple[str, ...], about: tuple[str, ...]) -> InputError:
    return InputError(
        f"Nothing says who answered here: {_listed(identifying)} "
        + ("is empty." if len(identifying) == 1 else "are empty."),
        file=str(sheet.path),
        line=line.number,
        cure="Fill it in, or leave the line out." if identifying != (SESSION,) else _cure(about),
    )


def _check_same_person(sheet: CsvTable, first: Line, line: Line, about: Iterable[str]) -> None:
    """Whoever says different things about themselves is more than one person."""
    for name in about:
        if name != SESSION and line.cells[name] != first.cells[name]:
            raise InputError(
                f"This is not what the same rater said in line {first.number}: two people, or one who came twice.",
                file=str(sheet.path),
                line=line.number,
                field=name,
                cure="Name more columns with --rater-columns, or leave one of the two out.",
            )


def _check_single_answers(sheet: CsvTable, names: Mapping[int, str], columns: tuple[str, ...]) -> None:
    """Two answers of "one" rater to the same question are two people as soon as no session says otherwise."""
    question = (_TRIAL, "rating_stimulus", "stimuli", "choice_reference", "choice_non_reference")
    line_numbers: dict[tuple[str, ...], int] = {}
    for line in sheet.lines:
        answered_question = (names[line.number], *(line.cells.get(name, "") for name in question))
        before = line_numbers.setdefault(answered_question, line.number)
        if before != line.number:
            raise InputError(
                f"The columns {_listed(columns)} do not tell raters apart: line {before} answers the same question.",
                file=str(sheet.path),
                line=line.number,
                field="--rater-columns",
                cure="Name more columns; where none tells them apart, the file cannot be used.",
            )


def _harmless(name: str, values: Iterable[str]) -> bool:
    allowed = HARMLESS.get(re.sub(r"[\s_-]+", " ", name).strip().lower())
    return allowed is not None and all(allowed.fullmatch(value) for value in values)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
