"""Time made faster and slower without a change of pitch: overlap and add of waveform pieces that fit (WSOLA).

Pieces are copied, not resynthesised, so level and timbre stay; a phase vocoder would smear drums and lose energy, which
is a damage of another kind than the one wanted. Verhelst and Roelands, "An overlap-add technique based on waveform
similarity (WSOLA) for high quality time-scale modification of speech", ICASSP 1993.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from songbench.domain.audio import Audio

Samples = npt.NDArray[np.float32]

_PIECE_SECONDS = 0.05
_SEARCH_SECONDS = 0.012


def warped(samples: Samples, rate: int, place: Callable[[float], float], length: int) -> Samples:
    """Samples of another time course.

    Args:
        samples: shape (channels, n).
        rate: samples per second.
        place: for a moment of the result, in samples, the moment of the source that sounds there.
        length: of the result, in samples.

    Returns:
        Shape (channels, length).
    """
    from scipy.signal import correlate

    hop = round(_PIECE_SECONDS * rate / 2)
    size, reach = 2 * hop, round(_SEARCH_SECONDS * rate)
    margin = size + reach
    source = np.pad(samples, ((0, 0), (margin, margin + size)))
    middle = source.mean(axis=0)
    energy = np.concatenate([[0.0], np.cumsum(middle.astype(np.float64) ** 2)])
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    result = np.zeros((len(samples), length + 2 * size), np.float32)
    last = len(middle) - size - reach
    before: int | None = None
    for start in range(0, length + hop, hop):
        target = int(np.clip(round(place(start - hop)) + margin, reach, last))
        at = target
        if before is not None:
            follows = middle[before + hop : before + hop + size]
            field = middle[target - reach : target + reach + size]
            starts = np.arange(target - reach, target + reach + 1)
            power = np.sqrt(np.maximum(energy[starts + size] - energy[starts], 1e-9))
            match = correlate(field, follows, mode="valid", method="fft")[: len(starts)]
            at = int(starts[int(np.argmax(match / power))]) if float(power.max()) > 1e-3 else target
        result[:, start : start + size] += window * source[:, at : at + size]
        before = min(at, len(middle) - 2 * size)
    return result[:, hop : hop + length]


def transposed(audio: Audio, ratio: float) -> Audio:
    """Audio of another pitch and the same time course: played faster, then stretched back.

    Args:
        audio: of any rate and channels.
        ratio: of the new frequencies to the old ones, > 0.
    """
    import soxr

    faster = np.ascontiguousarray(soxr.resample(audio.samples.T, audio.rate * ratio, audio.rate).T, np.float32)
    return Audio(warped(faster, audio.rate, lambda moment: moment / ratio, audio.samples.shape[1]), audio.rate)
