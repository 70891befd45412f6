"""The sung notes: where syllables begin, how long they are held and on what pitch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from systems.rulebased_band.features import FRAMES, Array, VocalFeatures

_LEAST_GAP_SECONDS = 0.1
_ONSET_HEIGHT = 3.5
"""Least height of an onset, over the mean of the curve."""
_STEP_SECONDS, _MOST_SEMITONES = 0.04, 2.0
_STEP_WEIGHT = 2.0
_LEAST_VOICED_SECONDS = 0.07
_ATTACK_SECONDS = 0.06
"""The beginning of a note, where a voice glides into it."""


@dataclass(frozen=True, kw_only=True)
class SungNote:
    """A note as it was heard.

    Attributes:
        pitch: MIDI number as a fraction, in the tuning of the band.
        start: seconds.
        end: seconds.
        strength: of its onset, over the mean of the curve.
    """

    pitch: float
    start: float
    end: float
    strength: float

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end - self.start


@dataclass(frozen=True)
class SungNotes:
    """What was sung.

    Attributes:
        notes: in time order; where the voice has no pitch there is none.
        onsets: seconds and strength of every beginning, with or without a pitch, (n, 2).
        cents: how far the singer's tuning is above 440 Hz, -50 to 50; taken off the notes.
    """

    notes: tuple[SungNote, ...]
    onsets: Array
    cents: float


def transcribe(features: VocalFeatures) -> SungNotes:
    """Cuts a vocal into notes: at peaks of the onset curve and where the pitch moves to another."""
    onsets = _onsets(features)
    notes = tuple(_notes(features, onsets))
    cents = _tuning(notes)
    return SungNotes(
        tuple(SungNote(pitch=n.pitch - cents / 100, start=n.start, end=n.end, strength=n.strength) for n in notes),
        onsets,
        cents,
    )


def _onsets(features: VocalFeatures) -> Array:
    from scipy.signal import find_peaks

    curve = features.onsets + _STEP_WEIGHT * _pitch_steps(features.pitch)
    peaks, _ = find_peaks(curve, height=_ONSET_HEIGHT, distance=round(_LEAST_GAP_SECONDS * FRAMES))
    return np.stack([_refined(curve, peaks) / FRAMES, curve[peaks]], axis=1)


def _pitch_steps(pitch: Array) -> Array:
    """How far the pitch moves within 80 ms around each frame, in semitones, two at most, (n,); 0 beside gaps."""
    reach = round(_STEP_SECONDS * FRAMES)
    if len(pitch) <= 2 * reach:
        return np.zeros(len(pitch))
    steps = np.nan_to_num(np.abs(pitch[2 * reach :] - pitch[: -2 * reach]))
    return np.asarray(np.pad(np.minimum(steps, _MOST_SEMITONES), reach))


def _refined(curve: Array, peaks: np.ndarray) -> Array:
    """Peaks of a curve between its frames, by a parabola through three points."""
    before, at, after = curve[peaks - 1], curve[peaks], curve[peaks + 1]
    bend = before - 2 * at + after
    shift: Array = np.where(bend < 0, 0.5 * (before - after) / np.where(bend < 0, bend, 1.0), 0.0)
    return peaks + shift


def _notes(features: VocalFeatures, onsets: Array) -> Sequence[SungNote]:
    notes = []
    edges = [*onsets[:, 0], features.seconds]
    for index, (start, strength) in enumerate(onsets):
        first, last = round(start * FRAMES), round(edges[index + 1] * FRAMES)
        pitch = features.pitch[first:last]
        voiced = np.flatnonzero(~np.isnan(pitch))
        if len(voiced) < _LEAST_VOICED_SECONDS * FRAMES:
            continue
        steady = pitch[voiced[voiced >= _ATTACK_SECONDS * FRAMES]]
        middle = float(np.median(steady if len(steady) >= 3 else pitch[voiced]))
        end = start + (voiced[-1] + 1) / FRAMES
        notes.append(SungNote(pitch=middle, start=float(start), end=float(end), strength=float(strength)))
    return notes


def _tuning(notes: Sequence[SungNote]) -> float:
    """Cents by which the notes lie above the nearest semitones of 440 Hz: their circular mean, weighted by length."""
    if not notes:
        return 0.0
    turns = np.exp(2j * np.pi * np.array([note.pitch for note in notes]))
    mean = complex(turns @ np.array([note.seconds for note in notes]))
    return float(round(100 * np.angle(mean) / (2 * np.pi)))
