"""Whisper's log-mel spectrogram, the same on every processor.

faster-whisper computes it in float32 and multiplies by the mel filters through BLAS, whose kernels sum in an order of
their own on each processor. The two spectrograms of one song then differ in the seventh digit, and Whisper base is so
undecided over singing that words change. Here it is computed in float64, the filters are a sparse matrix (one order of
summation, no BLAS), and the result is rounded to float32 once: it differs from faster-whisper's by at most 1e-6.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

_FLOOR = 1e-10
_RANGE = 8.0  # decades below the loudest value


class LogMel:
    """Takes the place of faster-whisper's feature extractor, whose sizes and filters it keeps.

    Args:
        extractor: a ``faster_whisper.feature_extractor.FeatureExtractor``.
    """

    def __init__(self, extractor: Any) -> None:
        from scipy.sparse import csr_array

        self._extractor = extractor
        self._filters = csr_array(np.asarray(extractor.mel_filters, dtype=np.float64))
        self._window = np.hanning(extractor.n_fft + 1)[:-1]

    def __getattr__(self, name: str) -> Any:
        """Sampling rate, hop length and what else faster-whisper asks of its extractor."""
        return getattr(self._extractor, name)

    def __call__(
        self, waveform: npt.NDArray[np.floating], padding: int = 160, chunk_length: None = None
    ) -> npt.NDArray[np.float32]:
        """The spectrogram.

        Args:
            waveform: mono samples at 16 kHz, shape (n,).
            padding: zeros that are appended.
            chunk_length: other chunks than Whisper's 30 s are not asked for here.

        Returns:
            Shape (mel bands, frames); 10 ms from frame to frame.
        """
        size, hop = self._extractor.n_fft, self._extractor.hop_length
        padded = np.pad(np.pad(waveform.astype(np.float64), (0, padding)), size // 2, mode="reflect")
        spectrum = np.fft.rfft(sliding_window_view(padded, size)[::hop][:-1] * self._window)
        power = np.square(spectrum.real) + np.square(spectrum.imag)
        decades = np.log10(np.maximum(self._filters @ power.T, _FLOOR))
        return np.asarray((np.maximum(decades, decades.max() - _RANGE) + 4) / 4, dtype=np.float32)
