"""How a chord is played for one bar: comping figures, arpeggios and bass lines. The figures are in figures.yaml."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import numpy as np
from pydantic import Field

from songbench.domain.checking import Number, Schema, Whole
from songbench.domain.tables import read_table
from systems.rulebased.harmony import PlacedChord
from systems.rulebased.score import Tone
from systems.rulebased.theory import Chord

_STEP = 0.25
"""Beats per pattern character."""


class Block(Schema):
    """Chords struck as a whole.

    Attributes:
        pattern: a character per sixteenth: ``x`` hit, ``o`` soft hit, ``.`` nothing.
        gate: beats that a tone lasts; 0: until the chord ends.
        strum: beats between the tones of a chord, from the lowest up.
        intervals: semitones above a low root that are played instead of the voicing.
    """

    pattern: Annotated[str, Field(pattern="^[xo.]{1,16}$")]
    gate: Number
    strum: Number = 0.0
    intervals: tuple[Whole, ...] = ()


class Arpeggio(Schema):
    """Chords played tone by tone.

    Attributes:
        step: beats from tone to tone.
        order: which tone of the voicing, from the lowest up; after the last one it begins anew.
        gate: beats that a tone lasts.
    """

    step: Number
    order: tuple[Whole, ...]
    gate: Number


class BassFigure(Schema):
    """What the bass plays under a chord.

    Attributes:
        pattern: a character per sixteenth: ``r`` root, ``5`` fifth, ``8`` octave, ``.`` nothing.
        gate: beats that a tone lasts; 0: until the chord ends.
    """

    pattern: Annotated[str, Field(pattern="^[r58.]{1,16}$")]
    gate: Number


class _Figures(Schema):
    blocks: dict[str, Block]
    arpeggios: dict[str, Arpeggio]
    bass: dict[str, BassFigure]


_FIGURES = read_table("systems.rulebased", "figures.yaml", _Figures)
COMPING = (*_FIGURES.blocks, *_FIGURES.arpeggios)
"""The names of figures for chords."""
BASS = (*_FIGURES.bass, "walking")
"""The names of figures for the bass."""

_BASS_LOW, _GUITAR_LOW = 29, 40
"""Lowest MIDI pitch of the bass, and of what plays intervals above a root."""


def voicing(chord: Chord, centre: int, previous: Sequence[int]) -> tuple[int, ...]:
    """The inversion of a chord that moves least from the previous voicing, around a centre pitch.

    Args:
        chord: the chord.
        centre: MIDI pitch.
        previous: pitches of the voicing before; empty at the start.
    """
    tones = len(chord.pitch_classes)
    goal = sum(previous) / len(previous) if previous else float(centre)
    candidates = []
    for inversion in range(tones):
        for octave in range(2, 8):
            stack, floor = [], 12 * octave
            for index in range(tones):
                pitch_class = chord.pitch_classes[(inversion + index) % tones]
                floor = floor + (pitch_class - floor) % 12
                stack.append(floor)
            candidates.append(tuple(stack))
    return min(candidates, key=lambda c: (abs(sum(c) / tones - goal) + 0.6 * abs(sum(c) / tones - centre), c))


def comp(figure: str, placed_chord: PlacedChord, pitches: Sequence[int], level: int) -> list[Tone]:
    """Plays a voiced chord as a named figure until the chord ends.

    Raises:
        KeyError: no such figure.
    """
    if figure in _FIGURES.arpeggios:
        return _arpeggio(_FIGURES.arpeggios[figure], placed_chord, pitches, level)
    block = _FIGURES.blocks[figure]
    low = _GUITAR_LOW + (placed_chord.chord.root - _GUITAR_LOW) % 12
    return _blocks(block, placed_chord, [low + interval for interval in block.intervals] or pitches, level)


def _blocks(block: Block, placed_chord: PlacedChord, pitches: Sequence[int], level: int) -> list[Tone]:
    tones = []
    for index, mark in enumerate(block.pattern):
        start = placed_chord.start + index * _STEP
        if mark == "." or start >= placed_chord.end:
            continue
        end = min(placed_chord.end, start + block.gate) if block.gate else placed_chord.end
        velocity = level if mark == "x" else int(level * 0.78)
        tones += [Tone(pitch, start + block.strum * rank, end, velocity) for rank, pitch in enumerate(pitches)]
    return tones


def _arpeggio(arpeggio: Arpeggio, placed_chord: PlacedChord, pitches: Sequence[int], level: int) -> list[Tone]:
    ladder = [*pitches, pitches[0] + 12] if len(pitches) < 4 else list(pitches)
    tones, index, at = [], 0, placed_chord.start
    while at < placed_chord.end - 1e-6:
        velocity = level if index % 4 == 0 else int(level * 0.85)
        pitch = ladder[arpeggio.order[index % len(arpeggio.order)]]
        tones.append(Tone(pitch, at, min(placed_chord.end, at + arpeggio.gate), velocity))
        index, at = index + 1, at + arpeggio.step
    return tones


def varied(tones: Sequence[Tone], rng: np.random.Generator) -> list[Tone]:
    """A bar as a player repeats it: now and then a soft stroke is left out, or the last one leads on.

    Args:
        tones: of one bar, in order of time.
        rng: source of the changes; advanced.
    """
    strokes: dict[int, list[Tone]] = {}
    for tone in tones:
        strokes.setdefault(math.floor(4 * tone.start + 1e-6), []).append(tone)
    choice = rng.random()
    if len(strokes) < 3 or choice < 0.55:
        return list(tones)
    places = list(strokes)
    if choice < 0.8:
        loudest = max(tone.velocity for tone in tones)
        soft = [place for place in places[1:] if all(tone.velocity < loudest for tone in strokes[place])] or places[1:]
        left_out = soft[int(rng.integers(len(soft)))]
        return [tone for place in places if place != left_out for tone in strokes[place]]
    lead_in = (places[-1] - places[-2]) / 8
    return [
        *tones,
        *(
            replace(tone, start=tone.start - lead_in, end=tone.start, velocity=int(0.8 * tone.velocity))
            for tone in strokes[places[-1]]
        ),
    ]


def bass_line(figure: str, placed_chord: PlacedChord, following: Chord, level: int) -> list[Tone]:
    """The bass under one chord.

    Args:
        figure: one of `BASS`.
        placed_chord: the chord.
        following: the next chord, which a walking bass leads to.
        level: velocity.
    """
    root = _BASS_LOW + (placed_chord.chord.root - _BASS_LOW) % 12
    if figure == "walking":
        return _walk(root, placed_chord, following, level)
    pattern, gate = _FIGURES.bass[figure].pattern, _FIGURES.bass[figure].gate
    fifth = 6 if "b5" in placed_chord.chord.quality or placed_chord.chord.quality == "dim" else 7
    pitches = {"r": root, "5": root + fifth, "8": root + 12}
    tones = []
    for index, mark in enumerate(pattern):
        start = placed_chord.start + index * _STEP
        if mark != "." and start < placed_chord.end:
            tones.append(
                Tone(pitches[mark], start, min(placed_chord.end, start + gate) if gate else placed_chord.end, level)
            )
    return tones


def _walk(root: int, placed_chord: PlacedChord, following: Chord, level: int) -> list[Tone]:
    """Root, third, fifth, then a half step below the next root."""
    goal = _BASS_LOW + (following.root - _BASS_LOW) % 12
    steps = [(pitch - placed_chord.chord.root) % 12 for pitch in placed_chord.chord.pitch_classes]
    line = [root, root + steps[1], root + steps[2], goal - 1 if goal - 1 != root + steps[2] else goal + 1]
    return [
        Tone(line[beat], placed_chord.start + beat, placed_chord.start + beat + 0.92, level)
        for beat in range(min(4, int(placed_chord.end - placed_chord.start)))
    ]
