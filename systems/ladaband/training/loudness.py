"""The level at which LaDA-Band is trained: -16 dB RMS, brought down further where the peak would pass -1 dB."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

LEVEL = -16.0
"""RMS over all samples of all channels, in dB of full scale."""

HIGHEST_PEAK = -1.0
"""In dB of full scale."""

SILENCE = 1e-9
"""An RMS below which nothing is changed."""


def at_training_level(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The signal at the level of training, shape (channels, n); silence stays as it is."""
    rms = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if samples.size else 0.0
    if rms < SILENCE:
        return samples
    gain = 10 ** (LEVEL / 20) / rms
    peak = gain * float(np.abs(samples).max())
    gain *= min(1.0, 10 ** (HIGHEST_PEAK / 20) / peak)
    scaled: npt.NDArray[np.float32] = (samples * np.float64(gain)).astype(np.float32)
    return scaled
