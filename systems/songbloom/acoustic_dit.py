"""The acoustic diffusion transformer: noise to the latents of one patch, by a rectified flow.

One evaluation reads 50 tokens: ``[time][hidden vector of the language model][16 sketch tokens][16 latents of the
previous patch][16 noisy latents]`` and gives the velocity of the last 16 (SongBloom, arXiv 2506.07634, section 4.2).
What an ablation takes away is left out of the row (table 4 of the paper), and later tokens move up to its positions.

Shapes: N rows, P frames of a patch, C latent channels, D model width, W head width.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from systems.layers.attention import attend_fully
from systems.layers.rotary import RoPE, rope_table
from systems.songbloom.config import ModelConfig
from systems.songbloom.layers import DecoderLayers, LayerNorm


class AcousticDiT(nn.Module):
    """The velocity of noisy latents at a diffusion time (1 is noise, 0 is music)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.time_frequencies = nn.Parameter(torch.randn(config.timestep_features // 2, 1))
        self.time_inner = nn.Linear(config.timestep_features, config.dim, bias=False)
        self.time_outer = nn.Linear(config.dim, config.dim)
        self.project_in = nn.Linear(config.latent_channels, config.dim)
        self.layers = DecoderLayers(config, LayerNorm, config.dit_layers)
        self.project_out = nn.Linear(config.dim, config.latent_channels)

    def time_embedding(self, times: Tensor) -> Tensor:
        """Embeddings of diffusion times; (N,) float32 to (N, D)."""
        inner = self.time_inner(self.time_features(times).to(self.time_frequencies.dtype))
        embedding: Tensor = self.time_outer(F.silu(inner))
        return embedding

    def time_features(self, times: Tensor) -> Tensor:
        """Learned Fourier features of diffusion times; (N,) to (N, features), cosines first."""
        # A product of numbers, not of matrices: those are rounded to bfloat16 in mixed precision, which angles are not.
        angles = 2 * math.pi * times[:, None] * self.time_frequencies.float().T
        return torch.cat([angles.cos(), angles.sin()], dim=-1)

    def rope(self, device: torch.device) -> RoPE:
        """Tables of the token positions, (tokens, W); half of each head turns, at least 32 components."""
        head = self.config.head_dim
        return rope_table(self.config.dit_tokens, head, max(head // 2, 32), self.config.dit_rotary_base, device)

    def context(self, hidden: Tensor, sketch: Tensor, previous: Tensor) -> Tensor:
        """The tokens that stay the same during a solve.

        Args:
            hidden: of the language model after the patch's sketch tokens, (N, D).
            sketch: embeddings of the patch's sketch tokens, (N, P, D), or of none, (N, 0, D).
            previous: latents of the previous patch (zeros before the first), (N, P, C).

        Returns:
            Shape (N, tokens, D): 1 + 2P tokens, or fewer where the configuration leaves some out.
        """
        parts = [hidden[:, None]] if self.config.dit_hidden else []
        if self.config.dit_sketch_tokens:
            parts.append(sketch)
        if self.config.dit_context:
            parts.append(self.project_in(previous.to(hidden.dtype)))
        return torch.cat(parts, dim=1)

    def velocity(self, noisy: Tensor, time: Tensor, context: Tensor, rope: RoPE) -> Tensor:
        """The velocity of noisy latents.

        Args:
            noisy: (N, P, C), any floating type.
            time: embeddings of the diffusion time, (N, D) or (1, D) for all rows.
            context: from `context`.
            rope: from `rope`.

        Returns:
            Shape (N, P, C), float32.
        """
        patch = self.config.patch

        def attend_from_noisy(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
            return attend_fully(queries[:, :, -patch:], keys, values)

        x = torch.cat(
            [time[:, None].expand(len(noisy), 1, -1), context, self.project_in(noisy.to(context.dtype))], dim=1
        )
        last = len(self.layers) - 1
        for number in range(len(self.layers)):
            # Only the noisy tokens are read after the last layer, so only they are computed there.
            x = self.layers.call(number, x, rope, attend_from_noisy if number == last else attend_fully)
        velocity: Tensor = self.project_out(x)
        return velocity.float()

    def forward(self, noisy: Tensor, times: Tensor, hidden: Tensor, sketch: Tensor, previous: Tensor) -> Tensor:
        """The velocity of each row at a time of its own (training); shapes as in `context` and `velocity`."""
        context = self.context(hidden, sketch, previous)
        return self.velocity(noisy, self.time_embedding(times), context, self.rope(noisy.device))
