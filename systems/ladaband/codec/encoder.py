"""The part of MuQ that MuCodec hears through: half of its conformer, at half the rate of MuCodec's sound."""

from __future__ import annotations

from torch import Tensor

from systems.ladaband.codec.half_rate import halved_rate
from systems.ladaband.codec.windows import TOKEN_SAMPLES
from systems.ladaband.config import CodecConfig
from systems.music_encoders.muq import MuqEncoder


class MusicEncoder(MuqEncoder):
    """MuQ up to the hidden state that MuCodec quantises."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__(config.encoder, config.encoder_level)

    def forward(self, windows: Tensor) -> Tensor:
        """The features of windows of sound.

        Args:
            windows: at 48 kHz, shape (N, channels, n); samples after the last whole token are not heard.

        Returns:
            Shape (N, T, D) with T = n // 1920, float32.
        """
        sound = halved_rate(windows.mean(1))
        half_token = TOKEN_SAMPLES // 2
        return super().forward(sound[:, : sound.shape[-1] // half_token * half_token])
