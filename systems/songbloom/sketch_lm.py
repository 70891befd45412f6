"""The sketch language model: a causal LLaMA decoder over embeddings, 25 sketch tokens a second.

Its input is ``[prompt 250][lyrics 600][BOS][s1 … s16][A1][s17 … s32][A2] …``: sketch tokens in patches of 16, each
patch followed by one embedding of its latents (SongBloom, arXiv 2506.07634, section 4.1; LLaMA as in transformers
4.44).

Shapes: S songs, R = 2 rows per song (conditional, null), T positions, D model width, H heads, W head width.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from systems.songbloom.config import ModelConfig
from systems.songbloom.layers import GatedFeedForward, RMSNorm, Rotary, rotary_table, rotate


class KeyValueCache:
    """Keys and values of every position so far, allocated once for the longest song.

    Args:
        config: sizes of the model.
        slots: how many songs are decoded at once.
        rows: rows per song (2 with guidance, 1 without).
        length: the most positions a song can have, prefix included.
        device: where it lies.
        dtype: of keys and values.
        zeroed: whether it is read beyond what was written: masked attention still multiplies what it masks, which must
            be finite. Where it is not, the pages of a CPU's cache take no memory until they are written.
    """

    def __init__(
        self,
        config: ModelConfig,
        slots: int,
        rows: int,
        length: int,
        device: torch.device,
        dtype: torch.dtype,
        *,
        zeroed: bool,
    ) -> None:
        shape = (config.lm_layers, slots, rows, config.heads, length, config.head_dim)
        make = torch.zeros if zeroed else torch.empty
        self.keys = make(shape, device=device, dtype=dtype)
        self.values = make(shape, device=device, dtype=dtype)
        self.length = length

    @property
    def bytes(self) -> int:
        """Size in bytes."""
        return 2 * self.keys.numel() * self.keys.element_size()


class SelfAttention(nn.Module):
    """Multi-head causal self-attention with rotary positions; q, k and v are one matrix product."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.out = nn.Linear(dim, dim, bias=False)

    def project(self, x: Tensor, rotary: Rotary) -> tuple[Tensor, Tensor, Tensor]:
        """Queries and keys (rotated) and values, each (N, H, T, W), of `x` (N, T, D)."""
        n, t, _ = x.shape
        both, v = self.qkv(x).view(n, t, 3, self.heads, -1).permute(2, 0, 3, 1, 4).split((2, 1))
        q, k = rotate(both, rotary)
        return q, k, v[0]

    def merge(self, attended: Tensor) -> Tensor:
        """The output (N, T, D) of what the heads gathered (N, H, T, W)."""
        merged: Tensor = self.out(attended.transpose(1, 2).flatten(2))
        return merged


class DecoderLayer(nn.Module):
    """``x + attention(norm(x))``, then ``x + feed_forward(norm(x))``."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.attention_norm = RMSNorm(config.dim)
        self.attention = SelfAttention(config.dim, config.heads)
        self.feed_forward_norm = RMSNorm(config.dim)
        self.feed_forward = GatedFeedForward(config.dim, config.feed_forward_factor * config.dim)

    def step(self, x: Tensor, keys: Tensor, values: Tensor, positions: Tensor, seen: Tensor, rotary: Rotary) -> Tensor:
        """One position of every row with fixed shapes; see `SketchLM.step_all`.

        Args:
            x: (S·R, 1, D).
            keys: this layer's cache, (S, R, H, length of the cache, W); written at `positions`.
            values: likewise.
            positions: (S,).
            seen: which positions each row may look at, (S·R, 1, 1, length), for the first `length` of the cache.
            rotary: tables that broadcast against (S·R, H, 1, W).
        """
        slots = torch.arange(len(keys), device=x.device)
        q, k, v = self.attention.project(self.attention_norm(x), rotary)  # (S·R, H, 1, W)
        for stored, new in ((keys, k), (values, v)):
            stored[slots, :, :, positions] = new.unflatten(0, keys.shape[:2])[:, :, :, 0]
        length = seen.shape[-1]
        past_keys, past_values = (one[..., :length, :].flatten(0, 1) for one in (keys, values))
        x = x + self.attention.merge(F.scaled_dot_product_attention(q, past_keys, past_values, attn_mask=seen))
        fed: Tensor = self.feed_forward(self.feed_forward_norm(x))
        return x + fed


def _of_rows(rotary: Rotary, rows: int) -> Rotary:
    """Tables of one position per song, (S, W), for the rows of each: (S·R, 1, 1, W)."""
    cos, sin = (table.repeat_interleave(rows, 0)[:, None, None] for table in (rotary.cos, rotary.sin))
    return Rotary(cos, sin, rotary.partner)


class SketchLM(nn.Module):
    """Embeddings in, hidden vectors out; logits of the next sketch token from these."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.bos = nn.Parameter(torch.zeros(config.dim))
        self.layers = nn.ModuleList(DecoderLayer(config) for _ in range(config.lm_layers))
        self.norm = RMSNorm(config.dim)
        self.classifier = nn.Sequential(
            nn.Linear(config.dim, config.dim, bias=False),
            nn.SiLU(),
            nn.Linear(config.dim, config.sketch_vocabulary + 1),
        )

    def _layers(self) -> Iterable[DecoderLayer]:
        return cast(Iterable[DecoderLayer], self.layers)

    def rotary(self, length: int, device: torch.device) -> Rotary:
        """Tables of the first `length` positions."""
        head = self.config.head_dim
        return rotary_table(length, head, head, self.config.lm_rotary_base, device)

    def forward(self, x: Tensor) -> Tensor:
        """Hidden vectors of whole sequences (teacher forcing), without a cache.

        Args:
            x: embeddings from position 0 on, shape (N, T, D).

        Returns:
            Shape (N, T, D), after the final norm.
        """
        rotary = self.rotary(x.shape[1], x.device)
        for layer in self._layers():
            q, k, v = layer.attention.project(layer.attention_norm(x), rotary)
            x = x + layer.attention.merge(F.scaled_dot_product_attention(q, k, v, is_causal=True))
            x = x + layer.feed_forward(layer.feed_forward_norm(x))
        hidden: Tensor = self.norm(x)
        return hidden

    def prefill(self, prefix: Tensor, keys: Tensor, values: Tensor) -> None:
        """Write keys and values of a prefix into a cache.

        Args:
            prefix: embeddings of positions 0..T-1, shape (N, T, D).
            keys: the rows to write, shape (layers, N, H, length, W) with length >= T.
            values: likewise.
        """
        t = prefix.shape[1]
        rotary = self.rotary(t, prefix.device)
        x, last = prefix, len(self.layers) - 1
        for number, layer in enumerate(self._layers()):
            q, k, v = layer.attention.project(layer.attention_norm(x), rotary)
            keys[number][..., :t, :], values[number][..., :t, :] = k, v
            if number == last:  # nothing reads what the last layer would go on to compute
                return
            x = x + layer.attention.merge(F.scaled_dot_product_attention(q, k, v, is_causal=True))
            x = x + layer.feed_forward(layer.feed_forward_norm(x))

    def step_each(
        self,
        x: Tensor,
        cache: KeyValueCache,
        slots: Sequence[int],
        positions: Sequence[int],
        rotary: Rotary,
    ) -> Tensor:
        """One position of several songs, each attending to its own past and nothing else.

        The weights are read once for all songs; attention goes song by song, so that no song computes or reads the
        padding of another. This is the way for a CPU; `step_all` is the one for an accelerator.

        Args:
            x: embeddings, shape (S, R, D).
            cache: of all slots.
            slots: the slot of each song.
            positions: the position of each song's embedding.
            rotary: from `rotary`, at least as long as the largest position.

        Returns:
            Hidden vectors, shape (S, R, D).
        """
        s, r, d = x.shape
        here = _of_rows(rotary.at(torch.tensor(positions, device=x.device)), r)
        x = x.reshape(s * r, 1, d)
        for number, layer in enumerate(self._layers()):
            q, k, v = layer.attention.project(layer.attention_norm(x), here)  # (S·R, H, 1, W)
            attended = torch.empty_like(q)
            for i, (slot, position) in enumerate(zip(slots, positions, strict=True)):
                rows = slice(i * r, (i + 1) * r)
                keys, values = cache.keys[number, slot], cache.values[number, slot]  # (R, H, length, W)
                keys[:, :, position] = k[rows, :, 0]
                values[:, :, position] = v[rows, :, 0]
                past = slice(position + 1)
                attended[rows] = F.scaled_dot_product_attention(q[rows], keys[:, :, past], values[:, :, past])
            x = x + layer.attention.merge(attended)
            x = x + layer.feed_forward(layer.feed_forward_norm(x))
        hidden: Tensor = self.norm(x)
        return hidden.view(s, r, d)

    def step_all(self, x: Tensor, cache: KeyValueCache, positions: Tensor, length: int, rotary: Rotary) -> Tensor:
        """One position of every slot with fixed shapes and without a look at any value, so that it can be captured.

        Args:
            x: embeddings, shape (S, R, D) with one song per slot of the cache.
            cache: of all slots.
            positions: the position of each slot's embedding, shape (S,), on the device.
            length: how many positions of the cache to read; larger than every position.
            rotary: from `rotary`, at least `length` long.

        Returns:
            Hidden vectors, shape (S, R, D).
        """
        s, r, d = x.shape
        here = _of_rows(rotary.at(positions), r)
        seen = torch.arange(length, device=x.device) <= positions[:, None]  # (S, length)
        seen = seen.repeat_interleave(r, 0)[:, None, None]  # (S·R, 1, 1, length)
        x = x.reshape(s * r, 1, d).contiguous()  # rows of one song may share memory: another case for `torch.compile`
        for number, layer in enumerate(self._layers()):
            x = layer.step(x, cache.keys[number], cache.values[number], positions, seen, here)
        hidden: Tensor = self.norm(x)
        return hidden.view(s, r, d)

    def logits(self, hidden: Tensor) -> Tensor:
        """Logits of the next sketch token (the last of them ends the song), float32, shape (..., vocabulary + 1)."""
        logits: Tensor = self.classifier(hidden)
        return logits.float()
