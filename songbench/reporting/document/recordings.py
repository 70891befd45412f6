"""What a report shows of the sound and the words of a song: its waveform, its sections, its lyrics as recognised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from songbench.domain.alignment import AlignedWord
from songbench.domain.song import TimedSection


@dataclass(frozen=True)
class SectionStrip:
    """The sections of a song in a row.

    Attributes:
        title: whose, e.g. ``asked``.
        sections: in order.
        free: their lengths are not known; only their order says something.
    """

    title: str
    sections: tuple[TimedSection, ...]
    free: bool = False


@dataclass(frozen=True, kw_only=True)
class Waveform:
    """The outline of a waveform, in stretches of equal length; 255 is full scale.

    Attributes:
        peaks: the greatest sample of each stretch.
        levels: the root mean square of each.
    """

    peaks: tuple[int, ...]
    levels: tuple[int, ...]


class SheetWord(NamedTuple):
    """A word of a lyric sheet.

    Attributes:
        word: of the lyrics, with what was recognised in its place, or a word that nobody asked for.
        start: when it is sung, in seconds; None where that is not known.
    """

    word: AlignedWord
    start: float | None = None


@dataclass(frozen=True)
class SheetLine:
    """A line of a lyric sheet.

    Attributes:
        text: as it was asked for.
        words: its words; empty where they were not compared.
    """

    text: str
    words: tuple[SheetWord, ...] = ()


@dataclass(frozen=True)
class SheetSection:
    """A section of a lyric sheet; without words it has no lines."""

    tag: str
    lines: tuple[SheetLine, ...] = ()


@dataclass(frozen=True)
class LyricSheet:
    """Lyrics, with the words that a recogniser heard otherwise marked, where that was compared.

    Attributes:
        sections: in order.
        language: a BCP 47 code; "" where there is no single one.
    """

    sections: tuple[SheetSection, ...]
    language: str = ""
