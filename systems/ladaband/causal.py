"""Decoding frame by frame from left to right: the paper's autoregressive ablation. Only for models trained for it.

As upstream, the prefix's rows see each other, although in training each saw only those before it.

Shapes: B songs, T frames, P prefix rows, D width, H heads, G key and value heads, W head width.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from systems.ladaband.config import SamplerConfig
from systems.ladaband.predictor import MaskPredictor
from systems.ladaband.token_draws import Progress, TokenDraws, draws_of, filtered
from systems.ladaband.transformer import attend_within
from systems.ladaband.vocal_tokens import VocalTokens, checked_vocal
from systems.layers.attention import Attend
from systems.layers.rotary import RoPE


class _LayerCache:
    """Keys and values of one layer for some songs.

    Args:
        keys: to be filled, (B, G, slots, W).
        values: of the same shape.
        bias: the lowest number for slots that a song never fills, else 0, (B, 1, 1, slots); None: all are filled.
    """

    def __init__(self, keys: Tensor, values: Tensor, bias: Tensor | None) -> None:
        self._keys, self._values, self._bias = keys, values, bias

    def fill(self, present: Tensor) -> Attend:
        """Attention of the prefix to itself, whose keys and values are kept; `present` are its real rows, (B, P)."""
        attend_prefix = attend_within(present)

        def attend(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
            self._keys[:, :, : keys.shape[2]], self._values[:, :, : keys.shape[2]] = keys, values
            return attend_prefix(queries, keys, values)

        return attend

    def at(self, slot: int) -> Attend:
        """Attention of one frame per song to itself and what is before it; for the first songs, one per query."""

        def attend(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
            songs, groups, _, width = keys.shape
            self._keys[:songs, :, slot : slot + 1], self._values[:songs, :, slot : slot + 1] = keys, values
            attended = F.scaled_dot_product_attention(
                queries.reshape(songs, groups, -1, width),  # the heads of a group as if they were its positions
                self._keys[:songs, :, : slot + 1],
                self._values[:songs, :, : slot + 1],
                None if self._bias is None else self._bias[:songs, ..., : slot + 1],
            )
            return attended.reshape(songs, -1, 1, width)

        return attend


class _SongsCache:
    """The keys and values of some songs, whose prefixes, of any lengths, end at the same slot.

    Args:
        model: the predictor.
        prefixes: condition vectors of each song, (P, C), or None.
        frames: of the longest song.
    """

    def __init__(self, model: MaskPredictor, prefixes: Sequence[Tensor | None], frames: int) -> None:
        weight = model.acc_embed.weight
        conditions = [model.conditions(None if part is None else part[None].to(weight.device)) for part in prefixes]
        lengths = [0 if rows is None else rows.shape[1] for rows, _ in conditions]
        self._model, self._most = model, max(lengths)
        self._shift = torch.cat([torch.zeros_like(weight[None, :1]) + shift for _, shift in conditions])
        self._starts = torch.tensor([self._most - length for length in lengths], device=weight.device)
        slots = torch.arange(self._most + frames, device=weight.device)
        self._rope = model.rope(len(slots), weight.device)
        present = slots >= self._starts[:, None]
        bias = None
        if len(set(lengths)) > 1:
            absent = torch.full_like(present, torch.finfo(weight.dtype).min, dtype=weight.dtype)
            bias = absent.masked_fill(present, 0.0)[:, None, None]
        shape = (len(prefixes), model.config.key_value_heads, len(slots), model.config.head_dim)
        self._layers = [_LayerCache(weight.new_zeros(shape), weight.new_zeros(shape), bias) for _ in model.lm.layers]
        if self._most:
            empty = weight.new_zeros(1, 0, model.config.dim)
            rows = [
                F.pad(empty if part is None else part, (0, 0, self._most - length, 0))
                for (part, _), length in zip(conditions, lengths, strict=True)
            ]
            positions = (slots[: self._most] - self._starts[:, None]).clamp_min(0)
            cos, sin = (table[positions][:, None] for table in (self._rope.cos, self._rope.sin))
            attends = [layer.fill(present[:, : self._most]) for layer in self._layers]
            model.lm(torch.cat(rows), RoPE(cos, sin, self._rope.turned), attends)

    def advance(self, frame: int, vocal: Tensor, previous: Tensor) -> Tensor:
        """Hidden vectors, (B, D), of a frame of the first songs, as many as are given.

        Args:
            frame: its number.
            vocal: the songs' vocal ids there, (B,).
            previous: their accompaniment ids of the frame before, the mask for the first one, (B,).
        """
        songs, slot = len(vocal), self._most + frame
        x = self._model.embed_frames(vocal[:, None], previous[:, None], self._shift[:songs])
        rope = self._rope.at(slot - self._starts[:songs], 1)
        hidden: Tensor = self._model.lm(x, rope, [layer.at(slot) for layer in self._layers])
        return hidden[:, 0]


@torch.no_grad()
def decode_causally(
    model: MaskPredictor,
    songs: Sequence[VocalTokens],
    config: SamplerConfig,
    draws: Sequence[TokenDraws] = (),
    progress: Progress | None = None,
) -> list[Tensor]:
    """The accompaniments of some songs, each frame seeing the vocal and the accompaniment up to it.

    Args:
        model: trained causally, in evaluation mode.
        songs: of any lengths.
        config: how to draw.
        draws: one per song, asked for one pass per frame; empty: as `config` says.
        progress: called after each frame of the longest song.

    Returns:
        Accompaniment ids of each song, (T,), int64, on the model's device.

    Raises:
        InputError: a song without frames, a token that is not in the vocabulary, a prefix of another shape.
    """
    device = model.acc_embed.weight.device
    vocals = [checked_vocal(song, model.config).to(device) for song in songs]
    draws = list(draws) or [draws_of(song, 1, config, model) for song in songs]
    tokens = [torch.empty_like(vocal) for vocal in vocals]
    # The longest song first, so that those that end leave from the last row on.
    order = sorted(range(len(songs)), key=lambda number: -len(vocals[number]))
    frames = len(vocals[order[0]])
    cache = _SongsCache(model, [songs[number].prefix for number in order], frames)
    last = torch.full((len(songs),), model.config.mask, device=device)
    only_frame = torch.zeros(1, dtype=torch.long, device=device)
    for frame in range(frames):
        active = [number for number in order if len(vocals[number]) > frame]
        vocal = torch.stack([vocals[number][frame] for number in active])
        candidates = filtered(model.logits(cache.advance(frame, vocal, last[: len(active)])), config)
        for row, number in enumerate(active):
            tokens[number][frame : frame + 1] = draws[number].draw(frame, only_frame, candidates.row(row))
        last = torch.stack([tokens[number][frame] for number in active])
        if progress:
            progress(frame + 1, frames)
    return tokens
