"""Vocals whose notes are known: a voice of harmonics under a gliding envelope, sung without words."""

import numpy as np

from songbench.domain.audio import Audio

RATE = 16_000

VERSE = (
    "0:60 1:64 2:67 3:64 4:57 5:60 6:64 7:60 8:65 9:69 10:65 11:60 12:67 13:62 13.5:64 14:59 "
    "16:64 16.5:62 17:60 18:64 19:67 20:64 20.5:62 21:60 22:57 23:60 24:60 25:65 26:69 27:65 28:62 29:67 30:59 31:62 "
    "32:60 33:64 34:67 35:64 36:57 37:60 38:64 39:60 40:65 41:69 42:65 43:60 44:67 45:62 46:59 47:62 48:60"
)
"""A tune over C Am F G as ``beat:pitch``, ending on C."""


def sing(tune: str, bpm: float, *, transpose: float = 0.0, lead: float = 0.0, rate: int = RATE) -> Audio:
    """Sings a tune.

    Args:
        tune: ``beat:pitch`` each, in order.
        bpm: beats per minute.
        transpose: semitones, also parts of one.
        lead: seconds of silence before beat 0; negative: what is cut off.
        rate: samples per second.
    """
    notes = [tuple(map(float, note.split(":"))) for note in tune.split()]
    starts = [beat * 60 / bpm for beat, _ in notes]
    ends = [*starts[1:], starts[-1] + 120 / bpm]
    samples = np.zeros(round((ends[-1] + 0.5) * rate))
    for (_, pitch), start, end in zip(notes, starts, ends, strict=True):
        length = round((end - start) * rate)
        times = np.arange(length) / rate
        hertz = 440 * 2 ** ((pitch + transpose - 69) / 12)
        swell = np.minimum(1, times / 0.02) * np.minimum(1, np.maximum(0, times[::-1] - 0.03) / 0.03)
        tone = sum(np.sin(2 * np.pi * k * hertz * times) / k for k in range(1, 9))
        first = round(start * rate)
        samples[first : first + length] += 0.2 * swell * tone
    shift = round(abs(lead) * rate)
    samples = np.concatenate([np.zeros(shift), samples]) if lead > 0 else samples[shift:]
    return Audio(samples[None].astype(np.float32), rate)
