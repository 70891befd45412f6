"""All-In-One's input: spectrograms of four stems, with the conventions of the library it was trained with (madmom).

A stem passes through a 16-bit file on its way from Demucs to All-In-One. That rounding is repeated here, as it decides
what quiet passages look like: a stem that exceeds full scale is turned down as a whole, samples are cut to whole
numbers, and so is the mean of the two channels. Then: Hann windows of 2048 samples centred every 10 ms, magnitudes of
the lower 1024 frequencies, 81 triangular bands, 12 to an octave from 30 Hz to 17 kHz, each of area 1, log10(1 + x).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

RATE = 44_100
HOP = 441
BANDS = 81

_WINDOW = 2048
_FULL = 32_767
_PER_OCTAVE, _LOWEST, _HIGHEST, _TUNING = 12, 30.0, 17_000.0, 440.0
_FRAMES_AT_ONCE = 2000

Array = npt.NDArray[np.float32]


def spectrogram(stem: Array) -> Array:
    """One stem as All-In-One sees it.

    Args:
        stem: samples at 44.1 kHz, shape (channels, n), n > 0.

    Returns:
        Shape (ceil(n / 441), 81).
    """
    mono = as_read_from_file(stem)
    frames = -(-mono.size // HOP)
    padded = np.pad(mono, (_WINDOW // 2, _WINDOW))
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::HOP][:frames]
    hann, bands = np.hanning(_WINDOW) / _FULL, filters()
    spectrogram_db = np.empty((frames, BANDS), np.float32)
    for start in range(0, frames, _FRAMES_AT_ONCE):
        part = slice(start, start + _FRAMES_AT_ONCE)
        spectra = np.fft.rfft(windows[part] * hann)[:, : _WINDOW // 2].astype(np.complex64)
        spectrogram_db[part] = np.log10(np.abs(spectra) @ bands + 1)
    return spectrogram_db


def as_read_from_file(stem: Array) -> npt.NDArray[np.int16]:
    """A stem as it is read back, in mono, from the 16-bit file that Demucs writes.

    Args:
        stem: shape (channels, n), full scale ±1.

    Returns:
        Shape (n,).
    """
    loudest = max(np.float32(1.01) * np.abs(stem).max(), np.float32(1))
    stored_samples = (np.clip(stem / loudest, -1, 1) * np.float32(_FULL)).astype(np.int16)
    return np.asarray(stored_samples.mean(axis=0), dtype=np.int16)


@lru_cache(maxsize=1)
def filters() -> Array:
    """The triangular bands, shape (1024, 81), columns of sum 1.

    Corners are the frequencies of a tempered scale around 440 Hz, each moved to the nearest Fourier frequency; where
    two of them fall on the same one, below 500 Hz, they count once.
    """
    low, high = (np.log2(limit / _TUNING) * _PER_OCTAVE for limit in (_LOWEST, _HIGHEST))
    scale = _TUNING * 2.0 ** (np.arange(np.ceil(low), np.floor(high) + 1) / _PER_OCTAVE)
    corners = np.unique(np.floor(scale * _WINDOW / RATE + 0.5).astype(int))
    bands = np.zeros((_WINDOW // 2, corners.size - 2), np.float32)
    for band, (start, centre, stop) in enumerate(zip(corners, corners[1:], corners[2:], strict=False)):
        triangle = np.concatenate(
            [np.linspace(0, 1, centre - start, endpoint=False), np.linspace(1, 0, stop - centre, endpoint=False)]
        )
        bands[start:stop, band] = triangle / triangle.sum()
    return bands
