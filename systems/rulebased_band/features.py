"""What is measured of a vocal, 100 times a second: onset strength, fundamental frequency and level."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from songbench.domain.audio import Audio

FRAMES = 100
"""Frames per second."""

_RATE = 16_000
_HOP, _WINDOW = _RATE // FRAMES, 512
_LOWEST_HZ, _HIGHEST_HZ = 65.0, 1000.0
_ONSET_BAND_HZ = (80.0, 1200.0)
"""Where vowels have their energy: consonants, which come before the beat, lie mostly above."""
_FLUX_FRAMES = 2
_PIECE = 60 * FRAMES
"""Frames whose spectra are held at a time."""
_COMPRESSION = 1000.0
_PEAK = 0.5
_SILENT_DB, _ACTIVE_DB = -60.0, -35.0
"""What is no vocal at all, over full scale; what counts as singing, over the loudest frames."""
_LEAST_SECONDS = 0.05

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class VocalFeatures:
    """Curves of a vocal at `FRAMES` per second, each (n,).

    Attributes:
        seconds: length of the vocal.
        onsets: growth of the low spectrum, 0 or more, mean 1 where anything sounds.
        pitch: MIDI number as a fraction; NaN where there is no voice.
        level: RMS in dB over the loudest frames (their 95th percentile), -120 to about 6.
    """

    seconds: float
    onsets: Array
    pitch: Array
    level: Array

    @property
    def silent(self) -> bool:
        """Whether there is nothing to listen to."""
        return not self.active.any()

    @property
    def active(self) -> npt.NDArray[np.bool_]:
        """Where somebody sings or speaks, (n,)."""
        return np.asarray(self.level > _ACTIVE_DB)


def listen(vocal: Audio) -> VocalFeatures:
    """Measures a vocal.

    Onset strength is the spectral flux of compressed magnitudes (Bello et al., "A tutorial on onset detection in music
    signals", 2005) in the band of the vowels; not by librosa, whose sums of products vary by processor. The fundamental
    is that of WORLD's DIO and StoneMask (Morise, 2009).

    Args:
        vocal: any rate, channels and length; its level does not matter.

    Returns:
        Curves of at least one frame; silent for less than 50 ms.
    """
    samples = np.asarray(vocal.mono().at(_RATE).samples[0], dtype=np.float64)
    count = max(1, -(-len(samples) // _HOP))
    rms = _rms(samples, count)
    loud = float(np.percentile(rms, 95))
    loud = max(loud, 0.25 * float(rms.max()))
    if 20 * np.log10(loud + 1e-12) < _SILENT_DB or len(samples) < _LEAST_SECONDS * _RATE:
        zeros = np.zeros(count)
        return VocalFeatures(
            seconds=vocal.seconds, onsets=zeros, pitch=np.full(count, np.nan), level=np.full(count, -120.0)
        )
    samples = samples * (_PEAK / max(_PEAK * 1e-3, float(np.abs(samples).max())))
    level = 20 * np.log10(np.maximum(rms / loud, 1e-6))
    return VocalFeatures(
        seconds=vocal.seconds,
        onsets=_fitted(_onset_strength(samples), count),
        pitch=np.where(level > _ACTIVE_DB, _fitted(_pitch(samples), count, np.nan), np.nan),
        level=level,
    )


def _rms(samples: Array, count: int) -> Array:
    frames = np.pad(samples, (0, count * _HOP - len(samples))).reshape(count, _HOP)
    return np.asarray(np.sqrt(np.mean(frames**2, axis=1)))


def _onset_strength(samples: Array) -> Array:
    """How much the band grew over the last 20 ms, mean of the logarithms of its bins, (frames,)."""
    magnitudes = np.concatenate(list(_compressed_magnitudes(samples)), axis=1)
    growth = np.maximum(0.0, magnitudes[:, _FLUX_FRAMES:] - magnitudes[:, :-_FLUX_FRAMES]).mean(axis=0)
    curve: Array = np.pad(growth, (_FLUX_FRAMES, 0))
    return curve / max(1e-9, float(curve.mean()))


def _compressed_magnitudes(samples: Array) -> Iterator[Array]:
    """Logarithms of the band's magnitudes, (bins, frames), frame k centred at k hops, minute by minute."""
    from scipy.signal import stft

    frames = 1 - (-len(samples) // _HOP)
    padded = np.zeros((frames - 1) * _HOP + _WINDOW)
    padded[_WINDOW // 2 : _WINDOW // 2 + len(samples)] = samples
    for first in range(0, frames, _PIECE):
        last = min(first + _PIECE, frames) - 1
        part = padded[first * _HOP : last * _HOP + _WINDOW]
        hertz, _, spectrum = stft(part, _RATE, nperseg=_WINDOW, noverlap=_WINDOW - _HOP, boundary=None, padded=False)
        band = (hertz >= _ONSET_BAND_HZ[0]) & (hertz < _ONSET_BAND_HZ[1])
        yield np.log10(1.0 + _COMPRESSION * (_WINDOW / 2) * np.abs(spectrum[band]))


def _pitch(samples: Array) -> Array:
    """MIDI numbers, (frames,), NaN where nothing is periodic."""
    import pyworld

    rough, times = pyworld.dio(samples, _RATE, f0_floor=_LOWEST_HZ, f0_ceil=_HIGHEST_HZ, frame_period=1000.0 / FRAMES)
    hertz = pyworld.stonemask(samples, rough, times, _RATE)
    return np.where(hertz > 0, 69.0 + 12.0 * np.log2(np.maximum(hertz, 1.0) / 440.0), np.nan)


def _fitted(curve: Array, count: int, fill: float = 0.0) -> Array:
    """A curve cut or filled to a number of frames."""
    return np.pad(curve[:count], (0, max(0, count - len(curve))), constant_values=fill)
