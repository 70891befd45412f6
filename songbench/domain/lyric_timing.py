"""When each line and word of lyrics would be sung: a deterministic rule for systems that must be told it.

docs/lyric-timing.md describes the rule and its error. Nobody wrote these times: a system that gets them is timed by
this rule, and its record says so by `RULE`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import Field

from songbench.domain.checking import Number, Schema, Whole
from songbench.domain.errors import InputError, UnsupportedError
from songbench.domain.language import MIXED, SEVERAL, UNDETERMINED, spoken_language
from songbench.domain.sections import Lyrics
from songbench.domain.song import TimedSection, TimedWord
from songbench.domain.spoken import spoken_words
from songbench.domain.syllables import syllable_count
from songbench.domain.tables import read_table
from songbench.domain.tags import by_tag
from songbench.domain.text import HAN

_HAN = re.compile(f"[{HAN}]")
_TEMPO = re.compile(r"(?<!\d)(\d{2,3}(?:\.\d+)?)\s*bpm", re.IGNORECASE)
_BY_LETTERS = ("en", "zh", MIXED, UNDETERMINED, SEVERAL)
_USUAL_TEMPO = 100.0
_BEATS_PER_BAR = 4
_SLOWEST_TEMPO, _FASTEST_TEMPO = 30.0, 300.0

_Positive = Annotated[Number, Field(gt=0)]


class LanguageRate(Schema):
    """Syllables per second in a language.

    Attributes:
        sung: at ease, in a verse at 100 beats per minute.
        spoken: in speech; no line is timed faster.
    """

    sung: _Positive
    spoken: _Positive


class TimingTable(Schema):
    """The figures of the rule.

    Attributes:
        version: of the rule and its figures.
        pause_seconds: rest after each line.
        tempo_exponent: syllables per second grow with the tempo to this power.
        bar_excess: the part of a bar by which a line may exceed its bars, where there is a tempo.
        longest_slot: most time that a line gets because another line of its section is longer, as a multiple of what it
            needs itself.
        longest_singing: most time that the singing of a line takes where there is room, likewise.
        longest_stretch: most time that all lines get to fill a wanted length, likewise.
        sections: rates by section tag, as multiples of those of the language; without meaning for tags never sung.
        languages: rates by language; ``other`` is for all that are not listed.
    """

    version: Whole
    pause_seconds: _Positive
    tempo_exponent: Annotated[Number, Field(ge=0)]
    bar_excess: Annotated[Number, Field(ge=0, lt=1)]
    longest_slot: Annotated[Number, Field(ge=1)]
    longest_singing: Annotated[Number, Field(ge=1)]
    longest_stretch: Annotated[Number, Field(ge=1)]
    sections: dict[str, _Positive]
    languages: dict[str, LanguageRate]


TIMING = read_table("songbench.domain", "lyric_timing.yaml", TimingTable)
by_tag(TIMING.sections, "songbench/domain/lyric_timing.yaml")

RULE = f"songbench-timing {TIMING.version}"
"""Name and version of the rule, for the records of songs."""


@dataclass(frozen=True, kw_only=True)
class TimedLine:
    """A line in time, in seconds.

    Attributes:
        text: as it stands in the lyrics.
        section: 0-based number of its section.
        start: of its first word.
        end: of its last word; the next line starts later.
        words: as they are sung, figures written out, one character each for Chinese; empty where a line has only signs.
    """

    text: str
    section: int
    start: float
    end: float
    words: tuple[TimedWord, ...]


@dataclass(frozen=True)
class TimedLyrics:
    """Lyrics in time.

    Attributes:
        sections: in order without gaps; the first begins at the `start` that was asked for.
        lines: all sung lines in order.
        rule: `RULE`, for the record.
    """

    sections: tuple[TimedSection, ...]
    lines: tuple[TimedLine, ...]
    rule: str = RULE

    @property
    def words(self) -> tuple[TimedWord, ...]:
        """All words in order."""
        return tuple(word for line in self.lines for word in line.words)

    @property
    def seconds(self) -> float:
        """Where the last section ends."""
        return self.sections[-1].end


@dataclass(frozen=True, kw_only=True)
class _Line:
    """A line to be placed: `needs` seconds to sing it at ease, `least` as fast as in speech, `slot` with its rest."""

    text: str
    words: tuple[str, ...]
    syllables: tuple[int, ...]
    needs: float
    least: float
    slot: float = 0.0


def time_lyrics(
    lyrics: Lyrics,
    language: str,
    *,
    seconds: float | None = None,
    tempo: float | None = None,
    start: float = 0.0,
    table: TimingTable = TIMING,
) -> TimedLyrics:
    """Gives every section, line and word of lyrics a time.

    The lines of a section take the time that its longest line needs (syllables at the rate of language, section and
    tempo, and a pause), whole bars of four beats where there is a tempo and no wanted length; the syllables of a line
    are equally long. Sections without words last as long as they say. The same arguments give the same times
    everywhere.

    Args:
        lyrics: the sections.
        language: of the words, as `songbench.domain.language.check_language` gives it.
        seconds: wanted length of the whole, `start` included: pauses and lines are stretched or compressed evenly to
            fill it. None: what the words need at ease.
        tempo: beats per minute, 30 to 300, or None where it is not known.
        start: seconds before the first section.
        table: other figures, to fit them.

    Returns:
        The times in seconds, rounded to milliseconds.

    Raises:
        UnsupportedError: in `seconds` the words would be sung faster than they are spoken, or more than
            `TimingTable.longest_stretch` times slower than at ease.
        InputError: a tempo outside its range, a negative start.
    """
    if tempo is not None and not _SLOWEST_TEMPO <= tempo <= _FASTEST_TEMPO:
        raise InputError(f"No song has {tempo:g} beats per minute.", field="tempo", cure="Choose 30 to 300.")
    if not 0 <= start < math.inf:
        raise InputError(f"A song cannot start at {start:g} seconds.", field="start", cure="Choose 0 or more.")
    # 1. what each line needs, and the slot it gets for it; a wanted length leaves no room for whole bars
    bar = _BEATS_PER_BAR * 60.0 / tempo if tempo is not None and seconds is None else None
    sections = [
        _with_slots([_line(text, language, section.tag, tempo, table) for text in section.lines], bar, table)
        for section in lyrics.sections
    ]
    # 2. one factor on all slots fills the wanted length
    plain = start + sum(section.seconds or 0.0 for section in lyrics.sections)
    factor = 1.0 if seconds is None else _factor([line for lines in sections for line in lines], seconds, plain, table)
    # 3. one after another
    at, timed_sections, timed_lines = start, [], []
    for number, (section, lines) in enumerate(zip(lyrics.sections, sections, strict=True)):
        begin = at
        for line in lines:
            timed_lines.append(_timed_line(line, number, at, factor, table))
            at += factor * line.slot
        at += section.seconds or 0.0
        timed_sections.append(TimedSection(section.tag, round(begin, 3), round(at, 3)))
    return TimedLyrics(tuple(timed_sections), tuple(timed_lines))


def tempo_of_style(style: str) -> float | None:
    """The tempo that a style text names, such as "bright pop, 104 bpm", in beats per minute; None where it names none.

    >>> tempo_of_style("bright pop, 104 bpm")
    104.0
    """
    match = _TEMPO.search(style)
    tempo = float(match[1]) if match else None
    return tempo if tempo is not None and _SLOWEST_TEMPO <= tempo <= _FASTEST_TEMPO else None


def _line(text: str, language: str, tag: str, tempo: float | None, table: TimingTable) -> _Line:
    code = _line_language(text, language)
    words = tuple(_sung_words(text, code))
    syllables = tuple(syllable_count(word, "en" if code == "zh" else code) for word in words)
    rate = table.languages.get(code, table.languages["other"])
    sung = rate.sung * table.sections[tag] * ((tempo or _USUAL_TEMPO) / _USUAL_TEMPO) ** table.tempo_exponent
    count = max(1, sum(syllables))
    return _Line(text=text, words=words, syllables=syllables, needs=count / sung, least=count / rate.spoken)


def _line_language(text: str, language: str) -> str:
    """In English, Mandarin and mixed lyrics the letters of the line decide."""
    code = spoken_language(language)
    if code not in _BY_LETTERS:
        return code
    return "zh" if _HAN.search(text) else "en"


def _sung_words(text: str, code: str) -> Iterator[str]:
    """Words in their usual reading; a plain word keeps its capitals."""
    for word in spoken_words(text, ("zh", "en") if code == "zh" else ("en",)):
        yield from (word.text,) if word.usual == (word.text.casefold(),) else word.usual


def _with_slots(lines: Sequence[_Line], bar: float | None, table: TimingTable) -> list[_Line]:
    """The lines of a section with equal slots, as far as a short line can fill that of a long one.

    Args:
        lines: of one section.
        bar: seconds that a bar lasts, to give each line whole bars; None: no bars.
        table: the figures.
    """
    longest = max((line.needs for line in lines), default=0.0) + table.pause_seconds
    slots = [min(longest, table.longest_slot * (line.needs + table.pause_seconds)) for line in lines]
    if bar is not None:
        slots = [bar * max(1, math.ceil(slot / bar - table.bar_excess)) for slot in slots]
    return [replace(line, slot=slot) for line, slot in zip(lines, slots, strict=True)]


def _singing(line: _Line, table: TimingTable) -> float:
    """Seconds from a line's first sound to its last, before all slots are stretched."""
    return min(line.slot - min(table.pause_seconds, line.slot / 2), table.longest_singing * line.needs)


def _factor(lines: Sequence[_Line], seconds: float, plain: float, table: TimingTable) -> float:
    """By what all slots are multiplied so that the whole lasts as long as wanted.

    Args:
        lines: with their slots.
        seconds: wanted length.
        plain: seconds that nothing can stretch: those before the song and of sections without words.
        table: the figures.
    """
    slots = sum(line.slot for line in lines)
    shortest = max((line.least / _singing(line, table) for line in lines), default=0.0)
    least, most = plain + shortest * slots, plain + table.longest_stretch * slots
    if seconds < least:
        raise UnsupportedError(
            f"{seconds:g} s are too short for lyrics that last {least:.1f} s as fast as they can be spoken.",
            cure=f"Ask for {math.ceil(least)} s or more, or write fewer words.",
        )
    if lines and seconds > most:
        raise UnsupportedError(
            f"{seconds:g} s are too long for lyrics that last {most:.1f} s "
            f"at {table.longest_stretch:g} times their usual length.",
            cure=f"Ask for {math.floor(most)} s or less, or add words or instrumental sections.",
        )
    return (seconds - plain) / slots if lines else 1.0


def _timed_line(line: _Line, section: int, start: float, factor: float, table: TimingTable) -> TimedLine:
    """The line and its words from a start on; each word gets time by its syllables."""
    singing = factor * _singing(line, table)
    total = max(1, sum(line.syllables))
    edges = [0]
    for count in line.syllables:
        edges.append(edges[-1] + count)
    times = [round(start + singing * edge / total, 3) for edge in edges]
    words = tuple(
        TimedWord(word, begin, end) for word, begin, end in zip(line.words, times[:-1], times[1:], strict=True)
    )
    return TimedLine(text=line.text, section=section, start=round(start, 3), end=round(start + singing, 3), words=words)
