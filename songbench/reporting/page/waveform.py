"""The outline of a song's waveform: how far the samples of each short stretch reach, and how strong they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from songbench.domain.audio import Audio

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

STRETCHES = 480
"""Stretches of equal length that a song is divided into."""


class Outline(NamedTuple):
    """A waveform in `STRETCHES` stretches; 255 is full scale, and what is beyond it.

    Attributes:
        peaks: uint8, shape (STRETCHES,): the greatest absolute sample of any channel.
        levels: the same of the root mean square over all channels.
    """

    peaks: npt.NDArray[np.uint8]
    levels: npt.NDArray[np.uint8]


def outline(audio: Audio) -> Outline:
    """The outline of a waveform.

    Args:
        audio: at least one sample per channel; in audio of fewer samples than `STRETCHES` neighbours share them.
    """
    import numpy as np

    count = audio.samples.shape[1]
    starts = np.arange(STRETCHES) * count // STRETCHES
    lengths = np.maximum(np.diff(starts, append=count), 1)
    peaks = np.maximum.reduceat(np.abs(audio.samples).max(axis=0), starts)
    power = np.square(audio.samples, dtype="float32").mean(axis=0)
    return Outline(_byte(peaks), _byte(np.sqrt(np.add.reduceat(power, starts) / lengths)))


def _byte(amplitude: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    import numpy as np

    return np.rint(255 * np.clip(amplitude, 0, 1)).astype("uint8")
