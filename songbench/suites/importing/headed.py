"""Lyrics under headings as people and other projects write them, to sections.

``[Verse 1]``, ``[Chorus x2]``, ``[Intro: guitar]``, ``[主歌]``, ``**Chorus**`` and the like become the tags of the
grammar. Credits, chords, comments and repeat marks are taken out or followed; every change is noted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby

from songbench.domain import lyric_text
from songbench.domain.errors import InputError
from songbench.domain.headings import SectionHeading, read_heading
from songbench.domain.lyric_lines import KINDS, odd_lines
from songbench.domain.sections import Lyrics, Section
from songbench.domain.tags import INSTRUMENTAL_TAGS, VOCAL_TAGS, WORDLESS_TAGS
from songbench.suites.importing.notes import Notes

LENGTH_SECONDS = {"short": 5.0, "medium": 15.0, "long": 25.0}
"""How long LeVo's ``-short`` (0-10 s), ``-medium`` (10-20 s) and ``-long`` parts are taken to be."""
_MOST_REPEATS = 12

_BRACKET = re.compile(r"\[([^\[\]]*)\]")
_REPEAT = re.compile(r"[\s(（\[]*(?:[x×*]\s?(\d{1,2})|(\d{1,2})\s?[x×])\s*[)）\]]?\s*$", re.I)
_MARKS = re.compile(r"</?[A-Za-z][^<>]{0,200}>|<!--.*?-->|\*\*|__|`+")
_COMMENT = re.compile(r"^\s*(?:#|//|;;|%).*$|\s//\s.*$|/\*.*?\*/|^\s*[-=_*]{3,}\s*$")
_SPEAKER = re.compile(r"^[^:：]{1,30}[:：]\s*")
_HEADING_SIGNS = "*_#=<>(){}（）＜＞~- :："


@dataclass
class _Part:
    """A heading and the words under it."""

    heading: SectionHeading
    lines: list[str] = field(default_factory=list)


def headed_lyrics(text: str, notes: Notes, part_seconds: float, seconds_per_tag: float = 1.0) -> Lyrics:
    """Read lyrics with headings of any usual spelling.

    Args:
        text: the lyrics; one line with ``[verse] … ; [chorus] …`` is read as LeVo's form.
        notes: gets every change.
        part_seconds: how long a part without words lasts where nothing says it.
        seconds_per_tag: how long one repetition of a tag lasts where it is repeated, as in suites.

    Raises:
        InputError: when nothing in it is a section or words, or it holds control characters.
    """
    text, escaped = lyric_text.with_line_ends(lyric_text.checked_text(text))
    if escaped:
        notes.add("line ends written as a backslash and a letter are line ends")
    rows, stamped = lyric_text.without_times(text.split("\n"))
    if stamped:
        notes.add("time stamps are left out")
    reader = _Reader(notes, sentences=len([row for row in rows if row.strip()]) == 1)
    for row in rows:
        reader.row(row)
    return _lyrics(reader.parts, notes, part_seconds, seconds_per_tag)


class _Reader:
    """Parts from rows."""

    def __init__(self, notes: Notes, *, sentences: bool) -> None:
        self.notes, self.sentences = notes, sentences
        self.parts: list[_Part] = []
        self.headed = False
        self.blank = True

    def row(self, row: str) -> None:
        words, *rest = _BRACKET.split(row)
        inside = False
        for tag, following in zip(rest[0::2], rest[1::2], strict=True):
            inside = inside or bool(lyric_text.clean(words))
            repeat = _REPEAT.fullmatch(tag)
            heading = read_heading(tag)
            if heading and (not inside or self.sentences):
                self.words(words)
                self.begin(tag, heading)
                words = following
            elif repeat and inside:
                self.words(f"{words} (x{_times(repeat)})")
                words = following
            else:
                self.notes.add(f"left out [{tag.strip()[:40]}]: it names no section")
                words = f"{words} {following}"
        self.words(words)
        self.blank = not row.strip()

    def begin(self, tag: str, heading: SectionHeading) -> None:
        self.headed = True
        self.parts.append(_Part(heading))
        if tag.strip() != heading.tag:
            left_out = f", '{heading.direction[:40]}' is left out" if heading.direction else ""
            self.notes.add(f"[{tag.strip()[:40]}] is [{heading.tag}]{left_out}")

    def words(self, text: str) -> None:
        pieces = lyric_text.sentences(text) if self.sentences else [lyric_text.clean(text)]
        for piece in filter(None, pieces):
            self.line(piece.replace("[", " ").replace("]", " ").strip())

    def line(self, line: str) -> None:
        """One line of words, or what looks like something else."""
        kind = next((odd.kind for odd in odd_lines([line])), None) if line else "blank"
        if kind is None:
            self.sung(line)
        elif kind == "heading" and (heading := read_heading(line.strip(_HEADING_SIGNS))):
            self.begin(line, heading)
        elif kind == "repeat" and (repeat := _REPEAT.search(line)) and line[: repeat.start()].strip():
            self.again(line[: repeat.start()].strip(), _times(repeat))
        elif kind == "separator":
            self.notes.add("a line with ' / ' or ' | ' is several lines")
            for piece in re.split(r"\s+[/|｜]\s+", line):
                self.sung(piece.strip())
        elif kind in ("markup", "speaker"):
            self.stripped(line, kind)
        elif kind != "blank":
            self.notes.add(f"left out as {KINDS[kind]}: '{line[:60]}'")

    def stripped(self, line: str, kind: str) -> None:
        rest = _SPEAKER.sub("", line) if kind == "speaker" else _MARKS.sub("", _COMMENT.sub("", line))
        removed = line.replace(rest.strip(), "").strip() if rest.strip() else line
        self.notes.add(f"left out as {KINDS[kind]}: '{removed[:60]}'")
        if rest.strip() and rest.strip() != line:
            self.line(rest.strip())

    def again(self, line: str, times: int) -> None:
        self.notes.add(f"a line marked x{times} is sung {times} times")
        for _ in range(times):
            self.sung(line)

    def sung(self, line: str) -> None:
        """Words under the last heading; without any heading every stanza is a verse."""
        if not self.parts or (not self.headed and self.blank):
            self.parts.append(_Part(SectionHeading(tag="verse", name="verse")))
            if not self.headed:
                self.notes.add("words without a heading are under [verse], a new one after a blank line")
        self.blank = False
        self.parts[-1].lines.append(line)


def _times(repeat: re.Match[str]) -> int:
    return max(1, min(_MOST_REPEATS, int(repeat[1] or repeat[2])))


def _lyrics(parts: list[_Part], notes: Notes, part_seconds: float, seconds_per_tag: float) -> Lyrics:
    sections: list[Section] = []
    for _, group in groupby(parts, key=_repetition):
        repetitions = list(group)
        if len(repetitions) > 1 and _repetition(repetitions[0]):
            sections.append(Section(repetitions[0].heading.tag, seconds=len(repetitions) * seconds_per_tag))
            continue
        for part in repetitions:
            sections += _sections(part, sections, notes, part_seconds)
    if not sections:
        raise InputError("There are no lyrics.", cure="Write a heading such as [Verse] and words under it.")
    return Lyrics(tuple(_joined(sections)))


def _repetition(part: _Part) -> str:
    """The tag whose repetitions are a duration, as in suites; "" for any other part."""
    plain = part.heading == SectionHeading(tag=part.heading.tag, name=part.heading.tag)
    return part.heading.tag if plain and not part.lines and part.heading.tag in INSTRUMENTAL_TAGS else ""


def _joined(sections: list[Section]) -> Iterator[Section]:
    """Neighbours without words under one tag as one section."""
    for (tag, vocal), group in groupby(sections, key=lambda section: (section.tag, section.vocal)):
        if vocal:
            yield from group
        else:
            yield Section(tag, seconds=sum(section.seconds or 0.0 for section in group))


def _sections(part: _Part, before: list[Section], notes: Notes, part_seconds: float) -> list[Section]:
    """A part as often as it is sung; nothing where nothing is left of it."""
    section = _section(part, before, notes, part_seconds)
    times = min(_MOST_REPEATS, part.heading.times) if section and section.vocal else 1
    if times > 1:
        notes.add(f"a part marked x{times} is sung {times} times")
    return [section] * times if section else []


def _section(part: _Part, before: list[Section], notes: Notes, part_seconds: float) -> Section | None:
    """A part as a section; None when nothing is left of it."""
    heading = part.heading
    if part.lines:
        if heading.tag in WORDLESS_TAGS:
            notes.add(f"[{heading.name}] has words, so it is [verse]")
        return Section("verse" if heading.tag in WORDLESS_TAGS else heading.tag, tuple(part.lines))
    if heading.tag in VOCAL_TAGS and heading.name not in ("drop",):
        earlier = next((section for section in reversed(before) if section.tag == heading.tag), None)
        if heading.tag == "chorus" and earlier:
            notes.add("a [chorus] without words repeats the one before")
            return earlier
        notes.add(f"left out [{heading.name}]: it has no words")
        return None
    if heading.name in ("start", "end"):
        notes.add(f"left out [{heading.name}]: it marks an end, not a part")
        return None
    tag = "inst" if heading.tag in VOCAL_TAGS else heading.tag
    seconds = LENGTH_SECONDS.get(heading.length, part_seconds)
    notes.add(f"[{tag}] without words lasts {seconds:g} s")
    return Section(tag, seconds=seconds)
