"""LRC files (lines with time stamps) to sections.

LRC names no sections. Lines between two empty stamps are a verse; the time before the first line is an intro, a gap of
4 s or more after an empty stamp an instrumental part.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from songbench.domain import lyric_text
from songbench.domain.errors import InputError
from songbench.domain.headings import read_heading
from songbench.domain.lyric_lines import KINDS, odd_lines
from songbench.domain.sections import LONGEST_SECONDS, Lyrics, Section
from songbench.domain.tags import WORDLESS_TAGS
from songbench.suites.importing.notes import Notes

_CLOCK = r"(\d{1,3}):(\d{1,2})(?:[.:](\d{1,3}))?"
_STAMP = re.compile(rf"\s*(?:\[{_CLOCK}\]|<{_CLOCK}>|{_CLOCK}[\]|]?(?=\s|[|\]]|$))[\s|\]]*")
_WORD_STAMP = re.compile(rf"[<\[]{_CLOCK}[>\]]")
_LABEL = re.compile(r"^\s*\[([A-Za-z#]{1,12})\s*:([^\]]*)\]\s*$")
_HEADING_SIGNS = "[]()*# :："
_LEAST_INTRO, _LEAST_GAP = 1.0, 4.0


@dataclass(frozen=True)
class LrcSong:
    """A song read from LRC.

    Attributes:
        lyrics: its sections.
        seconds: its length where the file says it, else None.
        labels: what its ID tags say (``ti``, ``ar``, ``length`` …), in lower case.
    """

    lyrics: Lyrics
    seconds: float | None
    labels: dict[str, str]


def read_lrc(text: str, notes: Notes) -> LrcSong:
    """Read the text of an LRC file.

    Raises:
        InputError: when no line has a time stamp and words.
    """
    text, _ = lyric_text.with_line_ends(lyric_text.checked_text(text))
    labels: dict[str, str] = {}
    timed: list[tuple[float, str]] = []
    headings: list[str] = []  # rows without a time that name the section of the next line
    for row in text.split("\n"):
        if label := _LABEL.match(row):
            labels[label[1].casefold()] = label[2].strip()
        elif read_heading(row.strip(_HEADING_SIGNS)) and not _STAMP.match(row):
            headings.append(row.strip())
        elif row.strip():
            lines = _lines(row, notes)
            timed += [(lines[0][0], heading) for heading in headings if lines]
            headings = [] if lines else headings
            timed += lines
    shift = _number(labels.get("offset")) / 1000.0
    timed = [(max(0.0, at - shift), words) for at, words in timed]
    sections = _sections(sorted(timed, key=lambda line: line[0]), notes)
    if not any(section.vocal for section in sections):
        raise InputError(
            "No line has a time stamp and words.", cure="Lyrics without stamps are imported with --from suno."
        )
    notes.add("LRC names no sections: words are under [verse] unless a line of the file is a heading")
    return LrcSong(Lyrics(tuple(sections)), _length(labels.get("length")), labels)


def _lines(row: str, notes: Notes) -> list[tuple[float, str]]:
    """The times of a row, each with its words; a row without a time is left out."""
    times, rest = [], row
    while stamp := _STAMP.match(rest):
        minutes, seconds, *fraction = [part for part in stamp.groups() if part is not None]
        times.append(int(minutes) * 60 + int(seconds) + (float(f"0.{fraction[0]}") if fraction else 0.0))
        rest = rest[stamp.end() :]
    words = lyric_text.clean(_WORD_STAMP.sub(" ", rest))
    if not times:
        notes.add(f"left out a line without a time stamp: '{row.strip()[:40]}'")
    return [(at, words) for at in times]


def _sections(timed: list[tuple[float, str]], notes: Notes) -> list[Section]:
    sections: list[Section] = []
    tag, lines, rest_from = "verse", list[str](), 0.0

    def close() -> None:
        if lines:
            sections.append(Section("verse" if tag in WORDLESS_TAGS else tag, tuple(lines)))
            lines.clear()

    for at, words in timed:
        kind = next((odd.kind for odd in odd_lines([words])), None) if words else "blank"
        bracketed = words.startswith("[") and words.endswith("]")
        heading = read_heading(words.strip(_HEADING_SIGNS)) if kind == "heading" or bracketed else None
        if heading:
            close()
            tag = heading.tag
            notes.add(f"'{words[:40]}' is [{heading.tag}]")
        elif kind == "blank":
            close()
            rest_from = at
        elif kind in ("credit", "page", "chords"):
            notes.add(f"left out as {KINDS[kind]}: '{words[:60]}'")
        else:
            if not lines and not sections and at >= _LEAST_INTRO:
                sections.append(Section("intro", seconds=min(round(at, 2), LONGEST_SECONDS)))
            elif not lines and sections and sections[-1].vocal and at - rest_from >= _LEAST_GAP and rest_from:
                sections.append(Section("inst", seconds=min(round(at - rest_from, 2), LONGEST_SECONDS)))
            rest_from = 0.0
            lines.append(words.replace("[", "(").replace("]", ")"))
    close()
    return sections


def _length(text: str | None) -> float | None:
    match = re.fullmatch(rf"\s*{_CLOCK}\s*", text or "")
    seconds = int(match[1]) * 60 + int(match[2]) if match else 0
    return float(seconds) if 0 < seconds <= LONGEST_SECONDS else None


def _number(text: str | None) -> float:
    return float(text) if text and re.fullmatch(r"\s*[+-]?\d{1,7}\s*", text) else 0.0
