"""Songs as files of kinds that people and browsers play."""

from __future__ import annotations

import io

from songbench.domain.audio import Audio
from songbench.execution.songs import encode_audio

MP3_RATE = 192
"""Kilobits per second, constant."""

_MP3_RATES = (32_000, 44_100, 48_000)  # at which libsndfile's MP3 has `MP3_RATE`
_BELOW_FULL_SCALE = 1 - 2**-23


def to_flac(audio: Audio) -> bytes:
    """FLAC where it holds the samples; what exceeds full scale is clipped, as players do."""
    import numpy as np

    return encode_audio(Audio(np.clip(audio.samples[:8], -_BELOW_FULL_SCALE, _BELOW_FULL_SCALE), audio.rate))[0]


def to_mp3(audio: Audio) -> bytes:
    """MP3 of `MP3_RATE`, of one channel or two; what exceeds full scale is clipped, as players do."""
    import numpy as np
    import soundfile

    audio = audio if audio.samples.shape[0] <= 2 else audio.mono()
    audio = audio if audio.rate in _MP3_RATES else audio.at(_MP3_RATES[-1])
    buffer = io.BytesIO()
    soundfile.write(
        buffer,
        np.clip(audio.samples.T, -1, 1),
        audio.rate,
        format="MP3",
        subtype="MPEG_LAYER_III",
        bitrate_mode="CONSTANT",
        compression_level=1 - MP3_RATE / 320,
    )
    return buffer.getvalue()
