"""The mask predictor: from the vocal's tokens and a partly masked accompaniment to the accompaniment's tokens.

A position stands for a frame of 40 ms and holds both tracks: the first half of its embedding is the vocal's token, the
second the accompaniment's. Condition vectors stand before the frames as rows of their own. Every position sees every
other. LaDA-Band, arXiv 2604.11052, section 4; parameters are called as in the released checkpoints.

Shapes: B songs, T frames, P prefix rows, S = P + T positions, D width, C width of a condition vector, V accompaniment
tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from songbench.domain.errors import InputError
from systems.ladaband.config import PredictorConfig, PrefixOrder
from systems.ladaband.transformer import LlamaStack, attend_by_song, attend_within
from systems.layers.attention import Attend
from systems.layers.rotary import RoPE, rope_table


def stack_conditions(text: Tensor | None, reference: Tensor | None, order: PrefixOrder) -> Tensor | None:
    """The prefix of a song.

    Args:
        text: vector of the text, (C,) or (..., C).
        reference: vector of the reference accompaniment, of the same shape.
        order: which is row 0.

    Returns:
        Shape (..., 2, C), zeros for a condition that is not given, as in training; None where neither is.
    """
    present = reference if text is None else text
    if present is None:
        return None
    text, reference = (torch.zeros_like(present) if vector is None else vector for vector in (text, reference))
    return torch.stack([reference, text] if order == "reference_first" else [text, reference], dim=-2)


@dataclass(frozen=True, kw_only=True)
class PackedSongs:
    """Songs of any length in one row, each with its prefix before its frames; no position is padding.

    Attributes:
        embeddings: of everything but the accompaniment's tokens, (1, N, D) for N positions of all songs.
        frames: which positions are frames, (F,).
        lengths: positions of each song.
        rope: of each position within its song.
    """

    embeddings: Tensor
    frames: Tensor
    lengths: tuple[int, ...]
    rope: RoPE


class MaskPredictor(nn.Module):
    """LaDA-Band's network.

    Args:
        config: sizes.
    """

    def __init__(self, config: PredictorConfig) -> None:
        super().__init__()
        self.config = config
        half = config.dim // 2
        self.lm = LlamaStack(config)
        self.voc_embed = nn.Embedding(config.vocal_vocabulary + 1, half)
        self.acc_embed = nn.Embedding(config.accompaniment_vocabulary + 2, half)
        self.to_logits = nn.Linear(config.dim, config.accompaniment_vocabulary, bias=False)
        self.rtd_head = nn.Linear(config.dim, 1) if config.rtd_head else None
        fits = config.condition_dim == config.projected_dim
        self.clamp_proj = nn.Identity() if fits else nn.Linear(config.condition_dim, config.projected_dim)
        self._initialise()

    def _initialise(self) -> None:
        for part in self.modules():
            if isinstance(part, nn.Linear | nn.Embedding):
                nn.init.normal_(part.weight, std=self.config.initial_deviation)
            if isinstance(part, nn.Linear) and part.bias is not None:
                nn.init.zeros_(part.bias)

    def forward(
        self,
        vocal_ids: Tensor,
        accompaniment_ids: Tensor,
        prefix: Tensor | None = None,
        valid: Tensor | None = None,
        causal: bool = False,
    ) -> Tensor:
        """Scores of the accompaniment's tokens at every position.

        Args:
            vocal_ids: (B, T).
            accompaniment_ids: masked or not, (B, T).
            prefix: condition vectors, (B, P, C), or (B, C) for one; None: none.
            valid: which frames are seen, (B, T); None: those whose vocal is not padding.
            causal: whether positions see earlier ones only.

        Returns:
            Shape (B, S, V) with the prefix's rows first; with ``condition_mode`` ``add`` there are none, so S = T.
        """
        return self.logits(self.encode(vocal_ids, accompaniment_ids, prefix, valid, causal))

    def encode(
        self,
        vocal_ids: Tensor,
        accompaniment_ids: Tensor,
        prefix: Tensor | None = None,
        valid: Tensor | None = None,
        causal: bool = False,
    ) -> Tensor:
        """Hidden vectors after the final norm, (B, S, D); arguments as for `forward`."""
        x = self.embed(vocal_ids, accompaniment_ids, prefix)
        valid = vocal_ids != self.config.vocal_pad if valid is None else valid.bool()
        rows = x.shape[1] - valid.shape[1]
        allowed = None if valid.all() else nn.functional.pad(valid, (rows, 0), value=True)
        dropout = self.config.attention_dropout if self.training else 0.0
        attend = attend_within(allowed, causal=causal, dropout=dropout)
        hidden: Tensor = self.lm(x, self.rope(x.shape[1], x.device), self.in_all_layers(attend))
        return hidden

    def embed(self, vocal_ids: Tensor, accompaniment_ids: Tensor, prefix: Tensor | None = None) -> Tensor:
        """What the first layer sees, (B, S, D); arguments as for `forward`."""
        rows, shift = self.conditions(prefix)
        frames = self.embed_frames(vocal_ids, accompaniment_ids, shift)
        return frames if rows is None else torch.cat([rows, frames], dim=-2)

    def embed_frames(self, vocal_ids: Tensor, accompaniment_ids: Tensor, shift: Tensor | float = 0.0) -> Tensor:
        """Frames as positions, (B, T, D); `shift`, see `conditions`, is added to both tracks."""
        return torch.cat([self.voc_embed(vocal_ids) + shift, self.acc_embed(accompaniment_ids) + shift], dim=-1)

    def conditions(self, prefix: Tensor | None) -> tuple[Tensor | None, Tensor | float]:
        """How condition vectors enter.

        Args:
            prefix: (B, P, C) or (B, C).

        Returns:
            The rows before the frames, (B, P, D), if there are any; and what is added to each half of all frames,
            (B, 1, D / 2) or 0.

        Raises:
            InputError: the vectors have another width.
        """
        if prefix is None:
            return None, 0.0
        if prefix.shape[-1] != self.config.condition_dim:
            raise InputError(
                f"Condition vectors have {prefix.shape[-1]} numbers, the model wants {self.config.condition_dim}.",
                field="prefix",
            )
        if prefix.ndim == 2:
            prefix = prefix[:, None]
        prefix = prefix.to(self.acc_embed.weight.dtype)
        if self.config.condition_mode == "prefix":
            return self.clamp_proj(prefix), 0.0
        return None, self.clamp_proj(prefix.mean(dim=1, keepdim=True))

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores of the accompaniment's tokens, (..., V), of hidden vectors (..., D)."""
        scores: Tensor = self.to_logits(hidden.to(self.to_logits.weight.dtype))
        return scores

    def rtd_logits(self, hidden: Tensor) -> Tensor:
        """Log-odds that a frame's token was replaced, (...,), of hidden vectors (..., D).

        Raises:
            InputError: the model has no such head.
        """
        if self.rtd_head is None:
            raise InputError("This model has no head that tells replaced tokens.", field="rtd_head")
        scores: Tensor = self.rtd_head(hidden.to(self.rtd_head.weight.dtype))
        return scores.squeeze(-1)

    def rope(self, positions: int, device: torch.device | str) -> RoPE:
        """Rotary tables of the first positions, of any number: they are computed when they are needed."""
        return rope_table(positions, self.config.head_dim, self.config.head_dim, self.config.rotary_base, device)

    def in_all_layers(self, attend: Attend) -> list[Attend]:
        """The same attention for every layer."""
        return [attend] * self.config.layers

    def pack(self, vocals: Sequence[Tensor], prefixes: Sequence[Tensor | None]) -> PackedSongs:
        """Songs in one row, ready for `encode_packed`.

        Args:
            vocals: vocal ids of each song, (T,).
            prefixes: condition vectors of each song, (P, C), or None.
        """
        half = self.config.dim // 2
        device = self.acc_embed.weight.device
        songs, frames, lengths, start = list[Tensor](), list[Tensor](), list[int](), 0
        for vocal, prefix in zip(vocals, prefixes, strict=True):
            rows, shift = self.conditions(None if prefix is None else prefix[None])
            accompaniment = torch.zeros(1, len(vocal), half, dtype=self.acc_embed.weight.dtype, device=device) + shift
            song = torch.cat([self.voc_embed(vocal)[None] + shift, accompaniment], dim=-1)
            before = 0 if rows is None else rows.shape[1]
            songs += [song] if rows is None else [rows, song]
            frames.append(torch.arange(start + before, start + before + len(vocal), device=device))
            lengths.append(before + len(vocal))
            start += lengths[-1]
        table = self.rope(max(lengths), device)
        cos, sin = (torch.cat([part[:length] for length in lengths]) for part in (table.cos, table.sin))
        return PackedSongs(
            embeddings=torch.cat(songs, dim=1),
            frames=torch.cat(frames),
            lengths=tuple(lengths),
            rope=RoPE(cos, sin, table.turned),
        )

    def encode_packed(self, songs: PackedSongs, accompaniment_ids: Tensor) -> Tensor:
        """Hidden vectors of the frames of all songs, (F, D), after the final norm.

        Args:
            songs: from `pack`.
            accompaniment_ids: masked or not, of the songs one after the other, (F,).
        """
        x = songs.embeddings.clone()
        x[0, songs.frames, self.config.dim // 2 :] += self.acc_embed(accompaniment_ids)
        hidden: Tensor = self.lm(x, songs.rope, self.in_all_layers(attend_by_song(songs.lengths)))
        return hidden[0, songs.frames]
