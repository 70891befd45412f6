"""How large a MuQ is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from songbench.domain.errors import SongbenchError
from systems.checkpoints.sizes import check_positive

FRAME_COLUMNS = 4
"""Columns of the spectrogram per frame."""

_EXPECTED: Mapping[str, Any] = {
    "label_rate": 25,
    "features": ["melspec_2048"],
    "is_flash": False,
}
_CONFORMER_EXPECTED: Mapping[str, Any] = {
    "hidden_act": "swish",
    "position_embeddings_type": "rotary",
    "layer_norm_eps": 1e-5,
    "rotary_embedding_base": 10_000,
}
"""Settings under which a MuQ is built as the released one; those that a configuration leaves out have these values."""


@dataclass(frozen=True, kw_only=True)
class MuqSizes:
    """The sizes of a MuQ; by default those of MuQ large.

    Attributes:
        mel_rate: sample rate it hears, in Hz.
        mel_fft: samples of the Fourier transform.
        mel_hop: samples between two columns of the spectrogram.
        mel_bands: of the spectrogram, in dB.
        mel_mean: by which the spectrogram is shifted.
        mel_deviation: by which it is divided.
        channels: of the convolutions before the conformer.
        width: of a frame.
        layers: of the conformer.
        heads: of its attention.
        feed_forward: hidden width of its feed-forward layers.
        kernel: of its depthwise convolutions.
    """

    mel_rate: int = 24_000
    mel_fft: int = 2048
    mel_hop: int = 240
    mel_bands: int = 128
    mel_mean: float = 6.768444971712967
    mel_deviation: float = 18.417922652295623
    channels: int = 512
    width: int = 1024
    layers: int = 12
    heads: int = 16
    feed_forward: int = 4096
    kernel: int = 31

    def __post_init__(self) -> None:
        """Refuse sizes that cannot work."""
        check_positive(self, "mel_bands", "mel_deviation", "channels", "width", "layers", "heads", "feed_forward")

    @property
    def frame_samples(self) -> int:
        """Samples per frame: 960, which are 40 ms."""
        return FRAME_COLUMNS * self.mel_hop

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> MuqSizes:
        """Read the ``config.json`` of MuQ's package.

        Raises:
            SongbenchError: it lacks a size, or is of a model that works otherwise; names the setting.
        """
        conformer = config.get("w2v2_config") or {}
        for values, expected in ((config, _EXPECTED), (conformer, _CONFORMER_EXPECTED)):
            for key, value in expected.items():
                if values.get(key, value) != value:
                    raise SongbenchError(f"This MuQ has {key} = {values[key]!r}; only {value!r} is supported.")
        try:
            return cls(
                mel_hop=config.get("hop_length", cls.mel_hop),
                mel_bands=config.get("n_mels", cls.mel_bands),
                mel_mean=config["stat"]["melspec_2048_mean"],
                mel_deviation=config["stat"]["melspec_2048_std"],
                channels=config.get("conv_dim", cls.channels),
                width=config.get("encoder_dim", cls.width),
                layers=config.get("encoder_depth", cls.layers),
                heads=conformer["num_attention_heads"],
                feed_forward=conformer["intermediate_size"],
                kernel=conformer["conv_depthwise_kernel_size"],
            )
        except (KeyError, TypeError) as error:
            raise SongbenchError(f"The config.json of this MuQ does not say {error}.") from None
