"""The velocity of latents on their way from noise to music: a transformer over patches of 2 x 2 (MuCodec's estimator).

A diffusion transformer as in PixArt-α (Chen et al. 2023, arXiv 2310.00426), without text: the time sets shift, scale
and gate of every block through one shared map to which each block adds a table of its own. Parameters have the
checkpoint's names (``cfm_wrapper.estimator.…``).

Shapes: N songs, F latent frames, B latent bins, P = F / 2 · B / 2 patches, D width.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from systems.ladaband.config import CodecConfig
from systems.layers.attention import attend_fully

PATCH = 2
"""Frames and bins per patch."""

POSITION_SPAN = 32
"""Positions run from 0 to this along either axis, whatever its number of patches."""

TIME_WAVES = 256
"""Frequencies by which a time is described."""

_NORM_EPS = 1e-6


def patch_positions(frames: int, bins: int, dim: int) -> Tensor:
    """The fixed description of each patch's place, shape (frames · bins, dim), frames first; float32.

    The first half of the components describes the place along the bins, the second along the frames, each by sines and
    then cosines of falling frequency.

    Args:
        frames: patches along the frames.
        bins: patches along the bins.
        dim: divisible by 4.
    """
    quarter = dim // 4
    rates = 10_000.0 ** -(torch.arange(quarter, dtype=torch.float64) / quarter)

    def described(count: int) -> Tensor:
        angles = (torch.arange(count, dtype=torch.float64) * POSITION_SPAN / count)[:, None] * rates
        return torch.cat([angles.sin(), angles.cos()], -1)

    along_bins = described(bins).expand(frames, -1, -1)
    along_frames = described(frames)[:, None].expand(-1, bins, -1)
    return torch.cat([along_bins, along_frames], -1).flatten(0, 1).float()


@lru_cache(maxsize=2)
def _positions_at(frames: int, bins: int, dim: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """`patch_positions` where they are needed, kept from step to step."""
    return patch_positions(frames, bins, dim).to(device, dtype)


class PatchEmbedding(nn.Module):
    """Patches as vectors, with their place added."""

    def __init__(self, channels: int, dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(channels, dim, PATCH, stride=PATCH)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (N, channels, F, B) to (N, P, D), frames first."""
        patches: Tensor = self.proj(x)
        _, dim, frames, bins = patches.shape
        return patches.flatten(2).transpose(1, 2) + _positions_at(frames, bins, dim, patches.device, patches.dtype)


class TimeEmbedding(nn.Module):
    """A time as a vector: cosines and sines, then two linear maps."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(2 * TIME_WAVES, dim)
        self.linear_2 = nn.Linear(dim, dim)

    def forward(self, times: Tensor) -> Tensor:
        """Times in [0, 1], (N,), float32, to (N, D)."""
        rates = torch.exp(-math.log(10_000) * torch.arange(TIME_WAVES, device=times.device) / TIME_WAVES)
        angles = times[:, None] * rates * 1000
        waves = torch.cat([angles.cos(), angles.sin()], -1).to(self.linear_1.weight.dtype)
        embedded: Tensor = self.linear_2(F.silu(self.linear_1(waves)))
        return embedded


class TimeModulation(nn.Module):
    """The vector of a time, and what it asks of every block: six vectors."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.emb = nn.ModuleDict({"timestep_embedder": TimeEmbedding(dim)})
        self.linear = nn.Linear(dim, 6 * dim)

    def forward(self, times: Tensor) -> tuple[Tensor, Tensor]:
        """Times (N,) to the vector (N, D) and the six of every block (N, 6, D)."""
        embedded = self.emb["timestep_embedder"](times)
        return embedded, self.linear(F.silu(embedded)).unflatten(-1, (6, -1))


class PatchAttention(nn.Module):
    """Self-attention of all patches, with biases."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_q, self.to_k, self.to_v = (nn.Linear(dim, dim) for _ in range(3))
        self.to_out = nn.ModuleList([nn.Linear(dim, dim)])

    def forward(self, x: Tensor) -> Tensor:
        """Shape (N, P, D), unchanged."""
        queries, keys, values = (
            linear(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for linear in (self.to_q, self.to_k, self.to_v)
        )
        result: Tensor = self.to_out[0](attend_fully(queries, keys, values).transpose(1, 2).flatten(2))
        return result


class WideningGelu(nn.Module):
    """``gelu(proj(x))`` with the tanh approximation."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.proj = nn.Linear(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (..., inputs) to (..., outputs)."""
        return F.gelu(self.proj(x), approximate="tanh")


class PatchFeedForward(nn.Module):
    """To four times the width and back; the names leave room for a dropout that inference does not have."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.net = nn.Sequential(WideningGelu(dim, 4 * dim), nn.Identity(), nn.Linear(4 * dim, dim))

    def forward(self, x: Tensor) -> Tensor:
        """Shape (N, P, D), unchanged."""
        result: Tensor = self.net(x)
        return result


def modulated(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """Layer norm without weights, then ``· (1 + scale) + shift``."""
    return F.layer_norm(x, x.shape[-1:], eps=_NORM_EPS) * (1 + scale) + shift


class EstimatorBlock(nn.Module):
    """Attention and feed-forward layer, each shifted, scaled and gated by the time."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.attn1 = PatchAttention(dim, heads)
        self.ff = PatchFeedForward(dim)
        self.scale_shift_table = nn.Parameter(torch.randn(6, dim) / dim**0.5)

    def forward(self, x: Tensor, modulation: Tensor) -> Tensor:
        """Shape (N, P, D), unchanged.

        Args:
            x: (N, P, D).
            modulation: of the time, (N, 6, D).
        """
        shift, scale, gate, ff_shift, ff_scale, ff_gate = (self.scale_shift_table + modulation).chunk(6, 1)
        x = x + gate * self.attn1(modulated(x, shift, scale))
        result: Tensor = x + ff_gate * self.ff(modulated(x, ff_shift, ff_scale))
        return result


class VelocityEstimator(nn.Module):
    """The transformer; see this module's text.

    Args:
        config: sizes; the input holds three maps of ``latent_channels`` (state, context, condition).
    """

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        dim, channels = config.estimator_dim, config.latent_channels
        self.channels = channels
        self.pos_embed = PatchEmbedding(3 * channels, dim)
        self.adaln_single = TimeModulation(dim)
        self.transformer_blocks = nn.ModuleList(
            EstimatorBlock(dim, config.estimator_heads) for _ in range(config.estimator_layers)
        )
        self.scale_shift_table = nn.Parameter(torch.randn(2, dim) / dim**0.5)
        self.proj_out = nn.Linear(dim, PATCH * PATCH * channels)

    def forward(self, x: Tensor, times: Tensor) -> Tensor:
        """The velocity of every latent.

        Args:
            x: state, context and condition one after the other, (N, 3 · channels, F, B), F and B even.
            times: in [0, 1], (N,), float32.

        Returns:
            Shape (N, channels, F, B), float32.
        """
        frames, bins = x.shape[2] // PATCH, x.shape[3] // PATCH
        embedded, modulation = self.adaln_single(times)
        patches = self.pos_embed(x.to(self.proj_out.weight.dtype))
        for block in self.transformer_blocks:
            patches = block(patches, modulation)
        shift, scale = (self.scale_shift_table + embedded[:, None]).chunk(2, 1)
        patches = self.proj_out(modulated(patches, shift, scale))
        grid: Tensor = patches.float().unflatten(1, (frames, bins)).unflatten(-1, (PATCH, PATCH, self.channels))
        return grid.permute(0, 5, 1, 3, 2, 4).flatten(4, 5).flatten(2, 3)
