"""What both transformers are made of: norms, rotary positions (RoPE), self-attention, SwiGLU, and a layer of these.

Shapes: N rows, T tokens, D model width, H heads, W head width.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from systems.songbloom.config import ModelConfig

Attend: TypeAlias = Callable[[Tensor, Tensor, Tensor], Tensor]
"""What queries gather: queries, keys and values, each (N, H, T, W), to (N, H, T', W) for the last T' <= T tokens.

This is where the uses of a layer differ: a causal mask, a KV cache, fewer queries than keys.
"""


class SwiGLU(nn.Module):
    """The feed-forward layer ``down(silu(gate(x)) * up(x))`` without biases; `gate` and `up` are one matrix product."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.gate_up = nn.Linear(dim, 2 * hidden, bias=False)
        self.down = nn.Linear(hidden, dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (..., dim) to (..., dim)."""
        gate, up = self.gate_up(x).chunk(2, dim=-1)
        down: Tensor = self.down(F.silu(gate) * up)
        return down


class RMSNorm(nn.Module):
    """Root-mean-square norm (LLaMA; eps 1e-6), computed in float32 inside whatever the input's type."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        """Shape (..., dim) to (..., dim)."""
        return F.rms_norm(x, x.shape[-1:], self.weight, 1e-6)


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


class RoPE(NamedTuple):
    """Rotary position embedding as tables: a component becomes ``itself * cos + partner * sin``.

    Attributes:
        cos: (positions, W); 1 for components that do not turn.
        sin: (positions, W); negative for the first of two partners, 0 for components that do not turn.
        partner: which component each one turns with, (W,).
    """

    cos: Tensor
    sin: Tensor
    partner: Tensor

    def at(self, positions: Tensor, rows: int) -> RoPE:
        """The tables of the rows of several songs that are each at one position.

        Args:
            positions: of the songs, shape (songs,).
            rows: per song.

        Returns:
            cos and sin of shape (songs * rows, 1, 1, W).
        """
        cos, sin = (table[positions].repeat_interleave(rows, 0)[:, None, None] for table in (self.cos, self.sin))
        return RoPE(cos, sin, self.partner)


def rope_table(positions: int, head: int, turned: int, base: float, device: torch.device | str = "cpu") -> RoPE:
    """Tables of the positions 0..positions-1.

    They are computed and kept in float32 whatever the model's type: rounding the frequencies to bfloat16, as casting a
    whole model does, turns the fastest components by several radians at the end of a long song.

    Args:
        positions: how many.
        head: width of a head, W.
        turned: how many of its first components turn; each turns with the one half of `turned` away from it.
        base: of the frequencies.
        device: where the tables lie.

    Returns:
        cos and sin of shape (positions, W).
    """
    frequencies = 1.0 / base ** (torch.arange(0, turned, 2, dtype=torch.float32, device=device) / turned)
    angles = torch.arange(positions, dtype=torch.float32, device=device)[:, None] * frequencies
    still = torch.zeros(positions, head - turned, device=device)
    cos = torch.cat([angles.cos(), angles.cos(), still + 1], dim=-1)
    sin = torch.cat([-angles.sin(), angles.sin(), still], dim=-1)
    order = torch.arange(head, device=device)
    return RoPE(cos, sin, torch.cat([order[:turned].roll(turned // 2), order[turned:]]))


def apply_rope(x: Tensor, rope: RoPE) -> Tensor:
    """Turn queries and keys by their position.

    Args:
        x: shape (..., W).
        rope: tables that broadcast against it.

    Returns:
        The shape and type of `x`; computed in float32.
    """
    wide = x.float()
    return torch.addcmul(wide * rope.cos, wide[..., rope.partner], rope.sin).to(x.dtype)


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


def attend_causally(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Every token gathers from itself and those before it; see `Attend`."""
    return F.scaled_dot_product_attention(queries, keys, values, is_causal=True)


def attend_fully(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """The queries gather from all tokens; see `Attend`."""
    return F.scaled_dot_product_attention(queries, keys, values)


class PackedLinear(nn.Module):
    """A linear map for CPU inference whose weight is stored in oneDNN's blocked layout.

    The plain layout is multiplied by MKL, which on AMD machines leaves half of the vector width unused; oneDNN's
    kernels do not, and packing once saves reordering at every call. The numbers differ in the last bits only.
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self._packed = torch.ops.mkldnn._reorder_linear_weight(linear.weight.data)
        self._bias = None if linear.bias is None else linear.bias.data

    def forward(self, x: Tensor) -> Tensor:
        """Shape (..., in) to (..., out)."""
        result: Tensor = torch.ops.mkldnn._linear_pointwise(x, self._packed, self._bias, "none", [], "")
        return result


def pack_linears(module: nn.Module) -> None:
    """Replace every `nn.Linear` below `module` by a `PackedLinear`, one at a time so that memory does not double.

    Does nothing where oneDNN is not there (it is in every x86 and ARM build of torch) or the module is not on the CPU.
    """
    if not torch.backends.mkldnn.is_available():
        return
    parents = [part for part in module.modules() if not isinstance(part, nn.Linear)]  # holds on to no weight
    for parent in parents:
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Linear) and child.weight.device.type == "cpu":
                setattr(parent, name, PackedLinear(child))
