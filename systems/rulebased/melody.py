"""The tune: one contour per phrase of a section kind, bent to the chords and filled with the syllables."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from systems.rulebased.harmony import Harmony
from systems.rulebased.plan import PlacedSection
from systems.rulebased.rhythm import Onset, strength
from systems.rulebased.theory import nearest_pitch

RANGES = {"female": (57, 72), "male": (43, 62)}
"""Lowest and highest MIDI pitch of each singer: kept modest, as high notes cost words."""

_CENTRES = {
    "female": {"verse": 61.0, "bridge": 63.0, "chorus": 65.5},
    "male": {"verse": 49.0, "bridge": 51.0, "chorus": 53.5},
}
_PHRASE_FORMS = {"verse": (0, 1, 0, 2), "chorus": (0, 1, 0, 3), "bridge": (0, 1, 2, 1)}
_CONTOURS = (
    (-1.0, 1.5, 3.0, 1.0, -1.0),
    (2.0, 3.0, 1.0, 0.0, -2.0),
    (-2.0, 0.0, 1.0, 3.0, 2.0),
    (1.0, -1.5, 0.5, 3.0, 0.0),
    (3.0, 1.0, 2.0, -1.0, -2.0),
    (0.0, 3.0, 0.0, 3.0, 0.5),
)
_CLASH_COST, _PASSING_BEATS = 9.0, 0.3
"""Semitones that a beat of rubbing against a chord tone is worth, and how much of it goes unnoticed."""
_REPETITION_COST = 1.2
"""Semitones that a repeated pitch is worth."""


@dataclass(frozen=True)
class MelodyNote:
    """A note of a tune, in beats of the song.

    Attributes:
        pitch: MIDI number.
        start: its first beat.
        end: where it ends.
        velocity: how loud, 1-127.
    """

    pitch: int
    start: float
    end: float
    velocity: int = 90


def set_melody(
    section: PlacedSection, rhythms: Sequence[Sequence[Onset]], harmony: Harmony, singer: str, seed: int, closing: bool
) -> tuple[tuple[MelodyNote, ...], ...]:
    """Gives each onset of a section a pitch.

    Args:
        section: where it is; equal tags get equal contours.
        rhythms: onsets per line.
        harmony: the chords under it.
        singer: whose range is used.
        seed: seed of the song.
        closing: whether the last note should rest on the tonic.

    Returns:
        Notes per line; strong beats and long notes are chord tones, all others lie in the scale and avoid what is a
        half step from a tone of the chord, the longer the more.
    """
    form = section.rules.tune
    phrases = []
    previous: int | None = None
    for index, onsets in enumerate(rhythms):
        phrase = _Phrase(form, _PHRASE_FORMS[form][index % 4], section.start, harmony, singer, seed)
        final = index == len(rhythms) - 1
        notes = phrase.sing(onsets, previous, rest=final, tonic=final and closing)
        previous = notes[-1].pitch if notes else previous
        phrases.append(notes)
    return tuple(phrases)


class _Phrase:
    """A contour of a section kind; the same (kind, shape, seed) gives the same contour."""

    def __init__(self, form: str, shape: int, bar_line: int, harmony: Harmony, singer: str, seed: int) -> None:
        rng = np.random.default_rng([seed, 31, sum(form.encode()), shape])
        self.harmony, self.bar_line = harmony, bar_line
        self.low, self.high = RANGES[singer]
        self.centre = _CENTRES[singer][form]
        self.contour = np.array(_CONTOURS[int(rng.integers(len(_CONTOURS)))]) * rng.uniform(0.8, 1.25)
        self.ornaments = rng.uniform(-1.6, 1.6, 64)

    def sing(self, onsets: Sequence[Onset], previous: int | None, rest: bool, tonic: bool) -> tuple[MelodyNote, ...]:
        first, last = onsets[0].start, onsets[-1].start
        notes: list[MelodyNote] = []
        for index, onset in enumerate(onsets):
            at = (onset.start - first) / max(1e-6, last - first)
            target = self.centre + float(np.interp(at, np.linspace(0, 1, len(self.contour)), self.contour))
            target += float(self.ornaments[round(2 * (onset.start - float(np.floor(first)))) % 64])
            final = index == len(onsets) - 1
            last_pitch = notes[-1].pitch if notes else previous
            pitch = self._pitch(target, onset, last_pitch, final and rest, final and tonic)
            notes.append(MelodyNote(self._near(pitch, last_pitch), onset.start, onset.end))
        return tuple(notes)

    def _pitch(self, target: float, onset: Onset, previous: int | None, rest: bool, tonic: bool) -> int:
        scale = self.harmony.scale
        chord = tuple(c for c in self.harmony.chord_at(onset.start).pitch_classes if c in scale)
        clashes = self._clashes(onset)
        if tonic and not clashes.get(self.harmony.key.tonic):
            return nearest_pitch(target, (self.harmony.key.tonic,), self.low, self.high)
        stable = rest or tonic or strength(onset.start - self.bar_line) >= 2 or onset.end - onset.start >= 1.0
        candidates = [p for p in range(self.low, self.high + 1) if p % 12 in (chord if stable and chord else scale)]

        def cost(pitch: int) -> float:
            return abs(pitch - target) + clashes.get(pitch % 12, 0.0) + _REPETITION_COST * (pitch == previous)

        return min(candidates, key=lambda pitch: (cost(pitch), pitch))

    def _clashes(self, onset: Onset) -> dict[int, float]:
        """What each pitch class that is a half step from a chord tone costs, in semitones away from the target."""
        costs: dict[int, float] = {}
        for chord, beats in self.harmony.sounding(onset.start, onset.end):
            for pitch_class in {(tone + step) % 12 for tone in chord.pitch_classes for step in (-1, 1)}:
                costs[pitch_class] = costs.get(pitch_class, 0.0) + _CLASH_COST * max(0.0, beats - _PASSING_BEATS)
        return costs

    def _near(self, pitch: int, previous: int | None) -> int:
        """Leaps beyond a sixth fold back by an octave where the range allows it."""
        if previous is None or abs(pitch - previous) <= 9:
            return pitch
        folded = pitch - 12 if pitch > previous else pitch + 12
        return folded if self.low <= folded <= self.high else pitch
