"""From latents of both audio channels to sound: what MuCodec uses of ``audioldm_48k.pth``, under its names."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from systems.ladaband.codec.mel_decoder import SpectrogramDecoder
from systems.ladaband.codec.sound_config import SoundConfig
from systems.ladaband.codec.vocoder import HifiGan


class FirstStage(nn.Module):
    """The autoencoder's way back, and the vocoder that stands in the same file."""

    def __init__(self, config: SoundConfig) -> None:
        super().__init__()
        self.post_quant_conv = nn.Conv2d(config.latent_channels, config.latent_channels, 1)
        self.decoder = SpectrogramDecoder(config)
        self.vocoder = HifiGan(config)


class SoundDecoder(nn.Module):
    """Latents to a mel spectrogram to sound, one audio channel at a time, which bounds the memory."""

    def __init__(self, config: SoundConfig) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("scale_factor", torch.ones(()))
        self.scale_factor: Tensor
        self.first_stage_model = FirstStage(config)

    def spectrogram(self, latents: Tensor) -> Tensor:
        """The spectrogram (N, mel bands, frames) of audio channels' latents (N, latent channels, F, B)."""
        stage = self.first_stage_model
        mel: Tensor = stage.decoder(stage.post_quant_conv(latents / self.scale_factor))
        return mel[:, 0].transpose(1, 2)

    def forward(self, latents: Tensor) -> Tensor:
        """The sound of one song's window.

        Args:
            latents: of both audio channels, the left one's first, shape (2 · latent channels, F, B).

        Returns:
            Shape (2, n), float32 on the CPU, within ±1.
        """
        channels = latents.unflatten(0, (2, -1)).unsqueeze(1)
        return torch.cat([self.first_stage_model.vocoder.sound(self.spectrogram(channel)) for channel in channels])
