"""The two text forms of sectioned lyrics.

*Block form*, for people::

    [intro] [intro] [intro]

    [verse]
    Morning comes in slowly
    over the railway line

*Line form*, SongBloom's own (docs/lyric_format of that project): one line, tags inline, sentences ended by ``.``,
sections set apart by a comma with a space on both sides::

    [intro] [intro] [intro] , [verse] Morning comes in slowly. over the railway line.

In both, the tag of a section without words is repeated to say how long it lasts: each repetition is
``seconds_per_tag`` seconds (1 for SongBloom's 150 s models, 5 for its 240 s model).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from songbench.domain import lyric_text
from songbench.domain.errors import InputError
from songbench.domain.sections import Lyrics, Section, lyrics_from_json
from songbench.domain.tags import INSTRUMENTAL_TAGS, TAGS, VOCAL_TAGS, WORDLESS_TAGS
from songbench.domain.unknown_tags import UnknownTag, UnknownTagsError, tag_cure

__all__ = [
    "Lyrics",
    "LyricsReading",
    "Section",
    "UnknownTag",
    "UnknownTagsError",
    "lyrics_from_json",
    "parse_lyrics",
    "read_lyrics",
    "render_block",
    "render_line",
]

_TAG = re.compile(r"\[([^\[\]\n]*)\]")
_LINE_FORM_BREAK = re.compile(r"\S[^\S\n]*[,;，；][^\S\n]*\[|\s[,;，；][^\S\n]*(?:\n|$)")


@dataclass(frozen=True)
class LyricsReading:
    """Lyrics, and what was changed to read them.

    Attributes:
        lyrics: the sections.
        written_line_ends: how many line ends were written as a backslash and a letter.
        stamped: 1-based lines of the text that had time stamps, which were left out.
    """

    lyrics: Lyrics
    written_line_ends: int = 0
    stamped: tuple[int, ...] = ()


def parse_lyrics(text: str, *, file: str | None = None, line: int = 1, seconds_per_tag: float = 1.0) -> Lyrics:
    """Read either text form, as `read_lyrics`, without what was changed.

    >>> lyrics = parse_lyrics("[intro] [intro] , [verse] Morning comes in slowly. Over the railway line.")
    >>> lyrics.tags
    ('intro', 'verse')
    >>> lyrics.sections[0].seconds
    2.0
    >>> lyrics.lines
    ('Morning comes in slowly', 'Over the railway line')
    """
    return read_lyrics(text, file=file, line=line, seconds_per_tag=seconds_per_tag).lyrics


def read_lyrics(text: str, *, file: str | None = None, line: int = 1, seconds_per_tag: float = 1.0) -> LyricsReading:
    r"""Read either text form; which one is seen from whether there is more than one line.

    Line ends of any kind are read, also those line_ends as a backslash and an n. Full-width brackets are brackets;
    invisible characters and the time stamps of LRC and SRT files are left out.

    Args:
        text: the lyrics.
        file: named in errors.
        line: the line of `file` on which `text` begins, for errors.
        seconds_per_tag: how long one tag of a section without words lasts, in seconds.

    Raises:
        UnknownTagsError: for tags outside the grammar, all of them at once.
        InputError: for words before the first tag, an unclosed bracket, an empty vocal section, words in a
            wordless one, control characters.

    >>> read_lyrics("[verse]\\nMorning comes in slowly").written_line_ends
    1
    >>> read_lyrics("[verse]\n[00:12.50]Morning comes in slowly").stamped
    (2,)
    >>> read_lyrics("[hook]\nHold me closer")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    songbench.domain.unknown_tags.UnknownTagsError: line 1: Unknown section tag [hook]. Write [chorus] instead. ...
    """
    # 1. plain lines: one kind of line end, no invisible signs, no time stamps
    try:
        text, line_ends = lyric_text.with_line_ends(lyric_text.checked_text(text))
    except InputError as error:
        raise error.located(file=file, line=line) from None
    rows, stamped = lyric_text.without_times(text.strip("\n").split("\n"))
    # 2. which of the two forms it is
    filled = [row for row in rows if row.strip()]
    sentences = len(filled) == 1 or bool(_LINE_FORM_BREAK.search("\n".join(rows)))
    # 3. tags and words, line by line, then the sections they make
    reader = _Reader(file, seconds_per_tag, sentences, stamped=bool(stamped))
    for offset, row in enumerate(rows):
        reader.read(row, line + offset if len(rows) > 1 else line)
    return LyricsReading(reader.finish(line), line_ends, tuple(number + 1 for number in stamped))


@dataclass(kw_only=True)
class _Part:
    """One tag as it stands in the text, and the words under it."""

    tag: str
    number: int
    apart: bool
    """Whether a blank line or a separator stands before the tag."""
    inside: bool
    """Whether words stand before the tag in its row."""
    lines: list[str] = field(default_factory=list)


class _Reader:
    """Collects tags and words into sections while remembering where each section began."""

    def __init__(self, file: str | None, seconds_per_tag: float, sentences: bool, *, stamped: bool) -> None:
        self.file, self.seconds_per_tag, self.sentences, self.stamped = file, seconds_per_tag, sentences, stamped
        self.parts: list[_Part] = []
        self.apart = False
        self.first_words: tuple[str, int] | None = None

    def read(self, row: str, number: int) -> None:
        pieces = _TAG.split(row)
        inside = bool(lyric_text.clean(pieces[0]))
        self.apart = self.apart or not row.strip()
        self.words(pieces[0], number)
        for tag, words in zip(pieces[1::2], pieces[2::2], strict=True):
            self.parts.append(_Part(tag=tag.strip(), number=number, apart=self.apart, inside=inside))
            self.apart = False
            self.words(words, number)
            inside = inside or bool(lyric_text.clean(words))

    def words(self, text: str, number: int) -> None:
        if "[" in text or "]" in text:
            raise InputError(
                f"A square bracket has no partner: '{text.strip()[:40]}'.",
                file=self.file,
                line=number,
                cure="Brackets are for section tags such as [verse]: close it, or leave it out.",
            )
        lines = (
            lyric_text.sentences(text) if self.sentences else [cleaned] if (cleaned := lyric_text.clean(text)) else []
        )
        self.apart = self.apart or bool(text.strip() and not lines)
        if lines and self.parts:
            self.parts[-1].lines.extend(lines)
        elif lines and self.first_words is None:
            self.first_words = lines[0], number

    def finish(self, line: int) -> Lyrics:
        if unknown := [part for part in self.parts if part.tag not in TAGS]:
            cures = [tag_cure(part.tag, words=bool(part.lines), inside=part.inside) for part in unknown]
            tags = [
                UnknownTag(part.tag, part.number - line + 1, cure) for part, cure in zip(unknown, cures, strict=True)
            ]
            raise UnknownTagsError(tags, file=self.file, line=unknown[0].number)
        if self.first_words is not None:
            words, number = self.first_words
            raise InputError(
                f"The words '{words[:40]}' come before any section tag.",
                file=self.file,
                line=number,
                cure="Import lyrics with time stamps: songbench suites import FILE --from lrc --to suite.jsonl."
                if self.stamped
                else "Start with a tag such as [verse].",
            )
        built = []
        for group in self._groups():
            part = group[-1]
            seconds = None if part.lines else len(group) * self.seconds_per_tag
            try:
                built.append(self._section(part, len(group), seconds))
            except InputError as error:
                raise error.located(file=self.file, line=part.number) from None
        try:
            return Lyrics(tuple(built))
        except InputError as error:
            raise error.located(file=self.file, line=line) from None

    def _section(self, part: _Part, count: int, seconds: float | None) -> Section:
        if part.lines and count > 1 and part.tag not in WORDLESS_TAGS:
            raise InputError(
                f"[{part.tag}] is repeated, which is a duration, and has words, whose duration is free.",
                cure=f"Write [{part.tag}] once above the words; an instrumental part before it after a blank line.",
            )
        return Section(part.tag, tuple(part.lines), None if part.tag in VOCAL_TAGS else seconds)

    def _groups(self) -> list[list[_Part]]:
        """Repetitions of one wordless tag together; words that begin apart from such repetitions are a section."""
        groups: list[list[_Part]] = []
        for part in self.parts:
            last = groups[-1][-1] if groups else None
            repeats = last is not None and last.tag == part.tag and part.tag in INSTRUMENTAL_TAGS and not last.lines
            if repeats and not (part.lines and part.apart and part.tag not in WORDLESS_TAGS):
                groups[-1].append(part)
            else:
                groups.append([part])
        return groups


def _repeated(section: Section, seconds_per_tag: float) -> str:
    count = max(1, round((section.seconds or seconds_per_tag) / seconds_per_tag))
    return " ".join([f"[{section.tag}]"] * count)


def render_block(lyrics: Lyrics, *, seconds_per_tag: float = 1.0) -> str:
    """The block form, for people: durations are rounded to whole tags.

    >>> print(render_block(parse_lyrics("[intro] [intro] , [verse] Morning comes in slowly.")), end="")
    [intro] [intro]
    <BLANKLINE>
    [verse]
    Morning comes in slowly
    """
    blocks = []
    for section in lyrics.sections:
        head = f"[{section.tag}]" if section.vocal else _repeated(section, seconds_per_tag)
        blocks.append("\n".join([head, *section.lines]))
    return "\n\n".join(blocks) + "\n"


def render_line(lyrics: Lyrics, *, seconds_per_tag: float = 1.0) -> str:
    """The line form. Full stops and commas inside a line are dropped, as both separate things in this form.

    >>> lyrics = Lyrics((Section("inst", seconds=10.0), Section("verse", ("Hello, my friend",))))
    >>> render_line(lyrics, seconds_per_tag=5.0)
    '[inst] [inst] , [verse] Hello my friend.'
    """
    parts = []
    for section in lyrics.sections:
        if section.vocal:
            parts.append(
                " ".join([f"[{section.tag}]", *(f"{lyric_text.plain_sentence(line)}." for line in section.lines)])
            )
        else:
            parts.append(_repeated(section, seconds_per_tag))
    return " , ".join(parts)
