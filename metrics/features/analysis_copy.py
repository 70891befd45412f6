"""The loudness-matched copy that distances between sets take, so that a louder set is not another set."""

from __future__ import annotations

from metrics.features.loudness import integrated_loudness
from songbench.domain.audio import Audio

LOUDNESS = -14.0
"""LUFS, about the level of commercial releases."""


def at_loudness(audio: Audio, lufs: float | None = LOUDNESS) -> Audio:
    """The same audio brought to a loudness; rate and channels stay as they are.

    Args:
        audio: any rate, any channels.
        lufs: the wanted loudness by ITU-R BS.1770; None: leave the audio as it is.

    Returns:
        The copy. Audio that has no loudness (silent, or not longer than 0.4 s) is returned unchanged. Samples beyond ±1
        are kept.
    """
    if lufs is None:
        return audio
    loudness = integrated_loudness(audio.samples, audio.rate)
    if loudness is None:
        return audio
    return Audio((audio.samples * 10 ** ((lufs - loudness) / 20)).astype("float32"), audio.rate)
