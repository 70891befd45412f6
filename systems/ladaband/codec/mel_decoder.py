"""From latents to a mel spectrogram: the decoder of AudioLDM 2's autoencoder (Liu et al. 2023, arXiv 2308.05734).

Parameters have the names that follow ``first_stage_model.`` in ``audioldm_48k.pth``. The decoder has attention at its
coarsest level, between all frames and bins.

Shapes: N audio channels, C latent or hidden channels, F frames, B bins.
"""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from systems.ladaband.codec.sound_config import SoundConfig

_NORM_EPS = 1e-6


def _norm(channels: int, groups: int) -> nn.GroupNorm:
    return nn.GroupNorm(groups, channels, eps=_NORM_EPS)


class SpectrogramBlock(nn.Module):
    """Norm, swish, convolution, twice, added to the input or to its map to as many channels."""

    def __init__(self, inputs: int, outputs: int, groups: int) -> None:
        super().__init__()
        self.norm1 = _norm(inputs, groups)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm2 = _norm(outputs, groups)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        if inputs != outputs:
            self.nin_shortcut = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (N, inputs, F, B) to (N, outputs, F, B)."""
        changed = self.conv1(F.silu(self.norm1(x)))
        changed = self.conv2(F.silu(self.norm2(changed)))
        shortcut = self.nin_shortcut(x) if hasattr(self, "nin_shortcut") else x
        result: Tensor = shortcut + changed
        return result


class SpectrogramAttention(nn.Module):
    """Self-attention with one head over all frames and bins, added to the input."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.norm = _norm(channels, groups)
        self.q, self.k, self.v, self.proj_out = (nn.Conv2d(channels, channels, 1) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        """Shape (N, C, F, B), unchanged."""
        normed = self.norm(x)
        queries, keys, values = (part(normed).flatten(2).transpose(1, 2) for part in (self.q, self.k, self.v))
        mixed = F.scaled_dot_product_attention(queries, keys, values)
        result: Tensor = x + self.proj_out(mixed.transpose(1, 2).unflatten(2, x.shape[2:]))
        return result


class Doubling(nn.Module):
    """Every frame and bin twice, then a convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (N, C, F, B) to (N, C, 2F, 2B)."""
        doubled: Tensor = self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))
        return doubled


class SpectrogramDecoder(nn.Module):
    """The levels of the decoder, the coarsest first in use and last in name."""

    def __init__(self, config: SoundConfig) -> None:
        super().__init__()
        widths, groups = [config.channels * multiple for multiple in config.multiples], config.norm_groups
        self.conv_in = nn.Conv2d(config.latent_channels, widths[-1], 3, padding=1)
        self.mid = nn.ModuleDict(
            {
                "block_1": SpectrogramBlock(widths[-1], widths[-1], groups),
                "attn_1": SpectrogramAttention(widths[-1], groups),
                "block_2": SpectrogramBlock(widths[-1], widths[-1], groups),
            }
        )
        self.up = nn.ModuleList()
        for level, width in enumerate(widths):
            inputs = widths[min(level + 1, len(widths) - 1)]
            blocks = [SpectrogramBlock(inputs, width, groups)]
            blocks += [SpectrogramBlock(width, width, groups) for _ in range(config.residual_blocks - 1)]
            parts: dict[str, nn.Module] = {"block": nn.ModuleList(blocks)}
            if level:
                parts["upsample"] = Doubling(width)
            self.up.append(nn.ModuleDict(parts))
        self.norm_out = _norm(widths[0], groups)
        self.conv_out = nn.Conv2d(widths[0], 1, 3, padding=1)

    def forward(self, latents: Tensor) -> Tensor:
        """Shape (N, latent channels, F, B) to (N, 1, 2^(levels-1) F, 2^(levels-1) B)."""
        x = self.conv_in(latents)
        for part in self.mid.values():
            x = part(x)
        for level in reversed(self.up):
            parts: Any = level
            for block in parts["block"]:
                x = block(x)
            if "upsample" in parts:
                x = parts["upsample"](x)
        result: Tensor = self.conv_out(F.silu(self.norm_out(x)))
        return result
