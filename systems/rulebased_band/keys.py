"""The key of what was sung, by how long each pitch class sounds."""

from collections.abc import Sequence

import numpy as np

from systems.rulebased.theory import Key
from systems.rulebased_band.features import Array
from systems.rulebased_band.notes import SungNote

_PROFILES = {
    "major": (5.0, 2.0, 3.5, 2.0, 4.5, 4.0, 2.0, 4.5, 2.0, 3.5, 1.5, 4.0),
    "minor": (5.0, 2.0, 3.5, 4.5, 2.0, 4.0, 2.0, 4.5, 3.5, 2.0, 1.5, 4.0),
}
"""How well each step above the tonic fits: D. Temperley, "What's key for key?", Music Perception 17 (1999)."""
_NATURAL_SEVENTH = {"major": 1.5, "minor": 3.5}
"""Of the step below the tonic by a whole tone: songs in minor seldom raise it, other than the music of the profiles."""
_LONGEST_SECONDS = 2.0
_REST_SECONDS = 2.0
"""Silence after which a tune has come to rest."""


def pitch_class_durations(notes: Sequence[SungNote]) -> Array:
    """Seconds that each pitch class is sung, C first, (12,); between two semitones shared by both."""
    durations = np.zeros(12)
    for note in notes:
        low = int(np.floor(note.pitch))
        part = note.pitch - low
        seconds = min(note.seconds, _LONGEST_SECONDS)
        durations[low % 12] += (1 - part) * seconds
        durations[(low + 1) % 12] += part * seconds
    return durations


def rank_keys(notes: Sequence[SungNote]) -> list[tuple[Key, float]]:
    """All keys with their correlation with the notes, -1 to 1, best first (Krumhansl's method, 1990)."""
    durations = pitch_class_durations(notes)
    if durations.std() < 1e-9:
        return []
    keys = []
    for mode, steps in _PROFILES.items():
        profile = np.array(steps)
        profile[10] = _NATURAL_SEVENTH[mode]
        for tonic in range(12):
            fit = float(np.corrcoef(np.roll(profile, tonic), durations)[0, 1])
            keys.append((Key(tonic, mode), round(fit, 6)))
    return sorted(keys, key=lambda entry: -entry[1])


def resting_share(notes: Sequence[SungNote], key: Key) -> float:
    """Share of the notes before long pauses, and of the last one, that are the tonic of a key, 0 to 1."""
    following = [note.start for note in notes[1:]] + [np.inf]
    rests = [note for note, start in zip(notes, following, strict=True) if start - note.end > _REST_SECONDS]
    return sum(round(note.pitch) % 12 == key.tonic for note in rests) / len(rests)
