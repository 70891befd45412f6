"""Bar lines and chords under a tune, by dynamic programming over the beats."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from systems.rulebased.genres import GENRE_TABLE
from systems.rulebased.plan import BAR
from systems.rulebased.theory import Chord, Key, chord_of
from systems.rulebased_band.beats import BeatGrid
from systems.rulebased_band.features import Array
from systems.rulebased_band.notes import SungNote

_DIATONIC = {"major": ("I", "ii", "iii", "IV", "V", "vi"), "minor": ("i", "III", "iv", "v", "VI", "VII")}
_ON_BEAT = 0.2
"""Beats around a beat in which a note begins on it."""
_LONG_BEATS = 1.0
_MOST_BEATS = 4.0
_STABLE = {"root": 0.1, "triad": 0.0, "seventh": -2.9, "scale": -3.2, "clash": -3.2, "foreign": -2.4}
_PASSING = {"root": 0.0, "triad": 0.0, "seventh": -0.3, "scale": -0.3, "clash": -1.4, "foreign": -0.5}
"""What a beat of a tone is worth by its place in the chord, or in the key, a half step from a tone of the chord, or in
neither: of notes that begin on a strong beat or are long, and of all others."""
_JUMP, _OTHER_GENRE, _FREE, _REPEAT = 1.5, 0.4, 8.0, 0.3
"""What it costs to begin another progression, one of another genre, a single chord, and to stay on that chord."""
_HALF_BAR = 3.0
_START = {0: 0.45, 1: 0.2, 2: -0.1, 3: -0.05}
"""What it is worth that a phrase begins in each beat of a bar, or within the half beat before it."""
_ACCENT = (0.25, -0.12, 0.12, -0.25)
"""What a note that begins on each beat of a bar is worth, over its length in beats."""
_PAUSE_BEATS = 1.0
_CADENCE_PAUSE_BEATS = 6.0
_CADENCE = 2.0


@dataclass(frozen=True)
class Bar:
    """A bar, or half of one, and its chord.

    Attributes:
        start: beats after the grid's first one.
        beats: 4, or 2; less only where the vocal ends.
        chord: what sounds in it.
    """

    start: int
    beats: int
    chord: Chord


@dataclass(frozen=True)
class ChordPath:
    """The best chords of a key: their bars, from the first beat on without gaps, and how well they fit."""

    bars: tuple[Bar, ...]
    score: float


@dataclass(frozen=True, eq=False, kw_only=True)
class _Progressions:
    """Stock progressions as states, (n,) each.

    Attributes:
        chords: of each state.
        before: the state that goes before it in its progression.
        entry: what it costs to begin with it; infinite but for the first of a progression.
        stay: what it costs to come from the state before.
    """

    chords: tuple[Chord, ...]
    before: np.ndarray
    entry: Array
    stay: Array


@lru_cache(maxsize=64)
def _progressions(key: Key, genre: str) -> _Progressions:
    """Every progression of the genres in a mode, those of one genre preferred, and single chords of the key."""
    tables = {name: table.progressions[key.mode] for name, table in GENRE_TABLE.items()}
    loops = dict.fromkeys(tables[genre], _JUMP)
    for table in tables.values():
        loops |= dict.fromkeys((loop for loop in table if loop not in loops), _JUMP + _OTHER_GENRE)
    chords: list[Chord] = []
    before: list[int] = []
    entry: list[float] = []
    stay: list[float] = []
    for loop, cost in loops.items():
        first = len(chords)
        chords += [chord_of(key, numeral) for numeral in loop]
        before += [first + (index - 1) % len(loop) for index in range(len(loop))]
        entry += [cost] + [np.inf] * (len(loop) - 1)
        stay += [0.0] * len(loop)
    for numeral in _DIATONIC[key.mode]:
        before.append(len(chords))
        chords.append(chord_of(key, numeral))
        entry.append(_FREE)
        stay.append(_REPEAT)
    return _Progressions(
        chords=tuple(chords),
        before=np.array(before),
        entry=np.array(entry),
        stay=np.array(stay),
    )


def _tone_costs(chord: Chord, key: Key, costs: dict[str, float]) -> Array:
    tones = chord.pitch_classes
    clashes = {(tone + step) % 12 for tone in tones[:3] for step in (-1, 1)}
    kinds = ["scale" if tone in key.pitch_classes else "foreign" for tone in range(12)]
    for tone in clashes:
        kinds[tone] = "clash"
    for kind, tone in zip(("root", "triad", "triad", "seventh"), tones, strict=False):
        kinds[tone] = kind
    return np.array([costs[kind] for kind in kinds])


class Tune:
    """A tune on its beats: what dynamic programming asks of it, the same for every key.

    Args:
        notes: what was sung.
        grid: tempo and beats.
        beats: how many beats to harmonise, counted from the grid's first one.
    """

    def __init__(self, notes: Sequence[SungNote], grid: BeatGrid, beats: int) -> None:
        self.beats = beats
        self.stable, self.passing = np.zeros((2, beats, 12)), np.zeros((2, beats, 12))
        """Beats that each pitch class sounds in each beat; first axis: whether even or odd beats are strong."""
        self.metre = np.zeros((beats, BAR))
        """What speaks for each beat's being each of a bar."""
        self.cadence = np.zeros(beats)
        """1 in beats on which the last note before a long pause begins."""
        positions = [(float(grid.position(n.start)), float(grid.position(n.end)), n.pitch) for n in notes]
        for index, (start, end, pitch) in enumerate(positions):
            previous = positions[index - 1][1] if index else -np.inf
            following = positions[index + 1][0] if index + 1 < len(positions) else np.inf
            self._add(start, min(end, start + _MOST_BEATS), pitch)
            beat = round(start)
            if not 0 <= beat < beats:
                continue
            if abs(start - beat) <= _ON_BEAT:
                self.metre[beat] += np.array(_ACCENT) * min(2.0, end - start)
            if start - previous >= _PAUSE_BEATS:
                first = min(beats - 1, max(0, int(np.floor(start + 0.5))))
                for place, worth in _START.items():
                    self.metre[first, place] += worth
            if following - end >= _CADENCE_PAUSE_BEATS:
                self.cadence[beat] = 1.0

    def _add(self, start: float, end: float, pitch: float) -> None:
        low = int(np.floor(pitch))
        shares = ((low % 12, 1 - (pitch - low)), ((low + 1) % 12, pitch - low))
        beat = round(start)
        on_beat = abs(start - beat) <= _ON_BEAT
        for parity in (0, 1):
            strong = end - start >= _LONG_BEATS or (on_beat and beat % 2 == parity)
            chroma = (self.stable if strong else self.passing)[parity]
            for cell in range(max(0, int(np.floor(start))), min(self.beats, int(np.ceil(end)))):
                length = min(end, cell + 1) - max(start, cell)
                for tone, share in shares:
                    chroma[cell, tone] += share * length

    def chords(self, key: Key, genre: str) -> ChordPath:
        """The best bars and chords in a key, with the progressions that a genre prefers."""
        states = _progressions(key, genre)
        stable = np.stack([_tone_costs(chord, key, _STABLE) for chord in states.chords], axis=1)
        passing = np.stack([_tone_costs(chord, key, _PASSING) for chord in states.chords], axis=1)
        fit = (self.stable[:, :, :, None] * stable).sum(axis=2) + (self.passing[:, :, :, None] * passing).sum(axis=2)
        tonic = np.array([chord.root == key.tonic for chord in states.chords])
        fit = fit + _CADENCE * (self.cadence[:, None] * tonic)
        return _best_path(states, fit, self.metre)


def _best_path(states: _Progressions, fit: Array, metre: Array) -> ChordPath:
    """Viterbi over (place in the bar, state of the progression).

    Args:
        states: the progressions.
        fit: (2, beats, states); first axis: whether even or odd beats are strong.
        metre: (beats, places).
    """
    beats, count = metre.shape[0], len(states.chords)
    score = np.full((BAR, count), -np.inf)
    score[:] = np.where(np.isfinite(states.entry), 0.0, -np.inf)
    came_short = np.zeros((beats, count), dtype=bool)
    came_from = np.zeros((beats, count), dtype=np.int64)
    places = np.arange(BAR)
    for beat in range(beats):
        if beat:
            finished = np.maximum(score[BAR - 1], score[1] - _HALF_BAR)
            short = score[1] - _HALF_BAR > score[BAR - 1]
            leader = int(finished.argmax())
            going_on = finished[states.before] - states.stay
            jumping = finished[leader] - states.entry
            jumps = jumping > going_on
            came_from[beat] = np.where(jumps, leader, states.before)
            came_short[beat] = short[came_from[beat]]
            score = np.stack([np.maximum(going_on, jumping), *score[:-1]])
        score = score + fit[(beat - places) % 2, beat] + metre[beat][:, None]
    place, state = divmod(int(score.argmax()), count)
    best = float(score[place, state])
    bars: list[Bar] = []
    end, beat = beats, beats - 1
    while beat >= 0:
        start = max(0, beat - place)
        bars.append(Bar(start, end - start, states.chords[state]))
        if start == 0:
            break
        place = 1 if came_short[start, state] else BAR - 1
        state = int(came_from[start, state])
        end, beat = start, start - 1
    return ChordPath(tuple(reversed(bars)), best)
