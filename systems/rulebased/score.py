"""The written music: tones in tracks, in beats."""

import math
from dataclasses import dataclass

STEMS = ("vocals", "drums", "bass", "other")
"""Stems in the order in which they are summed."""

DRUM_BANK = 128


@dataclass(frozen=True)
class Tone:
    """A played note.

    Attributes:
        pitch: MIDI number (of a drum: its key).
        start: beats from the song's start.
        end: beats.
        velocity: 1-127.
    """

    pitch: int
    start: float
    end: float
    velocity: int


@dataclass(frozen=True, kw_only=True)
class InstrumentTrack:
    """What one instrument plays.

    Attributes:
        name: for the score.
        stem: one of `STEMS`.
        program: General MIDI program, or drum kit preset, 0-127.
        bank: 0, or `DRUM_BANK` for drums.
        pan: -1 left to 1 right.
        tones: in any order.
        cents: how far it is out of tune.
    """

    name: str
    stem: str
    program: int
    bank: int
    pan: float
    tones: tuple[Tone, ...]
    cents: float = 0.0


def swung(beat: float, share: float) -> float:
    """A straight position as it is played when the first eighth of a beat takes `share` of it (0.5: unchanged)."""
    start = math.floor(beat)
    part = beat - start
    return start + (part * 2 * share if part <= 0.5 else share + (part - 0.5) * 2 * (1 - share))
