"""The predictor's transformer: LLaMA blocks whose keys and values are shared by groups of heads.

Modules are called as in the released checkpoints. Shapes: N rows, S positions, D width, H heads, G key and value heads,
W head width.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from systems.ladaband.config import PredictorConfig
from systems.layers.attention import Attend
from systems.layers.norms import RMSNorm
from systems.layers.rotary import RoPE, apply_rope


class GroupedAttention(nn.Module):
    """The linear maps of self-attention with H heads of queries and G of keys and values, without biases."""

    def __init__(self, config: PredictorConfig) -> None:
        super().__init__()
        self.head_dim = config.head_dim
        self.q_proj = nn.Linear(config.dim, config.heads * config.head_dim, bias=False)
        self.k_proj = nn.Linear(config.dim, config.key_value_heads * config.head_dim, bias=False)
        self.v_proj = nn.Linear(config.dim, config.key_value_heads * config.head_dim, bias=False)
        self.o_proj = nn.Linear(config.heads * config.head_dim, config.dim, bias=False)

    def forward(self, x: Tensor, rope: RoPE, attend: Attend) -> Tensor:
        """What every position gathers.

        Args:
            x: (N, S, D).
            rope: tables that broadcast against (N, H, S, W).
            attend: takes queries (N, H, S, W), keys and values (N, G, S, W); gives (N, H, S, W).

        Returns:
            Shape (N, S, D).
        """
        queries, keys, values = (
            projection(x).unflatten(-1, (-1, self.head_dim)).transpose(1, 2)
            for projection in (self.q_proj, self.k_proj, self.v_proj)
        )
        attended = attend(apply_rope(queries, rope), apply_rope(keys, rope), values)
        merged: Tensor = self.o_proj(attended.transpose(1, 2).flatten(2))
        return merged


class GatedFeedForward(nn.Module):
    """The feed-forward layer ``down(silu(gate(x)) * up(x))`` without biases."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(dim, hidden, bias=False)
        self.up_proj = nn.Linear(dim, hidden, bias=False)
        self.down_proj = nn.Linear(hidden, dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (..., D) to (..., D)."""
        down: Tensor = self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))
        return down


class LlamaBlock(nn.Module):
    """``x + attention(norm(x))``, then ``x + feed_forward(norm(x))``."""

    def __init__(self, config: PredictorConfig) -> None:
        super().__init__()
        self.self_attn = GroupedAttention(config)
        self.mlp = GatedFeedForward(config.dim, config.feed_forward)
        self.input_layernorm = RMSNorm(config.dim, config.norm_eps)
        self.post_attention_layernorm = RMSNorm(config.dim, config.norm_eps)

    def forward(self, x: Tensor, rope: RoPE, attend: Attend) -> Tensor:
        """Shape (N, S, D) to (N, S, D); see `GroupedAttention`."""
        x = x + self.self_attn(self.input_layernorm(x), rope, attend)
        hidden: Tensor = self.mlp(self.post_attention_layernorm(x))
        return x + hidden


class LlamaStack(nn.Module):
    """All blocks and the final norm. Whether positions see later ones is a matter of `attend` alone.

    ``embed_tokens`` is never used, but every checkpoint holds it.
    """

    def __init__(self, config: PredictorConfig) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(1, config.dim)
        self.embed_tokens.weight.requires_grad_(False)
        self.layers = nn.ModuleList(LlamaBlock(config) for _ in range(config.layers))
        self.norm = RMSNorm(config.dim, config.norm_eps)

    def forward(self, x: Tensor, rope: RoPE, attends: Sequence[Attend]) -> Tensor:
        """Shape (N, S, D) to (N, S, D); `attends` holds one function per block, see `GroupedAttention`."""
        for layer, attend in zip(self.layers, attends, strict=True):
            x = layer(x, rope, attend)
        normed: Tensor = self.norm(x)
        return normed


def shared_heads(keys_or_values: Tensor, heads: int) -> Tensor:
    """Keys or values (N, G, S, W) repeated for every head of their group, (N, H, S, W)."""
    return keys_or_values.repeat_interleave(heads // keys_or_values.shape[1], dim=1)


def attend_within(allowed: Tensor | None = None, *, causal: bool = False, dropout: float = 0.0) -> Attend:
    """What positions gather from those that they may see.

    Forbidden positions get the lowest number that the type has, as upstream, not minus infinity: a row that may see
    nothing at all averages over everything instead of becoming NaN.

    Args:
        allowed: which positions are real, (N, S); None: all.
        causal: whether a position sees itself and earlier ones only.
        dropout: share of the weights that is dropped.
    """
    biases: dict[torch.dtype, Tensor] = {}

    def bias(queries: Tensor) -> Tensor | None:
        if allowed is None:
            return None
        if queries.dtype not in biases:  # the same for all layers; autocast decides the type
            visible = allowed[:, None, None]
            if causal:
                visible = visible & torch.ones_like(visible[0, 0].expand(visible.shape[-1], -1)).tril()
            lowest = torch.full((), torch.finfo(queries.dtype).min, dtype=queries.dtype, device=queries.device)
            biases[queries.dtype] = torch.where(visible, torch.zeros_like(lowest), lowest)
        return biases[queries.dtype]

    def attend(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        heads = queries.shape[1]
        return F.scaled_dot_product_attention(
            queries,
            shared_heads(keys, heads),
            shared_heads(values, heads),
            attn_mask=bias(queries),
            dropout_p=dropout,
            is_causal=causal and allowed is None,
        )

    return attend


def attend_by_song(lengths: Sequence[int]) -> Attend:
    """What positions gather from all positions of their own song, where songs of any length stand in one row.

    Args:
        lengths: positions of each song, in order.
    """
    attend_song = attend_within()

    def attend(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        songs = zip(*(tensor.split(list(lengths), dim=2) for tensor in (queries, keys, values)), strict=True)
        return torch.cat([attend_song(*song) for song in songs], dim=2)

    return attend
