"""The characters of lyrics before their grammar: line ends, brackets, time stamps, where a sentence ends."""

from __future__ import annotations

import re

from songbench.domain.errors import InputError

MOST_CHARACTERS = 100_000
"""What lyrics may have at most; a song of an hour has a tenth of it."""

_LINE_END = re.compile("\r\n|[\n\r\v\f\x85\u2028\u2029]")
_WRITTEN_LINE_END = re.compile(r"\\r\\n|\\[nr]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
_INVISIBLE = re.compile("[\u200b\u2060\ufeff\u00ad]")
_BRACKETS = str.maketrans("［］【】", "[][]")

_CLOCK = r"\d{1,3}:\d{2}(?::\d{2})?[.:,]\d{1,3}"
_STAMP = re.compile(rf"\[(?:\d{{1,3}}:\d{{2}}(?:[.:,]\d{{1,3}})?)\]|<{_CLOCK}>|^\s*{_CLOCK}(?=[\s|\]]|$)[\s|\]]*")
_STAMP_SIGN = re.compile(r"\d:\d")
_CUE = re.compile(rf"^\s*{_CLOCK}\s*-->\s*{_CLOCK}")
_CUE_NUMBER = re.compile(r"^\s*\d{1,5}\s*$")

_STOPS = re.compile(r"[.。]+")
_TITLES = {"mr", "mrs", "ms", "dr", "st", "prof"}
SEPARATORS = " ,;，；、"
"""What sets sections apart in the line form, and is no part of a line at its ends."""


def checked_text(text: str) -> str:
    """The text without invisible characters, full-width brackets as plain ones.

    Raises:
        InputError: for control characters, and for more than `MOST_CHARACTERS`.
    """
    if len(text) > MOST_CHARACTERS:
        raise InputError(f"The lyrics have {len(text)} characters; {MOST_CHARACTERS} is the most.", field="lyrics")
    if control := _CONTROL.search(text):
        raise InputError(
            f"The lyrics hold a control character (U+{ord(control[0]):04X}).", cure="Remove it.", field="lyrics"
        )
    return _INVISIBLE.sub("", text).translate(_BRACKETS)


def with_line_ends(text: str) -> tuple[str, int]:
    r"""Every line end as ``\n``, a written one (a backslash and an n) included; and how many were written."""
    text, count = _WRITTEN_LINE_END.subn("\n", text)
    return _LINE_END.sub("\n", text), count


def without_times(rows: list[str]) -> tuple[list[str], list[int]]:
    """Rows without the time stamps of LRC and SRT files, and the 0-based numbers of the rows that had some.

    A stamp in brackets, a time with a fraction at the beginning of a row and a row of two times with an arrow are no
    words in any song; "12:30" is left alone.
    """
    texts, stamped = list(rows), []
    for number, row in enumerate(rows):
        if not _STAMP_SIGN.search(row):
            continue
        if _CUE.match(row):
            texts[number] = ""
            stamped.append(number)
            if number and _CUE_NUMBER.match(rows[number - 1]):
                texts[number - 1] = ""
                stamped.append(number - 1)
            continue
        texts[number] = _STAMP.sub(" ", row)
        if texts[number] != row:
            stamped.append(number)
    return texts, sorted(stamped)


def sentences(text: str) -> list[str]:
    """The sentences of a piece of the line form, parted at full stops; "3.50", "Mr. Jones" and "p.m" stay whole."""
    pieces, begin = [], 0
    for stop in _STOPS.finditer(text):
        if stop[0] != "." or not _inside(text, stop.start()):
            pieces.append(text[begin : stop.start()])
            begin = stop.end()
    pieces.append(text[begin:])
    return [cleaned for piece in pieces if (cleaned := clean(piece))]


def plain_sentence(line: str) -> str:
    """A line without the signs that part sentences and sections in the line form."""
    return " ".join(re.sub(r"[.。,，]+", " ", line).split())


def clean(piece: str) -> str:
    """A line with single blanks and without separators at its ends."""
    return " ".join(piece.split()).strip(SEPARATORS)


def _inside(text: str, at: int) -> bool:
    """Whether the full stop at a place belongs to a number, a title or initials."""
    before, after = text[max(0, at - 8) : at], text[at + 1 : at + 3]
    if before[-1:].isdigit() and after[:1].isdigit():
        return True
    word = re.split(r"[^a-z]", before.casefold())[-1]
    follows = after[:1] == " " and after[1:].strip()
    if word in _TITLES and follows and after[1].isupper():
        return True
    if word == "no" and follows and after[1].isdigit():
        return True
    return len(word) == 1 and after[:1].isalpha() and not after[1:].isalpha()
