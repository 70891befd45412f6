"""The dynamics of a voice: how loud each note of a phrase is, how it swells, and the breath before a phrase."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from systems.rulebased.espeak import RATE
from systems.rulebased.pitch import Note

_DECIBELS_PER_VELOCITY = 0.1
_SWELL_DB = 2.0
_SWELLING_NOTE = 0.45
_LAST_NOTE_DB = -3.0

BREATH_LEVEL = 10 ** (-26 / 20)
"""RMS of a breath over that of the phrase it precedes."""
_LEAST_BREATH, _LONGEST_BREATH = 0.12, 0.32
_AFTER_PHRASE, _BEFORE_PHRASE = 0.02, 0.05
_BREATH_BANDS = ((1700.0, 1.0), (3300.0, 0.7), (5600.0, 0.35))

Array = npt.NDArray[np.float64]
Float32 = npt.NDArray[np.float32]


def phrase_velocities(
    stresses: Sequence[int], starts: Sequence[float], pitches: Sequence[int], intensity: float, rng: np.random.Generator
) -> tuple[int, ...]:
    """Velocities of a phrase: an arc over it, more on stresses and high notes, a little chance.

    Args:
        stresses: of the syllables, 0-2.
        starts: beats at which the notes start, increasing.
        pitches: MIDI numbers.
        intensity: of the section, 0-1.
        rng: source of the chance; advanced.

    Returns:
        One velocity, 40-127, per note.
    """
    spread = max(1e-6, starts[-1] - starts[0])
    peak = rng.uniform(0.45, 0.7)
    middle = float(np.mean(pitches))
    velocities = []
    for stress, start, pitch in zip(stresses, starts, pitches, strict=True):
        at = (start - starts[0]) / spread
        arc = 1 - (abs(at - peak) / max(peak, 1 - peak)) ** 2
        value = 68 + 26 * intensity + 12 * arc + 4 * stress + 0.8 * (pitch - middle) + rng.normal(0, 2)
        velocities.append(int(np.clip(round(value), 40, 127)))
    return tuple(velocities)


def gain_curve(notes: Sequence[Note], times: Array) -> Array:
    """The gain of a phrase.

    Args:
        notes: in time order.
        times: song seconds, evenly spaced, (n,).

    Returns:
        Factors, (n,), about 1: steps from note to note are rounded off, long notes swell and the last one dies away.
    """
    neutral = float(np.mean([note.velocity for note in notes]))
    points, decibels = [], []
    for note in notes:
        level = _DECIBELS_PER_VELOCITY * (note.velocity - neutral)
        last = note is notes[-1]
        swell = _SWELL_DB if note.seconds >= _SWELLING_NOTE else 0.0
        points += [note.start + 0.02, note.start + 0.45 * note.seconds, max(note.start + 0.03, note.end - 0.03)]
        decibels += [level - 0.5 * swell, level + 0.5 * swell, level + (_LAST_NOTE_DB if last else -0.5 * swell)]
    return np.asarray(10 ** (np.interp(times, points, decibels) / 20))


def breath(gap_start: float, gap_end: float, level: float, rng: np.random.Generator) -> tuple[float, Float32] | None:
    """The sound of breathing in between two phrases.

    Args:
        gap_start: where the phrase before ends, in seconds.
        gap_end: where the next phrase begins, its consonants included.
        level: RMS of that phrase.
        rng: source of the noise; advanced.

    Returns:
        Where it starts, in seconds, and its samples (n,) at `espeak.RATE`; None where there is no time to breathe.
    """
    from scipy.signal import sosfilt

    room = gap_end - _BEFORE_PHRASE - (gap_start + _AFTER_PHRASE)
    if room < _LEAST_BREATH:
        return None
    seconds = min(room, _LONGEST_BREATH) * float(rng.uniform(0.85, 1.0))
    count = int(seconds * RATE)
    noise = rng.standard_normal(count)
    sound = np.zeros(count)
    for hertz, weight in _BREATH_BANDS:
        sound += weight * sosfilt(_resonance(hertz), noise)
    rise = np.linspace(0, 1, count, endpoint=False)
    envelope = np.sin(np.pi * rise**1.6) ** 1.3
    sound *= envelope
    sound *= level * BREATH_LEVEL / max(1e-9, float(np.sqrt(np.mean(sound**2))))
    return gap_end - _BEFORE_PHRASE - seconds, sound.astype(np.float32)


def _resonance(hertz: float) -> Array:
    """A two-pole resonator at `hertz` with a bandwidth of half of it, as second-order section."""
    radius = np.exp(-np.pi * 0.5 * hertz / RATE)
    return np.array([[1 - radius, 0.0, -(1 - radius), 1.0, -2 * radius * np.cos(2 * np.pi * hertz / RATE), radius**2]])
