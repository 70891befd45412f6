"""From a mel spectrogram to sound: HiFi-GAN (Kong et al. 2020, arXiv 2010.05646) at 48 kHz.

Parameters have the names that follow ``first_stage_model.vocoder.`` in ``audioldm_48k.pth``, where weight norms are
folded in already. Shapes: N audio channels, M mel bands, F frames, n samples.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from systems.ladaband.codec.sound_config import SoundConfig
from systems.ladaband.codec.windows import cross_faded

_SLOPE = 0.1
_LAST_SLOPE = 0.01


class DilatedResidual(nn.Module):
    """Pairs of a dilated and a plain convolution, each pair added to its input."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(
            nn.Conv1d(channels, channels, kernel, dilation=dilation, padding=(kernel - 1) * dilation // 2)
            for dilation in dilations
        )
        self.convs2 = nn.ModuleList(nn.Conv1d(channels, channels, kernel, padding=(kernel - 1) // 2) for _ in dilations)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (N, channels, n), unchanged."""
        for dilated, plain in zip(self.convs1, self.convs2, strict=True):
            x = x + plain(F.leaky_relu(dilated(F.leaky_relu(x, _SLOPE)), _SLOPE))
        return x


class HifiGan(nn.Module):
    """Levels that lengthen the signal, each followed by blocks of different kernels whose results are averaged."""

    def __init__(self, config: SoundConfig) -> None:
        super().__init__()
        self.config = config
        widths = [config.vocoder_channels // 2**level for level in range(len(config.upsampling) + 1)]
        self.conv_pre = nn.Conv1d(config.mel_bands, widths[0], 7, padding=3)
        self.ups = nn.ModuleList(
            nn.ConvTranspose1d(widths[level], widths[level + 1], kernel, factor, padding=(kernel - factor) // 2)
            for level, (factor, kernel) in enumerate(zip(config.upsampling, config.upsampling_kernels, strict=True))
        )
        self.resblocks = nn.ModuleList(
            DilatedResidual(width, kernel, config.dilations)
            for width in widths[1:]
            for kernel in config.residual_kernels
        )
        self.conv_post = nn.Conv1d(widths[-1], 1, 7, padding=3)

    def forward(self, spectrogram: Tensor) -> Tensor:
        """Sound (N, F · frame samples) within ±1 of a spectrogram (N, M, F), at once.

        A level whose kernel is longer than its factor by an odd number gives a sample too many, which the levels after
        it multiply (16 of the released sizes); they are cut off at the end.
        """
        x, kinds = self.conv_pre(spectrogram), len(self.config.residual_kernels)
        for level, up in enumerate(self.ups):
            x = up(F.leaky_relu(x, _SLOPE))
            blocks = self.resblocks[level * kinds : (level + 1) * kinds]
            x = torch.stack([block(x) for block in blocks]).sum(0) / kinds
        sound: Tensor = self.conv_post(F.leaky_relu(x, _LAST_SLOPE)).tanh()
        return sound[:, 0, : spectrogram.shape[-1] * self.config.frame_samples]

    def sound(self, spectrogram: Tensor) -> Tensor:
        """Sound made in pieces that are cross-faded, as upstream makes it; it is not quite that of `forward`.

        Args:
            spectrogram: (N, M, F).

        Returns:
            Shape (N, F · frame samples), on the CPU.
        """
        overlap = (self.config.chunk_frames - self.config.chunk_hop) * self.config.frame_samples
        return cross_faded(self._pieces(spectrogram), overlap)

    def _pieces(self, spectrogram: Tensor) -> Iterator[Tensor]:
        """Sound of overlapping pieces of the spectrogram, the last of which reaches its end."""
        chunk, hop, frames = self.config.chunk_frames, self.config.chunk_hop, spectrogram.shape[-1]
        for start in range(0, max(frames - chunk + hop, 1), hop):
            yield self(spectrogram[..., start : start + chunk]).float().cpu()
