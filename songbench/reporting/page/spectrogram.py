"""A thumbnail of a song's log-mel spectrogram, on a colour map of even lightness (magma)."""

from __future__ import annotations

import functools
import io
from typing import TYPE_CHECKING

from songbench.domain.audio import Audio

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

COLUMNS, BANDS = 480, 96
"""Pixels across, which is time, and pixels up, which is mel bands."""
LOWEST, HIGHEST = 40.0, 16_000.0
"""Hz of the lowest and highest band; in audio of lower rates bands above half the rate stay empty."""
RANGE = 70.0
"""Decibels from the brightest to the darkest colour."""
FLOOR = -100.0
"""Decibels of full scale below which nothing is ever bright, so that silence stays dark."""

_FRAMES = 3  # per column: windows of 46 ms, so that songs of minutes are sampled and not measured to the last sample
_QUALITY = 75  # of WebP: about 8 kB


def levels(audio: Audio) -> npt.NDArray[np.uint8]:
    """The log-mel spectrogram of all channels together.

    Args:
        audio: at least one sample per channel.

    Returns:
        uint8, shape (BANDS, COLUMNS), the lowest band first; 255 is the strongest band of the song, 0 is `RANGE`
        decibels below it or less.
    """
    import numpy as np
    import scipy.fft

    size = 2 ** round(np.log2(0.046 * audio.rate))
    count = audio.samples.shape[1]
    padded = np.pad(audio.samples, ((0, 0), (size // 2, size // 2)))
    frames = min(COLUMNS * _FRAMES, 1 + 8 * count // size)  # windows of short songs overlap by seven eighths at most
    starts = np.arange(frames) * count // frames
    window = np.hanning(size).astype("float32")
    bands = _bands(audio.rate, size)
    power = np.zeros((frames, BANDS), "float32")
    for channel in padded:
        windows = np.lib.stride_tricks.sliding_window_view(channel, size)[starts]
        spectrum = scipy.fft.rfft(windows * window)  # three times as fast as numpy's
        power += (spectrum.real**2 + spectrum.imag**2).astype("float32") @ bands
    power = power[np.arange(COLUMNS * _FRAMES) * frames // (COLUMNS * _FRAMES)]
    power = power.reshape(COLUMNS, _FRAMES, BANDS).mean(axis=1) / (len(padded) * float(window.sum() / 2) ** 2)
    decibels = 10 * np.log10(np.maximum(power, 1e-20))
    top = max(float(decibels.max()), FLOOR + RANGE)
    shades: npt.NDArray[np.uint8] = np.rint(255 * np.clip(1 + (decibels - top) / RANGE, 0, 1)).astype("uint8")
    return shades.T


@functools.lru_cache(maxsize=8)
def _bands(rate: int, size: int) -> npt.NDArray[np.float32]:
    """Triangles on the mel scale, at least two bins wide on either side, shape (bins, BANDS); each sums to one."""
    import numpy as np

    mel_low, mel_high = (2595 * np.log10(1 + hertz / 700) for hertz in (LOWEST, HIGHEST))
    edges = 700 * (10 ** (np.linspace(mel_low, mel_high, BANDS + 2) / 2595) - 1)
    bins = np.arange(size // 2 + 1) * rate / size
    narrowest = 2 * rate / size
    lower = np.minimum(edges[:-2], edges[1:-1] - narrowest)
    upper = np.maximum(edges[2:], edges[1:-1] + narrowest)
    rising = (bins[:, None] - lower) / (edges[1:-1] - lower)
    falling = (upper - bins[:, None]) / (upper - edges[1:-1])
    weights = np.clip(np.minimum(rising, falling), 0, None) * (bins[:, None] > 0)
    shares: npt.NDArray[np.float32] = (weights / np.maximum(weights.sum(axis=0), 1e-9)).astype("float32")
    return shares


def thumbnail(audio: Audio) -> bytes:
    """The spectrogram as a WebP image of COLUMNS x BANDS pixels, low bands below."""
    from matplotlib.image import imsave

    buffer = io.BytesIO()
    imsave(buffer, _colours()[levels(audio)[::-1]], format="webp", pil_kwargs={"quality": _QUALITY})
    return buffer.getvalue()


@functools.cache
def _colours() -> npt.NDArray[np.uint8]:
    """Red, green and blue of each level, shape (256, 3)."""
    import matplotlib as mpl
    import numpy as np

    colours: npt.NDArray[np.uint8] = np.rint(255 * mpl.colormaps["magma"](np.arange(256))[:, :3]).astype("uint8")
    return colours
