"""What to know of a recording before believing a number about it: out of phase, silent, clipped, cut off."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from songbench.domain.audio import Audio
from songbench.domain.remark import Remark

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

KINDS: Mapping[str, str] = {
    "antiphase": "whose channels cancel each other in mono (metrics that hear mono do not judge them)",
    "silent": "that are silent",
    "nearly silent": "that are nearly silent",
    "mostly silent": "that are silent for more than half of their length",
    "silent channel": "of which one channel is silent",
    "silent beginning": "that begin with long silence",
    "silent ending": "that end in long silence",
    "very short": "shorter than a second",
    "too short": "shorter than half of what was asked for",
    "too long": "longer than twice what was asked for",
    "abrupt ending": "that end in full sound, as if cut off",
    "end unmarked": "whose file has no end mark, so that it may have been cut short",
    "end torn": "whose file stops inside a frame, so that it may have been cut short",
    "joined": "whose file was joined from several",
    "more sound": "whose file holds more that its header does not speak of",
    "clipped": "that are clipped",
    "far beyond full scale": "with peaks far beyond full scale",
    "offset": "with an offset (DC)",
    "many channels": "with more than two channels (models hear their mean)",
    "other rate": "at another rate than their system is known for",
    "low rate": "at less than 16,000 samples per second (models expect more)",
}
"""Every kind of remark on a recording, in the words that follow "songs", in the order of their weight."""

SILENCE = 1e-4
"""Amplitude, -80 dBFS: 16-bit dither lies below it."""

_QUIET_PEAK = 0.01
_FULL_SCALE = 32767 / 32768
_CLIPPED_SHARE = 1e-3
_FLAT = 0.999
_BEYOND = 2.0
_OFFSET = 0.02
_OFFSET_SAMPLES = 8_000
_MONO_LOSS_DB = 10.0
_CHANNEL_DB = 60.0
_END_SECONDS = 0.05
_SILENT_FRAME = 1e-3
_LONG_SECONDS, _LONG_SHARE = 3.0, 0.1
_LOW_RATE = 16_000
_EXACT = 1e-6
_PIECE = 1 << 14
"""Samples of each channel that are looked at together: they stay in the processor's cache, in float64 too."""


def sound_remarks(audio: Audio, *, wanted_seconds: float | None = None, excerpt: bool = False) -> tuple[Remark, ...]:
    """What is odd about a recording, each with a code of `KINDS` and this recording's numbers.

    Args:
        audio: the recording; at least one sample, all finite.
        wanted_seconds: the duration asked for, or None.
        excerpt: whether it is a piece of a song, which may begin and end anywhere.

    Returns:
        The remarks in the order of `KINDS`; empty for an ordinary recording.
    """
    remarks = {remark.code: remark for remark in _remarks(audio, wanted_seconds, excerpt)}
    return tuple(remarks[code] for code in KINDS if code in remarks)


def mono_loss(samples: npt.NDArray[np.float32]) -> float | None:
    """How much quieter the mean of the channels is than the channels, in dB.

    0 for equal channels, 3 for two that have nothing in common, infinite for opposite ones.

    Args:
        samples: shape (channels, n).

    Returns:
        dB >= 0; None for one channel and for silence. An offset does not count.
    """
    return _mono_loss(samples, _moments(samples))


def cancels_in_mono(samples: npt.NDArray[np.float32]) -> bool:
    """Whether hardly anything is left of the mean of the channels: more than 10 dB are lost (13 dB of four channels …).

    Args:
        samples: shape (channels, n).
    """
    return _cancels(samples, mono_loss(samples))


@dataclass(frozen=True)
class _Moments:
    """Sums over a recording, from one pass over its samples.

    Attributes:
        means: of each channel, shape (channels,).
        powers: the mean square of each channel, shape (channels,).
        mix: the mean square of the mean of the channels.
    """

    means: npt.NDArray[np.float64]
    powers: npt.NDArray[np.float64]
    mix: float


def _moments(samples: npt.NDArray[np.float32]) -> _Moments:
    """Of samples of shape (channels, n), in float64."""
    import numpy as np

    channels, count = samples.shape
    sums, squares, mix = np.zeros(channels), np.zeros(channels), 0.0
    scratch = np.empty((channels, min(_PIECE, count)))
    for start in range(0, count, _PIECE):
        part = scratch[:, : min(_PIECE, count - start)]
        part[...] = samples[:, start : start + _PIECE]
        sums += part.sum(axis=1)
        squares += np.einsum("cn,cn->c", part, part)
        if channels > 1:
            mono = part.sum(axis=0)
            mix += float(np.einsum("n,n->", mono, mono)) / channels**2
    count = max(count, 1)
    return _Moments(sums / count, squares / count, mix / count if channels > 1 else float(squares.sum()) / count)


def _mono_loss(samples: npt.NDArray[np.float32], moments: _Moments) -> float | None:
    """What `mono_loss` says, from the moments of the samples."""
    import numpy as np

    if len(samples) < 2:
        return None
    energy = float((moments.powers - moments.means**2).mean())
    mixed = moments.mix - float(moments.means.mean()) ** 2
    if mixed < _EXACT * energy or energy < _EXACT * float(moments.powers.mean()):  # the difference of two like numbers
        centred = samples - moments.means[:, None].astype(np.float32)
        energy, mixed = _power(centred), _power(centred.mean(axis=0, keepdims=True))
    if energy <= SILENCE**2:
        return None
    return max(0.0, 10 * math.log10(energy / mixed)) if mixed > 0 else math.inf


def _cancels(samples: npt.NDArray[np.float32], loss: float | None) -> bool:
    return loss is not None and loss > _MONO_LOSS_DB + 10 * math.log10(len(samples) / 2)


def _remarks(audio: Audio, target_seconds: float | None, excerpt: bool) -> Iterator[Remark]:
    samples, rate, seconds = audio.samples, audio.rate, audio.seconds
    if seconds < 1:
        yield Remark("very short", f"{seconds:.3f} s long")
    elif target_seconds and not excerpt and seconds < target_seconds / 2:
        yield Remark("too short", f"{seconds:.1f} of {target_seconds:.1f} s")
    if target_seconds and not excerpt and seconds > target_seconds * 2:
        yield Remark("too long", f"{seconds:.1f} instead of {target_seconds:.1f} s")
    if rate < _LOW_RATE:
        yield Remark("low rate", f"{rate} samples per second")
    if len(samples) > 2:
        yield Remark("many channels", f"{len(samples)} channels")
    peaks = _frame_peaks(samples, rate)
    peak = float(peaks.max())
    if peak < SILENCE:
        yield Remark("silent", "no sample above -80 dBFS")
        return
    if peak < _QUIET_PEAK:
        yield Remark("nearly silent", f"peak at {_db(peak):.0f} dBFS")
    if peak > _BEYOND:
        yield Remark("far beyond full scale", f"peak at {_db(peak):+.1f} dBFS")
    moments = _moments(samples)
    yield from _channel_remarks(samples, moments)
    yield from _clipping(samples, peak)
    if not excerpt:
        yield from _silence_remarks(samples, peaks, rate)
        yield from _ending(samples, float(moments.powers.mean()), rate)


def _channel_remarks(samples: npt.NDArray[np.float32], moments: _Moments) -> Iterator[Remark]:
    """Remarks on how the channels stand to each other, and on offsets; `samples` of shape (channels, n)."""
    loss = _mono_loss(samples, moments)
    if loss is not None and _cancels(samples, loss):
        yield Remark("antiphase", f"{loss:.0f} dB quieter in mono" if loss < 120 else "silent in mono")
    offset = float(abs(moments.means).max())
    if offset > _OFFSET and samples.shape[1] >= _OFFSET_SAMPLES:
        yield Remark("offset", f"{offset:.3f} of full scale")
    powers = moments.powers[:2].tolist()
    if len(powers) == 2 and min(powers) < max(powers) * 10 ** (-_CHANNEL_DB / 10):
        yield Remark("silent channel", f"the {'left' if powers[0] < powers[1] else 'right'} one")


def _clipping(samples: npt.NDArray[np.float32], peak: float) -> Iterator[Remark]:
    """Flat tops: three and more samples in a row at the peak, which is at full scale or beyond.

    Args:
        samples: shape (channels, n).
        peak: their largest magnitude.
    """
    import numpy as np

    channels, count = samples.shape
    if peak < _FULL_SCALE or count < 3:
        return
    top = max(_FULL_SCALE, _FLAT * peak)
    runs = 0
    for channel in samples:
        full = np.flatnonzero((channel >= top) | (channel <= -top))
        runs += int(np.count_nonzero(full[2:] - full[:-2] == 2))
    share = runs / (channels * (count - 2))
    if share > _CLIPPED_SHARE:
        yield Remark("clipped", f"{100 * share:.1f} % of the samples in runs at full scale")


def _frame(rate: int) -> int:
    """Samples of a twentieth of a second."""
    return max(1, round(_END_SECONDS * rate))


def _frame_peaks(samples: npt.NDArray[np.float32], rate: int) -> npt.NDArray[np.float32]:
    """The largest magnitude of all channels in each twentieth of a second, shape (frames,)."""
    import numpy as np

    starts = np.arange(0, samples.shape[1], _frame(rate))
    highest = np.maximum.reduceat(samples, starts, axis=1).max(axis=0)
    lowest = np.minimum.reduceat(samples, starts, axis=1).min(axis=0)
    peaks: npt.NDArray[np.float32] = np.maximum(highest, -lowest)
    return peaks


def _silence_remarks(samples: npt.NDArray[np.float32], peaks: npt.NDArray[np.float32], rate: int) -> Iterator[Remark]:
    """Remarks on long silence.

    Args:
        samples: shape (channels, n), not all of them silent.
        peaks: of each twentieth of a second.
        rate: samples per second.
    """
    import numpy as np

    count, frame = samples.shape[1], _frame(rate)
    loud = np.flatnonzero(peaks >= SILENCE)

    def sounding(number: int) -> npt.NDArray[np.intp]:
        """The samples of a frame that are not silent."""
        first = int(number) * frame
        level = np.abs(samples[:, first : first + frame]).max(axis=0)
        return first + np.flatnonzero(level >= SILENCE)

    least = max(_LONG_SECONDS, _LONG_SHARE * count / rate)
    before, after = sounding(loud[0])[0] / rate, (count - 1 - sounding(loud[-1])[-1]) / rate
    if before >= least:
        yield Remark("silent beginning", f"the first {before:.1f} of {count / rate:.1f} s")
    if after >= least:
        yield Remark("silent ending", f"the last {after:.1f} of {count / rate:.1f} s")
    share = float((peaks < _SILENT_FRAME).mean())
    if share > 0.5:
        yield Remark("mostly silent", f"{100 * share:.0f} % of it")


def _ending(samples: npt.NDArray[np.float32], power: float, rate: int) -> Iterator[Remark]:
    """A song, shape (channels, n), that is as loud in its last twentieth of a second as on the whole (`power`)."""
    if samples.shape[1] >= rate and _power(samples[:, -_frame(rate) :]) > power / 4:
        yield Remark("abrupt ending", f"its last {1000 * _END_SECONDS:.0f} ms are as loud as the rest")


def _power(samples: npt.NDArray[np.float32]) -> float:
    """The mean square over all channels and samples, shape (channels, n)."""
    import numpy as np

    return float(np.einsum("cn,cn->", samples, samples, dtype=np.float64)) / max(samples.size, 1)


def _db(amplitude: float) -> float:
    return 20 * math.log10(amplitude)
