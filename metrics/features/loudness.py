"""Plain facts of a signal: loudness, peaks, clipping, silence, width, bandwidth.

Pure functions on samples of shape (channels, n), full scale ±1. What has no value for a signal (the loudness of
silence) is None, never a made-up number.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from songbench.domain.gated_loudness import WEIGHTS, gated_loudness

Samples: TypeAlias = npt.NDArray[np.float32]

FULL_SCALE = 32767 / 32768
"""The largest value 16-bit audio can hold; at or beyond it a sample is at full scale."""

CLIP_RUN = 3
"""Neighbouring samples at full scale that count as clipping; music may touch full scale once without it."""

SILENCE_DB = -60.0
"""Below this RMS level, in dBFS, a frame is silent."""

FRAME_SECONDS = 0.05
BANDWIDTH_DB = -80.0
"""How far below the loudest band, in dB, a band still counts as filled; 16-bit noise lies further down."""

_BLOCK_SECONDS = 0.4
_FILTER_RATE, _NOMINAL_RATE = 16_000, 48_000
_PLACES = {1: [0], 2: [0, 1], 3: [0, 1, 2], 4: [0, 1, 3, 4], 5: [0, 1, 2, 3, 4], 6: [0, 1, 2, 3, 4]}
"""By the number of channels: where each stands among left, right, centre, surround left, surround right."""
_WITHOUT_LOW = [0, 1, 2, 4, 5]
_BAND_HZ = 100.0
_SPECTRUM_SIZE = 4096


def integrated_loudness(samples: Samples, rate: int) -> float | None:
    """Gated loudness of the whole, in LUFS, as ITU-R BS.1770-4 defines it (pyloudnorm 0.2).

    A 997 Hz sine at full scale is −3.01 LUFS in one channel; pyloudnorm's filters read 0.04 dB less.

    Args:
        samples: shape (channels, n), in the order of sound files: left, right, centre, low frequencies, surround left
            and right; four channels are left, right and both surrounds. Surrounds weigh 1.41, low frequencies nothing.
        rate: samples per second.

    Returns:
        LUFS, or None for audio shorter than one block of 0.4 s, below the absolute gate of −70 LUFS throughout, or in
        more than six channels, whose places are not known.
    """
    import soxr

    places = _PLACES.get(len(samples))
    if places is None or samples.shape[1] <= _BLOCK_SECONDS * rate:
        return None
    channels = samples[_WITHOUT_LOW] if len(samples) == 6 else samples
    if rate < _FILTER_RATE:  # where pyloudnorm's filters bend
        channels, rate = soxr.resample(channels.T, rate, _NOMINAL_RATE).T, _NOMINAL_RATE
    return gated_loudness(channels, rate, tuple(WEIGHTS[place] for place in places))


def true_peak(samples: Samples) -> float | None:
    """The largest amplitude between samples, in dBTP, by fourfold oversampling as in ITU-R BS.1770-4 annex 2.

    The annex allows any interpolation filter; this is scipy's polyphase Kaiser filter. Between its points the signal
    can still be up to 0.7 dB higher at the very top of the band, 0.2 dB at half of it.

    Args:
        samples: shape (channels, n).

    Returns:
        dB relative to full scale (above 0 when the analogue signal would exceed it), or None for digital silence.
    """
    from scipy.signal import resample_poly

    peak = max((float(np.abs(resample_poly(channel, 4, 1)).max()) for channel in samples if channel.size), default=0.0)
    return 20 * math.log10(peak) if peak > 0 else None


def clipped_share(samples: Samples) -> float:
    """The share of samples, 0 to 1, that lie in runs of at least `CLIP_RUN` at full scale, over all channels.

    Args:
        samples: shape (channels, n).
    """
    clipped = 0
    for channel in samples:
        full = np.abs(channel) >= FULL_SCALE
        edges = np.flatnonzero(np.diff(np.concatenate(([False], full, [False])).astype(np.int8)))
        runs = edges[1::2] - edges[::2]
        clipped += int(runs[runs >= CLIP_RUN].sum())
    return clipped / samples.size if samples.size else 0.0


def silent_share(samples: Samples, rate: int) -> float:
    """The share of 50 ms frames, 0 to 1, whose RMS over all channels is below −60 dBFS.

    Samples of shape (channels, n); an incomplete last frame counts as one.

    Raises:
        ValueError: there are no samples.
    """
    total = samples.shape[1]
    if total == 0:
        raise ValueError("silence of an empty signal")
    starts = np.arange(0, total, round(FRAME_SECONDS * rate))
    power = np.add.reduceat(np.mean(samples.astype(np.float64) ** 2, axis=0), starts)
    lengths = np.diff(np.append(starts, total))
    return float(np.mean(power / lengths < 10 ** (SILENCE_DB / 10)))


def stereo_width(samples: Samples) -> float | None:
    """Side energy over mid plus side energy, 0 to 1.

    0 is mono (also for one-channel audio and equal channels), 0.5 two unrelated channels of equal level, 1 opposite
    phase.

    Args:
        samples: shape (channels, n).

    Returns:
        The ratio for the first two channels, or None for digital silence.
    """
    left, right = (samples[0], samples[min(1, samples.shape[0] - 1)])
    mid, side = (float(np.mean(np.square(part, dtype=np.float64))) for part in (left + right, left - right))
    return side / (mid + side) if mid + side > 0 else None


def bandwidth(samples: Samples, rate: int) -> float | None:
    """How far up the spectrum is filled, in Hz: the top of the highest 100 Hz band within 80 dB of the loudest.

    From the long-term power spectrum (Hann windows of 4096 samples, half overlapped, channels averaged, above 100
    Hz). Material that was once at 16 kHz and brought up to 48 kHz reads about 8 kHz.

    Args:
        samples: shape (channels, n).
        rate: samples per second.

    Returns:
        Hz, at most half the rate; None for digital silence or fewer than 4096 samples.
    """
    from scipy.signal import welch

    if samples.shape[1] < _SPECTRUM_SIZE:
        return None
    spectra = [welch(channel, rate, "hann", _SPECTRUM_SIZE, detrend=False) for channel in samples]
    band = (spectra[0][0] // _BAND_HZ).astype(int)
    level = np.bincount(band, sum(power for _, power in spectra)) / np.maximum(np.bincount(band), 1)
    level[0] = 0  # an offset or rumble below the music must not set the scale
    if level.max() <= 0:
        return None
    filled = np.flatnonzero(level >= level.max() * 10 ** (BANDWIDTH_DB / 10))
    return float(min((filled[-1] + 1) * _BAND_HZ, rate / 2))
