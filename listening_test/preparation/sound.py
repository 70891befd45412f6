"""Arithmetic on sound: float32 of shape (2, n), full scale ±1, unless said otherwise."""

from __future__ import annotations

import io
import math
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Sound: TypeAlias = npt.NDArray[np.float32]

SILENCE = 1e-4
"""What counts as digital silence: -80 dBFS, so that the noise of a lossy decoder does too."""
EDGE_SECONDS = 0.1
"""Digital silence before and after every stimulus."""
FADE_SECONDS = 0.02
SHORTEST_SECONDS = 0.4
"""One block of BS.1770's measurement; what is shorter has no loudness."""
SLICES = 200
_BLOCK_SECONDS = 10
_OVERLAP = 256


def two_channels(samples: npt.NDArray[np.float32]) -> Sound:
    """One channel is doubled, of more than two the first two are kept."""
    return np.repeat(samples, 2, axis=0) if samples.shape[0] == 1 else samples[:2]


def sounding(sound: Sound) -> tuple[int, int]:
    """First sample that is not digital silence, and one past the last; (0, n) when all is silent."""
    loud = np.flatnonzero(np.abs(sound).max(axis=0, initial=0.0) > SILENCE)
    return (int(loud[0]), int(loud[-1]) + 1) if loud.size else (0, sound.shape[1])


def faded(sound: Sound, rate: int, seconds: float = FADE_SECONDS) -> Sound:
    """Raised-cosine ramps at both ends, at most half of the sound each."""
    count = min(round(seconds * rate), sound.shape[1] // 2)
    ramp = (0.5 - 0.5 * np.cos(np.pi * (np.arange(count) + 0.5) / max(1, count))).astype(np.float32)
    result = sound.copy()
    result[:, :count] *= ramp
    result[:, result.shape[1] - count :] *= ramp[::-1]
    return result


def framed(sound: Sound, rate: int) -> Sound:
    """The sound with equal ends: 20 ms fades, then 0.1 s of digital silence on either side."""
    edge = round(EDGE_SECONDS * rate)
    return np.pad(faded(sound, rate), ((0, 0), (edge, edge)))


def loudness(sound: Sound, rate: int) -> float:
    """Integrated loudness in LUFS (ITU-R BS.1770-4, gated); minus infinity where nothing passes the gate.

    Raises:
        ValueError: for less than 0.4 s.
    """
    import warnings

    import pyloudnorm

    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        warnings.simplefilter("ignore")  # of digital silence: the mean of no blocks
        value = float(pyloudnorm.Meter(rate).integrated_loudness(sound.T))
    return value if math.isfinite(value) else -math.inf


def true_peak(sound: Sound, rate: int) -> float:
    """The largest magnitude between the samples too, in dBTP: four times oversampled (ITU-R BS.1770-4, annex 2).

    Done in blocks, so that memory stays bounded. They overlap by more than the filter is long, and what rings at the
    edges of a block that are not edges of the sound is left out.
    """
    import soxr

    step, highest = _BLOCK_SECONDS * rate, 0.0
    for start in range(0, sound.shape[1], step):
        first = max(0, start - _OVERLAP)
        block = np.ascontiguousarray(sound[:, first : start + step + _OVERLAP].T)
        finer = np.abs(soxr.resample(block, rate, 4 * rate))[4 * (start - first) :][: 4 * step]
        highest = max(highest, float(finer.max(initial=0.0)), float(np.abs(block).max(initial=0.0)))
    return decibels(highest)


def decibels(amplitude: float) -> float:
    """20 log10; minus infinity for 0."""
    return 20 * math.log10(amplitude) if amplitude > 0 else -math.inf


def factor(gain_db: float) -> float:
    """What amplitudes are multiplied by."""
    return float(10 ** (gain_db / 20))


def outline(sound: Sound) -> tuple[int, ...]:
    """The largest magnitude of each of 200 equal slices, 0 to 100 relative to the loudest: the player's picture."""
    edges = np.linspace(0, sound.shape[1], SLICES + 1).astype(int)
    level = np.abs(sound).max(axis=0)
    peaks = np.array([level[a : max(b, a + 1)].max(initial=0.0) for a, b in pairwise(edges)])
    top = float(peaks.max(initial=0.0))
    return tuple(round(100 * peak / top) if top > 0 else 0 for peak in peaks)


def encoded(samples: npt.NDArray[np.int16], rate: int, kind: str) -> bytes:
    """16-bit FLAC or WAV without any tags, of int16 samples of shape (2, n)."""
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, samples.T, rate, format=kind.upper(), subtype="PCM_16")
    return buffer.getvalue()
