"""Where a singer breathes: lines that are too long for one breath are sung as two phrases or more."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise

from songbench.domain.checking import Schema
from songbench.domain.tables import read_table
from songbench.domain.text import HAN
from systems.rulebased.syllables import Syllable, SyllableLine, syllable_line
from systems.rulebased.text import SpokenLine, spoken_line


class _BreathWords(Schema):
    """What phrasing.yaml holds: words that begin a phrase well, and words that belong to the word before them."""

    openers: frozenset[str]
    clinging: frozenset[str]


LONGEST_PHRASE = {"en": 11, "zh": 9}
"""Syllables on one breath, by language: about six seconds where lines have room."""

BREATH_SECONDS = 0.34
"""A breath within a line."""

_LEAST_PHRASE = 4
_BREAKS = ",;:.!?，。；：、！？—"
_WORDS = read_table("systems.rulebased", "phrasing.yaml", _BreathWords)
_HAN = re.compile(f"[{HAN}]")
_LATIN_OR_DIGIT = re.compile(r"[a-z0-9'’%&$.]", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class LyricLine:
    """A line of lyrics as it is sung.

    Attributes:
        phrases: what is sung on one breath each; at least one.
    """

    phrases: tuple[SyllableLine, ...]

    @cached_property
    def syllables(self) -> tuple[Syllable, ...]:
        """Those of all phrases."""
        return tuple(syllable for phrase in self.phrases for syllable in phrase.syllables)

    @property
    def before_seconds(self) -> float:
        """Natural duration of the consonants before the first vowel."""
        return self.phrases[0].before_seconds

    @cached_property
    def pauses(self) -> dict[int, float]:
        """Seconds of silence after a syllable, by its index: a breath and the consonants that begin the next phrase."""
        lasts = accumulate(len(phrase.syllables) for phrase in self.phrases[:-1])
        nexts = (phrase.before_seconds for phrase in self.phrases[1:])
        return {last - 1: BREATH_SECONDS + before for last, before in zip(lasts, nexts, strict=True)}


def lyric_line(line: str, language: str, singer: str) -> LyricLine | None:
    """Speaks a line, in several phrases where it is long; None when nothing in it can be sung.

    Args:
        line: the lyric line.
        language: `en`, `zh` or `mixed`.
        singer: `female` or `male`.

    Raises:
        InputError: the language or a letter is none that this system sings.
    """
    phrases = tuple(_phrases(line, language, singer))
    return LyricLine(phrases) if phrases else None


def _phrases(line: str, language: str, singer: str) -> Iterator[SyllableLine]:
    spoken = spoken_line(line, language)
    unbroken = syllable_line(spoken, singer) if spoken else None
    if spoken is None or unbroken is None:
        return
    halves = (
        _halves(line, language, spoken, unbroken) if len(unbroken.syllables) > LONGEST_PHRASE[spoken.language] else None
    )
    if halves is None:
        yield unbroken
        return
    for half in halves:
        yield from _phrases(half, language, singer)


def _halves(line: str, language: str, spoken: SpokenLine, unbroken: SyllableLine) -> tuple[str, str] | None:
    """The line cut where a breath disturbs least; None when there is no place for one."""
    best: tuple[float, str, str] | None = None
    for cut, badness in _places(line):
        left, right = line[:cut].strip(), line[cut:].strip()
        words = tuple(half.words if (half := spoken_line(text, language)) else () for text in (left, right))
        if sum(words, ()) != spoken.words:
            continue
        first = sum(syllable.word < len(words[0]) for syllable in unbroken.syllables)
        second = len(unbroken.syllables) - first
        if min(first, second) < _LEAST_PHRASE:
            continue
        cost = abs(first - second) + badness
        if best is None or cost < best[0]:
            best = (cost, left, right)
    return best[1:] if best else None


def _places(line: str) -> Iterator[tuple[int, float]]:
    """Borders between words and how bad a breath there is, from 0."""
    words = list(_words(line))
    for (_, end, before), (start, _, after) in pairwise(words):
        if any(mark in line[end:start] for mark in _BREAKS) or before[-1] in _BREAKS:
            yield start, 0.0
        elif after.casefold() in _WORDS.openers and before.casefold() not in _WORDS.openers:
            yield start, 5.0
        elif after not in _WORDS.clinging:
            yield start, 9.0


def _words(line: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and text of the words of a line; Mandarin is cut by the phrases that pypinyin knows."""
    for match in re.finditer(r"\S+", line):
        at = match.start()
        pieces = _mandarin_words(match.group()) if _HAN.search(match.group()) else [match.group()]
        for piece in pieces:
            if any(letter.isalnum() for letter in piece) and not _glued(line, at):
                yield at, at + len(piece), piece
            at += len(piece)


def _mandarin_words(text: str) -> Iterator[str]:
    from pypinyin.seg import mmseg

    yield from mmseg.seg.cut(text)


def _glued(line: str, at: int) -> bool:
    """Whether a border at this place would cut Latin letters or a number in two."""
    return at > 0 and bool(_LATIN_OR_DIGIT.match(line[at]) and _LATIN_OR_DIGIT.match(line[at - 1]))
