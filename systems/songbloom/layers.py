"""What both transformers are made of: layer norm, self-attention, SwiGLU, and a layer of these.

Shapes: N rows, T tokens, D model width, H heads, W head width.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from systems.layers.attention import Attend
from systems.layers.rotary import RoPE, apply_rope
from systems.songbloom.config import ModelConfig


class SwiGLU(nn.Module):
    """The feed-forward layer ``down(silu(gate(x)) * up(x))`` without biases; `gate` and `up` are one matrix product."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.gate_up = nn.Linear(dim, 2 * hidden, bias=False)
        self.down = nn.Linear(hidden, dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (..., dim) to (..., dim)."""
        gate, up = self.gate_up(x).chunk(2, dim=-1)
        hidden = F.silu(gate)
        # Where no gradient needs both factors, their product takes the place of one; memory for it costs a CPU more.
        hidden = hidden * up if hidden.requires_grad else hidden.mul_(up)
        down: Tensor = self.down(hidden)
        return down


class LayerNorm(nn.Module):
    """Layer norm with a learned gain and a fixed shift (kept in checkpoints, zero in all released ones; eps 1e-5)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(dim))
        self.register_buffer("beta", torch.zeros(dim))
        self.beta: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Shape (..., dim) to (..., dim)."""
        return F.layer_norm(x, x.shape[-1:], self.gamma, self.beta, 1e-5)


class SelfAttention(nn.Module):
    """The linear maps of multi-head self-attention without biases; q, k and v are one matrix product."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.out = nn.Linear(dim, dim, bias=False)

    def project(self, x: Tensor, rope: RoPE) -> tuple[Tensor, Tensor, Tensor]:
        """Queries and keys (turned by their position) and values, each (N, H, T, W), of `x` (N, T, D)."""
        n, t, _ = x.shape
        queries_keys, values = self.qkv(x).view(n, t, 3, self.heads, -1).permute(2, 0, 3, 1, 4).split((2, 1))
        queries, keys = apply_rope(queries_keys, rope)
        return queries, keys, values[0]

    def merge(self, attended: Tensor) -> Tensor:
        """The output (N, T, D) of what the heads gathered (N, H, T, W)."""
        merged: Tensor = self.out(attended.transpose(1, 2).flatten(2))
        return merged


class DecoderLayer(nn.Module):
    """A layer of either transformer: ``x + attention(norm(x))``, then ``x + feed_forward(norm(x))``.

    Args:
        config: sizes.
        norm: the kind of norm, made for the model's width.
    """

    def __init__(self, config: ModelConfig, norm: Callable[[int], nn.Module]) -> None:
        super().__init__()
        self.attention_norm = norm(config.dim)
        self.attention = SelfAttention(config.dim, config.heads)
        self.feed_forward_norm = norm(config.dim)
        self.feed_forward = SwiGLU(config.dim, config.feed_forward_factor * config.dim)

    def project(self, x: Tensor, rope: RoPE) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values, each (N, H, T, W), of the layer's input (N, T, D)."""
        return self.attention.project(self.attention_norm(x), rope)

    def forward(self, x: Tensor, rope: RoPE, attend: Attend) -> Tensor:
        """The layer's output for as many of the last tokens as `attend` gathers for.

        Args:
            x: (N, T, D).
            rope: tables that broadcast against (N, H, T, W).
            attend: what queries gather from keys and values.

        Returns:
            Shape (N, T', D).
        """
        attended = attend(*self.project(x, rope))
        x = x[:, -attended.shape[2] :] + self.attention.merge(attended)
        hidden: Tensor = self.feed_forward(self.feed_forward_norm(x))
        return x + hidden


class DecoderLayers(nn.ModuleList):
    """The layers of a transformer.

    Attributes:
        checkpoint: keep a layer's input instead of what is inside it, and compute that again for the gradient. It saves
            memory for about a third more time. Not re-entrant, so that weights get gradients although no input of the
            first layer needs one, as when only adapters learn.
    """

    def __init__(self, config: ModelConfig, norm: Callable[[int], nn.Module], count: int) -> None:
        super().__init__(DecoderLayer(config, norm) for _ in range(count))
        self.checkpoint = False

    def call(self, number: int, x: Tensor, rope: RoPE, attend: Attend) -> Tensor:
        """The output of one layer; see `DecoderLayer.forward`."""
        output: Tensor
        if self.checkpoint and torch.is_grad_enabled():
            output = checkpoint(self[number], x, rope, attend, use_reentrant=False)
        else:
            output = self[number](x, rope, attend)
        return output
