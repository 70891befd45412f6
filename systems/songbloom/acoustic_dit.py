"""The acoustic diffusion transformer: noise to the latents of one patch, by a rectified flow.

One evaluation reads 50 tokens: ``[time][hidden vector of the language model][16 sketch tokens][16 latents of the
previous patch][16 noisy latents]`` and gives the velocity of the last 16 (SongBloom, arXiv 2506.07634, section 4.2).

Shapes: N rows, P frames of a patch, C latent channels, D model width.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from systems.songbloom.config import ModelConfig
from systems.songbloom.layers import GatedFeedForward, LayerNorm, Rotary, rotary_table, rotate


class Attention(nn.Module):
    """Multi-head attention over all tokens, with rotary positions on half of each head (at least 32 components)."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.out = nn.Linear(dim, dim, bias=False)

    def forward(self, x: Tensor, rotary: Rotary, wanted: int) -> Tensor:
        """What the last `wanted` tokens gather from all tokens; (N, T, D) to (N, wanted, D)."""
        n, t, _ = x.shape
        both, v = self.qkv(x).view(n, t, 3, self.heads, -1).permute(2, 0, 3, 1, 4).split((2, 1))
        q, k = rotate(both, rotary)  # each (N, H, T, W)
        attended = F.scaled_dot_product_attention(q[:, :, -wanted:], k, v[0])
        gathered: Tensor = self.out(attended.transpose(1, 2).flatten(2))
        return gathered


class DiTLayer(nn.Module):
    """``x + attention(norm(x))``, then ``x + feed_forward(norm(x))``."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.attention_norm = LayerNorm(config.dim)
        self.attention = Attention(config.dim, config.heads)
        self.feed_forward_norm = LayerNorm(config.dim)
        self.feed_forward = GatedFeedForward(config.dim, config.feed_forward_factor * config.dim)

    def forward(self, x: Tensor, rotary: Rotary, wanted: int) -> Tensor:
        """The last `wanted` tokens after this layer."""
        x = x[:, -wanted:] + self.attention(self.attention_norm(x), rotary, wanted)
        fed: Tensor = self.feed_forward(self.feed_forward_norm(x))
        return x + fed


class AcousticDiT(nn.Module):
    """The velocity of noisy latents at a diffusion time (1 is noise, 0 is music)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.time_frequencies = nn.Parameter(torch.zeros(config.timestep_features // 2, 1))
        self.time_inner = nn.Linear(config.timestep_features, config.dim, bias=False)
        self.time_outer = nn.Linear(config.dim, config.dim)
        self.project_in = nn.Linear(config.latent_channels, config.dim)
        self.layers = nn.ModuleList(DiTLayer(config) for _ in range(config.dit_layers))
        self.project_out = nn.Linear(config.dim, config.latent_channels)

    def time_embedding(self, times: Tensor) -> Tensor:
        """Embeddings of diffusion times; (N,) float32 to (N, D)."""
        inner = self.time_inner(self.time_features(times).to(self.time_frequencies.dtype))
        embedding: Tensor = self.time_outer(F.silu(inner))
        return embedding

    def time_features(self, times: Tensor) -> Tensor:
        """Learned Fourier features of diffusion times; (N,) to (N, features), cosines first."""
        angles = 2 * math.pi * times[:, None] @ self.time_frequencies.float().T
        return torch.cat([angles.cos(), angles.sin()], dim=-1)

    def rotary(self, device: torch.device) -> Rotary:
        """Tables of the token positions."""
        head = self.config.head_dim
        return rotary_table(2 + 3 * self.config.patch, head, max(head // 2, 32), self.config.dit_rotary_base, device)

    def context(self, hidden: Tensor, sketch: Tensor, previous: Tensor) -> Tensor:
        """The tokens that stay the same during a solve.

        Args:
            hidden: of the language model after the patch's sketch tokens, (N, D).
            sketch: embeddings of the patch's sketch tokens, (N, P, D).
            previous: latents of the previous patch (zeros before the first), (N, P, C).

        Returns:
            Shape (N, 1 + 2P, D).
        """
        history = self.project_in(previous.to(sketch.dtype))
        return torch.cat([hidden[:, None], sketch, history], dim=1)

    def velocity(self, noisy: Tensor, time: Tensor, context: Tensor, rotary: Rotary) -> Tensor:
        """The velocity of noisy latents.

        Args:
            noisy: (N, P, C), any floating type.
            time: embeddings of the diffusion time, (N, D) or (1, D) for all rows.
            context: from `context`.
            rotary: from `rotary`.

        Returns:
            Shape (N, P, C), float32.
        """
        x = torch.cat(
            [time[:, None].expand(len(noisy), 1, -1), context, self.project_in(noisy.to(context.dtype))], dim=1
        )
        last = len(self.layers) - 1
        for number, layer in enumerate(self.layers):
            # Only the noisy tokens are read after the last layer, so only they are computed there.
            x = layer(x, rotary, self.config.patch if number == last else x.shape[1])
        velocity: Tensor = self.project_out(x)
        return velocity.float()

    def forward(self, noisy: Tensor, times: Tensor, hidden: Tensor, sketch: Tensor, previous: Tensor) -> Tensor:
        """The velocity of each row at a time of its own (training); shapes as in `context` and `velocity`."""
        rotary = self.rotary(noisy.device)
        return self.velocity(noisy, self.time_embedding(times), self.context(hidden, sketch, previous), rotary)
