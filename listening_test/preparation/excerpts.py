"""Where in a song an excerpt lies: by the protocol's rule, the same for every system, never by ear."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from listening_test.protocol import Excerpt
from songbench.domain.lyrics import Lyrics, Section
from songbench.domain.song import TimedSection

_LETTERS = re.compile(r"[㐀-鿿豈-﫿]|[^\W\d_]+")
_VOWELS = re.compile(r"[aeiouyà-öø-ÿ]+")
_LEAST_SUNG = 0.5
"""The share of a song that is taken to be sung at least, where it is too short for its instrumental sections."""


@dataclass(frozen=True)
class ExcerptSpan:
    """A part of a song.

    Attributes:
        start: in seconds from the song's start.
        seconds: its length.
        note: how it was found, where that is not plain.
    """

    start: float
    seconds: float
    note: str = ""


def place(rule: Excerpt, seconds: float, lyrics: Lyrics, sections: Sequence[TimedSection] = ()) -> ExcerptSpan | None:
    """Where an excerpt lies.

    Args:
        rule: the protocol's.
        seconds: the real length of the song.
        lyrics: that it was asked to sing.
        sections: where the system says that its sections lie; empty where it does not say.

    Returns:
        The place, or None where the song has no such part: the lyrics lack the section, or it ends before the window.
    """
    if rule.rule == "section":
        span = _section(rule, seconds, lyrics, sections)
    else:
        start = rule.start if rule.rule == "window" else 0.0
        span = ExcerptSpan(start, seconds - start) if start < seconds else None
    if span is None:
        return None
    length = min(span.seconds, seconds - span.start, rule.seconds or seconds)
    return ExcerptSpan(span.start, length, span.note) if length > 0 else None


def has_section(rule: Excerpt, lyrics: Lyrics) -> bool:
    """Whether the lyrics have the part that the rule asks for."""
    return rule.rule != "section" or lyrics.tags.count(rule.tag) >= rule.occurrence


def _section(rule: Excerpt, seconds: float, lyrics: Lyrics, sections: Sequence[TimedSection]) -> ExcerptSpan | None:
    timed = [section for section in sections if section.tag == rule.tag and section.end > section.start]
    if len(timed) >= rule.occurrence:
        section = timed[rule.occurrence - 1]
        return ExcerptSpan(section.start, section.end - section.start)
    if not has_section(rule, lyrics):
        return None
    numbers = [number for number, section in enumerate(lyrics.sections) if section.tag == rule.tag]
    start, end = estimated_sections(lyrics, seconds)[numbers[rule.occurrence - 1]]
    return ExcerptSpan(start, end - start, "section estimated from the lyrics")


def estimated_sections(lyrics: Lyrics, seconds: float) -> list[tuple[float, float]]:
    """Start and end of every section of a song of this length, in seconds.

    Instrumental sections last as long as the lyrics ask; sung ones share the rest by their syllables. All is scaled to
    the real length where a song is too short for that.
    """
    instrumental_seconds = sum(section.seconds or 0.0 for section in lyrics.sections)
    sung = sum(map(_weight, lyrics.sections))
    rest = max(seconds - instrumental_seconds, _LEAST_SUNG * seconds) if sung else 0.0
    lengths = [section.seconds or rest * _weight(section) / max(sung, 1) for section in lyrics.sections]
    scale, edges = seconds / sum(lengths), [0.0]
    for length in lengths:
        edges.append(edges[-1] + length * scale)
    return list(pairwise(edges))


def _weight(section: Section) -> int:
    return sum(syllables(line) for line in section.lines)


def syllables(line: str) -> int:
    """About how many syllables a line has: a Chinese character is one, other words have one per group of vowels."""
    count = 0
    for word in _LETTERS.findall(line.casefold()):
        groups = len(_VOWELS.findall(word))
        silent = word.endswith("e") and groups > 1 and not word.endswith("le")
        count += max(1, groups - silent)
    return max(1, count)
