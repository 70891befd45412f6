"""What to know of a recording before believing a number about it: out of phase, silent, clipped, cut off."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
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
    import numpy as np

    channels = len(samples)
    if channels < 2:
        return None
    means = samples.mean(axis=1, keepdims=True, dtype=np.float64).astype(np.float32)
    centred = samples - means
    energy = _power(centred)
    mixed = _power(centred.mean(axis=0, keepdims=True))
    if energy <= SILENCE**2:
        return None
    return max(0.0, 10 * math.log10(energy / mixed)) if mixed > 0 else math.inf


def cancels_in_mono(samples: npt.NDArray[np.float32]) -> bool:
    """Whether hardly anything is left of the mean of the channels: more than 10 dB are lost (13 dB of four channels …).

    Args:
        samples: shape (channels, n).
    """
    loss = mono_loss(samples)
    return loss is not None and loss > _MONO_LOSS_DB + 10 * math.log10(len(samples) / 2)


def _remarks(audio: Audio, target_seconds: float | None, excerpt: bool) -> Iterator[Remark]:
    import numpy as np

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
    level = np.abs(samples).max(axis=0)
    peak = float(level.max())
    if peak < SILENCE:
        yield Remark("silent", "no sample above -80 dBFS")
        return
    if peak < _QUIET_PEAK:
        yield Remark("nearly silent", f"peak at {_db(peak):.0f} dBFS")
    if peak > _BEYOND:
        yield Remark("far beyond full scale", f"peak at {_db(peak):+.1f} dBFS")
    yield from _channel_remarks(samples)
    yield from _clipping(samples, peak)
    if not excerpt:
        yield from _silence_remarks(level, rate)
        yield from _ending(samples, rate)


def _channel_remarks(samples: npt.NDArray[np.float32]) -> Iterator[Remark]:
    """Remarks on how the channels stand to each other, and on offsets; `samples` of shape (channels, n)."""
    import numpy as np

    if cancels_in_mono(samples):
        loss = mono_loss(samples) or 0.0
        yield Remark("antiphase", f"{loss:.0f} dB quieter in mono" if loss < 120 else "silent in mono")
    offset = float(np.abs(samples.mean(axis=1, dtype=np.float64)).max())
    if offset > _OFFSET and samples.shape[1] >= _OFFSET_SAMPLES:
        yield Remark("offset", f"{offset:.3f} of full scale")
    powers = [_power(channel[None]) for channel in samples[:2]]
    if len(powers) == 2 and min(powers) < max(powers) * 10 ** (-_CHANNEL_DB / 10):
        yield Remark("silent channel", f"the {'left' if powers[0] < powers[1] else 'right'} one")


def _clipping(samples: npt.NDArray[np.float32], peak: float) -> Iterator[Remark]:
    """Flat tops: three and more samples in a row at the peak, which is at full scale or beyond.

    Args:
        samples: shape (channels, n).
        peak: their largest magnitude.
    """
    import numpy as np

    if peak < _FULL_SCALE:
        return
    full = np.abs(samples) >= max(_FULL_SCALE, _FLAT * peak)
    runs = full[:, :-2] & full[:, 1:-1] & full[:, 2:]
    share = float(runs.mean()) if runs.size else 0.0
    if share > _CLIPPED_SHARE:
        yield Remark("clipped", f"{100 * share:.1f} % of the samples in runs at full scale")


def _silence_remarks(level: npt.NDArray[np.float32], rate: int) -> Iterator[Remark]:
    """Remarks on long silence; `level` is the largest amplitude of all channels, shape (n,)."""
    import numpy as np

    sounding = np.flatnonzero(level >= SILENCE)
    least = max(_LONG_SECONDS, _LONG_SHARE * len(level) / rate)
    before, after = sounding[0] / rate, (len(level) - 1 - sounding[-1]) / rate
    if before >= least:
        yield Remark("silent beginning", f"the first {before:.1f} of {len(level) / rate:.1f} s")
    if after >= least:
        yield Remark("silent ending", f"the last {after:.1f} of {len(level) / rate:.1f} s")
    frame = max(1, round(_END_SECONDS * rate))
    peaks = np.maximum.reduceat(level, np.arange(0, len(level), frame))
    share = float((peaks < _SILENT_FRAME).mean())
    if share > 0.5:
        yield Remark("mostly silent", f"{100 * share:.0f} % of it")


def _ending(samples: npt.NDArray[np.float32], rate: int) -> Iterator[Remark]:
    """A song, shape (channels, n), that is as loud in its last twentieth of a second as on the whole."""
    tail = samples[:, -max(1, round(_END_SECONDS * rate)) :]
    if samples.shape[1] >= rate and _power(tail) > _power(samples) / 4:
        yield Remark("abrupt ending", f"its last {1000 * _END_SECONDS:.0f} ms are as loud as the rest")


def _power(samples: npt.NDArray[np.float32]) -> float:
    """The mean square over all channels and samples, shape (channels, n)."""
    import numpy as np

    return float(np.einsum("cn,cn->", samples, samples, dtype=np.float64)) / max(samples.size, 1)


def _db(amplitude: float) -> float:
    return 20 * math.log10(amplitude)
