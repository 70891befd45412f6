"""The chords of a song, bar by bar."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from systems.rulebased.genres import Genre
from systems.rulebased.plan import BAR, PlacedSection
from systems.rulebased.theory import Chord, Key, chord_of


@dataclass(frozen=True)
class PlacedChord:
    """A chord from one beat of the song to another."""

    chord: Chord
    start: float
    end: float


@dataclass(frozen=True)
class Harmony:
    """Key and chords, in order; silent sections have none.

    Attributes:
        key: the key.
        chords: in order.
        scale: pitch classes that a tune is made of.
    """

    key: Key
    chords: tuple[PlacedChord, ...]
    scale: tuple[int, ...]

    def chord_at(self, beat: float) -> Chord:
        """The chord sounding at a beat; before the first chord the first one."""
        index = bisect_right([placed.start for placed in self.chords], beat + 1e-6) - 1
        return self.chords[max(0, index)].chord

    def sounding(self, start: float, end: float) -> Iterator[tuple[Chord, float]]:
        """The chords between two beats, and the beats that each sounds there; before the first chord the first one."""
        index = max(0, bisect_right([placed.start for placed in self.chords], start + 1e-6) - 1)
        for chord in self.chords[index:]:
            if chord.start >= end - 1e-6 and chord is not self.chords[index]:
                return
            yield chord.chord, min(end, chord.end) - max(start, chord.start)

    def between(self, start: float, end: float) -> tuple[PlacedChord, ...]:
        """The chords that begin in [start, end)."""
        return tuple(placed for placed in self.chords if start <= placed.start < end)


def choose_key(genre: Genre, mode: str | None, rng: np.random.Generator) -> Key:
    """A key: the mode asked for or one usual in the genre, the tonic by chance among comfortable ones."""
    key_mode = mode or ("minor" if rng.random() < genre.minor_share else "major")
    tonics = (0, 2, 4, 5, 7, 9) if key_mode == "major" else (9, 11, 2, 4, 0, 7)
    return Key(int(tonics[int(rng.integers(len(tonics)))]), key_mode)


def harmonise(
    sections: Sequence[PlacedSection], genre: Genre, key: Key, seed: int, cadences: Sequence[float] = ()
) -> Harmony:
    """Chords for every section: each kind of section keeps its progression; the song ends on the tonic.

    Args:
        sections: the placed sections.
        genre: gives the progressions.
        key: the key.
        seed: chooses among the genre's progressions, once per kind of section.
        cadences: beats on which a tune comes to rest: the bars they lie in are on the tonic.
    """
    progressions = _progressions(genre, key.mode, seed)
    chords: list[PlacedChord] = []
    for section in sections:
        if not section.rules.silent:
            chords += _section_chords(section, progressions[section.rules.chords], key)
    tonic = chord_of(key, "I" if key.mode == "major" else "i")
    for beat in cadences:
        index = bisect_right([placed.start for placed in chords], beat + 1e-6) - 1
        chords[index] = replace(chords[index], chord=tonic)
        before = chords[index - 1] if index else None
        if before and before.end == chords[index].start and before.chord.root == tonic.root:
            chords[index - 1] = replace(before, chord=chord_of(key, "V" if key.mode == "major" else "VII"))
    if chords:
        chords[-1] = replace(chords[-1], chord=tonic)
    return Harmony(key, tuple(chords), key.pentatonic if genre.scale == "pentatonic" else key.pitch_classes)


def _progressions(genre: Genre, mode: str, seed: int) -> dict[str, tuple[str, ...]]:
    """The progressions of verse, chorus and bridge, all different; other sections take one of these."""
    rng = np.random.default_rng([seed, 17])
    table = genre.progressions[mode]
    order = rng.permutation(len(table))
    verse, chorus, bridge = (table[int(order[index % len(table)])] for index in range(3))
    return {"verse": verse, "chorus": chorus, "bridge": bridge}


def _section_chords(section: PlacedSection, numerals: Sequence[str], key: Key) -> list[PlacedChord]:
    chords, at, index = [], section.start, 0
    while at < section.end - 1e-6:
        end = min(at + BAR, section.end)
        chords.append(PlacedChord(chord_of(key, numerals[index % len(numerals)]), at, end))
        at, index = end, index + 1
    return chords
