"""Sectioned lyrics and their two text forms.

*Block form*, for people::

    [intro] [intro] [intro]

    [verse]
    Morning comes in slowly
    over the railway line

*Line form*, SongBloom's own (docs/lyric_format of that project): one line, tags inline, sentences ended by ``.``,
sections set apart by a comma with a space on both sides::

    [intro] [intro] [intro] , [verse] Morning comes in slowly. over the railway line.

In both, a non-vocal tag is repeated to say how long it lasts: each repetition is ``seconds_per_tag`` seconds (1 for
SongBloom's 150 s models, 5 for its 240 s model).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from songbench.domain.errors import InputError

VOCAL_TAGS = ("verse", "chorus", "bridge")
INSTRUMENTAL_TAGS = ("intro", "inst", "outro", "silence")
TAGS = ("intro", "verse", "chorus", "bridge", "inst", "outro", "silence")

_USUAL_NAMES = {
    "pre-chorus": "verse",
    "prechorus": "verse",
    "hook": "chorus",
    "refrain": "chorus",
    "solo": "inst",
    "break": "inst",
    "interlude": "inst",
    "instrumental": "inst",
    "start": "intro",
    "end": "outro",
}
_TAG = re.compile(r"\[([^\[\]\n]*)\]")
_SENTENCE_END = re.compile(r"[.。]+")


@dataclass(frozen=True)
class Section:
    """One part of a song.

    Attributes:
        tag: one of `TAGS`.
        lines: the sung lines; at least one for a vocal tag, none for the others.
        seconds: how long a non-vocal section lasts (> 0); None for a vocal section, whose length the system decides.
    """

    tag: str
    lines: tuple[str, ...] = ()
    seconds: float | None = None

    def __post_init__(self) -> None:
        """Hold the grammar: vocal sections have lines, the others a duration."""
        if self.tag not in TAGS:
            raise unknown_tag(self.tag)
        if self.vocal and not self.lines:
            raise InputError(
                f"[{self.tag}] has no lyrics.", cure="Give it lines, or use [inst] for an instrumental part."
            )
        if not self.vocal and self.lines:
            raise InputError(
                f"[{self.tag}] cannot hold lyrics, but has '{self.lines[0]}'.",
                cure=f"Put the words under one of {', '.join(f'[{t}]' for t in VOCAL_TAGS)}.",
            )
        if not self.vocal and not (self.seconds and self.seconds > 0):
            raise InputError(f"[{self.tag}] needs a duration above 0 seconds.")

    @property
    def vocal(self) -> bool:
        """Whether this section is sung."""
        return self.tag in VOCAL_TAGS


@dataclass(frozen=True)
class Lyrics:
    """The sections of a song in order; at least one."""

    sections: tuple[Section, ...]

    def __post_init__(self) -> None:
        """An empty song is always a mistake."""
        if not self.sections:
            raise InputError("The lyrics are empty.", cure="Write at least one section, e.g. '[verse]' and a line.")

    @property
    def lines(self) -> tuple[str, ...]:
        """All sung lines in order."""
        return tuple(line for section in self.sections for line in section.lines)

    @property
    def tags(self) -> tuple[str, ...]:
        """The tag of each section in order."""
        return tuple(section.tag for section in self.sections)


def unknown_tag(tag: str, *, file: str | None = None, line: int | None = None) -> InputError:
    """The error for a tag outside the grammar, with the nearest valid one."""
    usual = _USUAL_NAMES.get(tag.casefold().strip())
    return InputError(
        f"Unknown section tag [{tag}]." + (f" Write [{usual}] instead." if usual else ""),
        file=file,
        line=line,
        given=None if usual else re.sub(r"[\s\d:]+$", "", tag),
        allowed=TAGS,
    )


def parse_lyrics(text: str, *, file: str | None = None, line: int = 1, seconds_per_tag: float = 1.0) -> Lyrics:
    """Read either text form; which one is seen from whether there is more than one line.

    Args:
        text: the lyrics.
        file: named in errors.
        line: the line of `file` on which `text` begins, for errors.
        seconds_per_tag: how long one non-vocal tag lasts, in seconds.

    Raises:
        InputError: for words before the first tag, an unknown tag, an empty vocal section, words in a non-vocal one.
    """
    reader = _Reader(file, seconds_per_tag)
    rows = text.strip("\n").split("\n")
    sentences = len([row for row in rows if row.strip()]) == 1
    for offset, row in enumerate(rows):
        reader.read(row, line + offset if len(rows) > 1 else line, sentences)
    return reader.finish(line)


class _Reader:
    """Collects tags and words into sections while remembering where each section began."""

    def __init__(self, file: str | None, seconds_per_tag: float) -> None:
        self.file, self.seconds_per_tag = file, seconds_per_tag
        self.sections: list[tuple[str, list[str], int, int]] = []  # tag, lines, repetitions, line number

    def read(self, row: str, number: int, sentences: bool) -> None:
        parts = _TAG.split(row)
        self.words(parts[0], number, sentences)
        for tag, words in zip(parts[1::2], parts[2::2], strict=True):
            self.tag(tag, number)
            self.words(words, number, sentences)

    def tag(self, tag: str, number: int) -> None:
        if tag not in TAGS:
            raise unknown_tag(tag, file=self.file, line=number)
        last = self.sections[-1] if self.sections else None
        if last and last[0] == tag and tag in INSTRUMENTAL_TAGS:
            self.sections[-1] = (tag, last[1], last[2] + 1, last[3])
        else:
            self.sections.append((tag, [], 1, number))

    def words(self, text: str, number: int, sentences: bool) -> None:
        pieces = _SENTENCE_END.split(re.sub(r"^\s*,\s|\s,\s*$", " ", f" {text} ")) if sentences else [text]
        lines = [cleaned for piece in pieces if (cleaned := " ".join(piece.split()).strip(", "))]
        if not lines:
            return
        if not self.sections:
            raise InputError(
                f"The words '{lines[0][:40]}' come before any section tag.",
                file=self.file,
                line=number,
                cure="Start with a tag such as [verse].",
            )
        self.sections[-1][1].extend(lines)

    def finish(self, line: int) -> Lyrics:
        built = []
        for tag, lines, count, number in self.sections:
            seconds = None if tag in VOCAL_TAGS else count * self.seconds_per_tag
            try:
                built.append(Section(tag, tuple(lines), seconds))
            except InputError as error:
                raise error.located(file=self.file, line=number) from None
        try:
            return Lyrics(tuple(built))
        except InputError as error:
            raise error.located(file=self.file, line=line) from None


def _repeated(section: Section, seconds_per_tag: float) -> str:
    count = max(1, round((section.seconds or seconds_per_tag) / seconds_per_tag))
    return " ".join([f"[{section.tag}]"] * count)


def render_block(lyrics: Lyrics, *, seconds_per_tag: float = 1.0) -> str:
    """The block form. Durations are rounded to whole tags; parsing it again gives the same lyrics otherwise."""
    blocks = []
    for section in lyrics.sections:
        head = f"[{section.tag}]" if section.vocal else _repeated(section, seconds_per_tag)
        blocks.append("\n".join([head, *section.lines]))
    return "\n\n".join(blocks) + "\n"


def render_line(lyrics: Lyrics, *, seconds_per_tag: float = 1.0) -> str:
    """The line form. Full stops and commas inside a line are dropped, as both separate things in this form."""
    parts = []
    for section in lyrics.sections:
        if section.vocal:
            plain = [" ".join(re.sub(r"[.。,，]+", " ", line).split()) for line in section.lines]
            parts.append(" ".join([f"[{section.tag}]", *(f"{line}." for line in plain)]))
        else:
            parts.append(_repeated(section, seconds_per_tag))
    return " , ".join(parts)
