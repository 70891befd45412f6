"""The pitch of a singer: scoops and portamento into notes, tones of Mandarin, vibrato on long notes, a little drift."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

_PORTAMENTO_SECONDS = 0.085
_VIBRATO_HZ = (5.2, 5.9)
_VIBRATO_LENGTHS, _VIBRATO_CENTS = (0.3, 0.45, 0.6, 1.0, 2.0), (10.0, 48.0, 56.0, 64.0, 72.0)
"""Depth by the length of the note in seconds."""
_VIBRATO_RISE = 0.12
_LEAD_SECONDS = 0.06
"""How long before its start a note's pitch is on the way to it."""
_DRIFT_CENTS = 8.0
_SCOOP_SECONDS = 0.13
_SCOOP_CENTS = (40.0, 110.0)
_SCOOPED_LEAP = 4
_UNDERSHOOT = 0.4
"""Share of a scoop by which other notes begin short of their pitch, from the side they are reached from."""
_FALL_SECONDS, _FALL_CENTS = 0.12, 50.0
_FALLING_NOTE = 0.5
_TONE_SECONDS = 0.24
_TONE_POINTS = (0.0, 0.35, 0.7, 1.0)
_TONE_CENTS = {2: (-130.0, -80.0, -20.0, 0.0), 3: (-50.0, -130.0, -80.0, 0.0), 4: (120.0, 60.0, 10.0, 0.0)}
"""How a tone colours the beginning of its note: a trace of its contour in speech, as singers leave one."""

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Note:
    """A sung note.

    Attributes:
        pitch: MIDI number.
        start: seconds, where the vowel starts.
        end: seconds.
        velocity: how loud, 1-127.
        tone: of a Mandarin syllable, 1-5; 0 for others.
    """

    pitch: int
    start: float
    end: float
    velocity: int = 90
    tone: int = 0

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end - self.start


def pitch_curve(notes: Sequence[Note], times: Array, rng: np.random.Generator) -> Array:
    """Fundamental frequency of a sung phrase.

    Args:
        notes: in time order; each holds until the next begins.
        times: seconds, evenly spaced, (n,).
        rng: source of drift, scoops and the rate of the vibrato; advanced.

    Returns:
        Hz, (n,), defined everywhere (also where the voice is silent or unvoiced).
    """
    starts = np.array([note.start for note in notes])
    index = np.clip(np.searchsorted(starts, times + 0.2 * _PORTAMENTO_SECONDS, side="right") - 1, 0, None)
    semitones = np.array([note.pitch for note in notes], dtype=np.float64)[index]
    step = float(times[1] - times[0]) if len(times) > 1 else 0.005
    glide = _smooth(semitones, max(1, round(_PORTAMENTO_SECONDS / step)))
    cents = _DRIFT_CENTS * _drift(len(times), step, rng)
    hertz = float(rng.uniform(*_VIBRATO_HZ))
    for position, note in enumerate(notes):
        previous = notes[position - 1] if position else None
        end = notes[position + 1].start if position + 1 < len(notes) else np.inf
        part = slice(*np.searchsorted(times, (note.start - _LEAD_SECONDS, end)))
        age = times[part] - note.start
        cents[part] += _vibrato(note, age, hertz * float(rng.uniform(0.97, 1.03)))
        cents[part] += _approach(note, previous, age, rng)
    cents += _fall(notes[-1], times, rng)
    return 440.0 * np.exp2((glide - 69.0) / 12.0 + cents / 1200.0)


def _smooth(values: Array, width: int) -> Array:
    """Convolution with a Hann window, (n,) to (n,), ends held; not by `np.convolve`, whose sums vary by processor."""
    window = np.hanning(width + 2)[1:-1]
    padded = np.pad(values, (width // 2, width - 1 - width // 2), mode="edge")
    smooth: Array = (sliding_window_view(padded, width) * (window / window.sum())).sum(axis=1)
    return smooth


def _vibrato(note: Note, age: Array, hertz: float) -> Array:
    """Cents at times since the note's start, (n,): a sine that begins late, the deeper the longer the note."""
    depth = float(np.interp(note.seconds, _VIBRATO_LENGTHS, _VIBRATO_CENTS))
    since = age - min(max(0.22 * note.seconds, 0.08), 0.4)
    return np.asarray(depth * np.clip(since / _VIBRATO_RISE, 0, 1) * np.sin(2 * np.pi * hertz * np.maximum(since, 0)))


def _approach(note: Note, previous: Note | None, age: Array, rng: np.random.Generator) -> Array:
    """Cents at times since the note's start, (n,): its tone, or a scoop into it; most into beginnings and up leaps."""
    depth = float(rng.uniform(*_SCOOP_CENTS))
    onset = np.clip(age / _LEAD_SECONDS + 1, 0, 1)
    scooped = previous is None or note.pitch - previous.pitch >= _SCOOPED_LEAP
    if note.tone in _TONE_CENTS:
        length = min(_TONE_SECONDS, 0.6 * note.seconds)
        return np.asarray(onset * np.interp(age / length, _TONE_POINTS, _TONE_CENTS[note.tone]))
    if note.tone or note.seconds < 2 * _SCOOP_SECONDS:
        return np.zeros(len(age))
    if previous and not scooped:
        depth *= _UNDERSHOOT * float(np.sign(note.pitch - previous.pitch))
    return np.asarray(-depth * onset * np.square(np.clip(1 - age / _SCOOP_SECONDS, 0, 1)))


def _fall(last: Note, times: Array, rng: np.random.Generator) -> Array:
    """Cents, (n,): every other long last note of a phrase sinks as the breath ends."""
    if rng.random() < 0.5 or last.seconds < _FALLING_NOTE:
        return np.zeros(len(times))
    return -_FALL_CENTS * np.square(np.clip((times - last.end) / _FALL_SECONDS + 1, 0, 1.5))


def _drift(count: int, step: float, rng: np.random.Generator) -> Array:
    """Slow random wander of about unit size, (count,): noise at 4 points per second, interpolated."""
    knots = rng.standard_normal(int(count * step * 4) + 2)
    return np.asarray(np.interp(np.arange(count) * step * 4, np.arange(len(knots)), knots))
