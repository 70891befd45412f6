"""Tempo and beats: the steady grid on which the most and the longest notes of a vocal begin."""

from dataclasses import dataclass

import numpy as np

from systems.rulebased_band.features import FRAMES, Array
from systems.rulebased_band.notes import SungNotes

SLOWEST, FASTEST = 48.0, 190.0
"""Beats per minute that are looked for."""

_STEP_TURNS = 0.1
"""Of the tempi that are tried, as what sixteenths at the fastest tempo move by at the vocal's end."""
_PADDING = 16
_STRAIGHT = {0.5: 0.2, 1: 1.0, 2: 1.0, 3: 0.3, 4: 0.5}
_SWUNG = {0.5: 0.2, 1: 1.0, 2: 0.3, 3: 1.0}
"""How much it counts that notes begin on every second beat, on beats, eighths, triplets and sixteenths."""
_LEAST_SWING = 0.58
"""From which share of a beat on a first eighth is nearer to two triplets than to half of it."""
_PRIOR = 10.0
"""What an octave away from the usual tempo costs."""
_HARMONICS, _SECOND_EIGHTH = 4, 0.6
_MOST_STRENGTH = 8.0
_LENGTHS = (0.1, 1.0)
"""Seconds between which a longer note counts for more."""
_LEAST_ONSETS = 4
_LEAST_BEATS = 4
_LATE_SECONDS = 0.009
"""How much earlier than the vowel the onset curve has its peak."""


@dataclass(frozen=True)
class BeatGrid:
    """Beats at a steady tempo.

    Attributes:
        bpm: beats per minute.
        first: seconds from the vocal's start to beat 0.
        clarity: how much better notes lie on the grid than by chance would, about 1 for chance.
    """

    bpm: float
    first: float
    clarity: float

    @property
    def beat_seconds(self) -> float:
        """Length of a beat."""
        return 60.0 / self.bpm

    def position(self, seconds: float | Array) -> float | Array:
        """Seconds of the vocal as beats after the first one."""
        return (seconds - self.first) / self.beat_seconds

    def seconds(self, beat: float) -> float:
        """When a beat after the first one is, in seconds of the vocal."""
        return self.first + beat * self.beat_seconds

    def later(self, beats: float) -> "BeatGrid":
        """The same beats counted from a beat that much later on."""
        return BeatGrid(self.bpm, self.seconds(beats), self.clarity)

    @classmethod
    def through(cls, seconds: float, bpm: float, clarity: float) -> "BeatGrid":
        """The grid with a beat at a time; beat 0, to the millisecond, lies at the vocal's start or before it."""
        beat = 60.0 / bpm
        first = round(seconds % beat, 3)
        return cls(bpm, first - beat if first > 0 else 0.0, clarity)


def find_beats(transcript: SungNotes, seconds: float, usual: float, swing: float = 0.5) -> BeatGrid | None:
    """Finds tempo and beats.

    Every tempo from `SLOWEST` to `FASTEST` is scored by how strongly the onsets, weighted by strength and length of
    their notes, repeat at the tempo and its multiples (the Fourier tempogram of Grosche and Müller, 2011, over the
    whole vocal at once), less the distance from the usual tempo, which settles which multiple is the beat.

    Args:
        transcript: onsets and notes.
        seconds: length of the vocal.
        usual: tempo to be preferred among its multiples, beats per minute.
        swing: share of a beat that its first eighth takes.

    Returns:
        The grid; None where there are too few onsets to tell.
    """
    if len(transcript.onsets) < _LEAST_ONSETS or np.ptp(transcript.onsets[:, 0]) < _LEAST_BEATS * 60 / FASTEST:
        return None
    weights = _weights(transcript)
    curve = _impulses(transcript.onsets[:, 0], weights, seconds)
    size = 1 << int(np.ceil(np.log2(len(curve) * _PADDING)))
    spectrum = np.abs(np.fft.rfft(curve - curve.mean(), size))
    step = _STEP_TURNS / (4 * FASTEST / 60 * seconds)
    tempi = np.exp(np.arange(np.log(SLOWEST), np.log(FASTEST), step))
    bins = tempi / 60.0 * size / FRAMES
    support = np.zeros(len(tempi))
    levels = _SWUNG if swing >= _LEAST_SWING else _STRAIGHT
    for multiple, weight in levels.items():
        support += weight * np.interp(bins * multiple, np.arange(len(spectrum)), spectrum)
    scores = support - _PRIOR * np.log2(tempi / usual) ** 2
    # Rounded, so that processors whose last digits differ find the same.
    bpm = round(float(tempi[int(scores.argmax())]), 3)
    clarity = float(support[int(scores.argmax())] / max(1e-9, float(np.median(support))))
    return BeatGrid.through(_beat_seconds(transcript.onsets[:, 0], weights, bpm, swing), bpm, round(clarity, 2))


def _weights(transcript: SungNotes) -> Array:
    """Of each onset, squares adding up to one, (n,)."""
    lengths = {note.start: note.seconds for note in transcript.notes}
    durations = np.array([lengths.get(float(start), _LENGTHS[0]) for start in transcript.onsets[:, 0]])
    weights = np.minimum(transcript.onsets[:, 1], _MOST_STRENGTH) * np.sqrt(np.clip(durations, *_LENGTHS))
    return np.asarray(weights / np.sqrt(np.sum(weights**2)))


def _impulses(times: Array, weights: Array, seconds: float) -> Array:
    """Onsets as a curve at `FRAMES` per second; what falls between two frames is shared by them."""
    curve = np.zeros(int(seconds * FRAMES) + 3)
    frames = np.floor(times * FRAMES).astype(np.int64)
    part = times * FRAMES - frames
    np.add.at(curve, frames, weights * (1 - part))
    np.add.at(curve, frames + 1, weights * part)
    return curve


def _beat_seconds(times: Array, weights: Array, bpm: float, swing: float) -> float:
    """The time of some beat: where onsets agree best with notes on the beat and weaker ones on its second eighth."""
    turns = times * bpm / 60.0
    steps = np.arange(0, 1, 0.0025)
    support = np.zeros(len(steps))
    for multiple in range(1, _HARMONICS + 1):
        onsets = complex(np.sum(weights * np.exp(2j * np.pi * multiple * turns)))
        pattern = 1.0 + _SECOND_EIGHTH * np.exp(2j * np.pi * multiple * swing)
        support += np.real(onsets * np.conj(pattern * np.exp(2j * np.pi * multiple * steps))) / multiple
    return float(steps[int(support.argmax())]) * 60.0 / bpm + _LATE_SECONDS
