"""Drawing accompaniments from the mask predictor by iterative denoising, for several songs at once.

All frames begin masked. A pass predicts every masked frame; the surest are kept for good, the rest is masked again. The
songs of a batch may have any lengths; each one's tokens follow from its own vocal, prefix, id and the seed.

Shapes: T frames of a song, M of them masked, C width of a condition vector.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from systems.ladaband.causal import decode_causally
from systems.ladaband.config import SamplerConfig
from systems.ladaband.predictor import MaskPredictor
from systems.ladaband.schedules import remask_counts
from systems.ladaband.seeds import gumbel_noise, position_scores, random_scores
from systems.ladaband.token_draws import Progress, TokenDraws, draws_of, filtered
from systems.ladaband.vocal_tokens import VocalTokens, checked_vocal

_ROWS = 4096
"""Frames whose logits are held at once: 268 MB for 16384 tokens."""


@dataclass(frozen=True, kw_only=True)
class SongPass:
    """What one pass did to one song.

    Attributes:
        frames: which were masked before it, ascending, (M,).
        tokens: what was drawn for them, (M,).
        confidences: the filtered probabilities of these tokens, or the largest ones, as the settings say, (M,).
        remasked: which of the frames were masked again, ascending.
    """

    frames: Tensor
    tokens: Tensor
    confidences: Tensor
    remasked: Tensor


class Denoising:
    """The accompaniments of some songs while they are drawn.

    Nothing inside a pass waits for the device: how many frames are masked is known beforehand.

    Args:
        model: the predictor, on any device.
        songs: at least one.
        config: how to draw.
        draws: one per song; empty: as `config` says.

    Raises:
        InputError: a song without frames, a token that is not in the vocabulary, a prefix of another shape.
    """

    def __init__(
        self,
        model: MaskPredictor,
        songs: Sequence[VocalTokens],
        config: SamplerConfig,
        draws: Sequence[TokenDraws] = (),
    ) -> None:
        self._model, self._config = model, config
        self._device = model.acc_embed.weight.device
        self._ratios = config.remask_ratios
        vocals = [checked_vocal(song, model.config).to(self._device) for song in songs]
        prefixes = [None if song.prefix is None else song.prefix.to(self._device) for song in songs]
        self._lengths = [len(vocal) for vocal in vocals]
        self._counts = [remask_counts(self._ratios, length) for length in self._lengths]
        self._draws = list(draws) or [draws_of(song, self.steps, config, model) for song in songs]
        self._noise = [self._noise_of(song) for song in songs]
        with torch.no_grad():
            self._packed = model.pack(vocals, prefixes)
        self._ids = torch.full((sum(self._lengths),), model.config.mask, device=self._device)
        self._masked = [torch.arange(length, device=self._device) for length in self._lengths]
        self._step = 0

    @property
    def steps(self) -> int:
        """How many passes there are."""
        return len(self._ratios)

    @property
    def tokens(self) -> list[Tensor]:
        """The accompaniment of each song so far, (T,), on the model's device: what the next pass gets."""
        return list(self._ids.split(self._lengths))

    def _noise_of(self, song: VocalTokens) -> Tensor | None:
        """What is added to (or taken for) the scores of the frames, (passes, T); None: nothing."""
        config, frames = self._config, len(song.ids)
        seed = config.seed if song.seed is None else song.seed
        if config.strategy == "fixed_position":
            scores = position_scores(seed, song.id, frames).expand(self.steps, -1)
        elif config.strategy == "random":
            scores = torch.stack([random_scores(seed, song.id, step, frames) for step in range(self.steps)])
        elif config.strategy == "low_confidence" and config.mask_temperature:
            noise = (gumbel_noise(seed, song.id, step, frames) for step in range(self.steps))
            scores = torch.stack([_noise_share(config, step) * part for step, part in enumerate(noise)])
        else:
            return None
        return scores.to(self._device)

    @torch.no_grad()
    def advance(self) -> list[SongPass]:
        """Make the next pass; returns what it did to each song."""
        hidden = self._model.encode_packed(self._packed, self._ids).split(self._lengths)
        passes = [self._advance_song(number, vectors) for number, vectors in enumerate(hidden)]
        self._step += 1
        return passes

    def _advance_song(self, number: int, hidden: Tensor) -> SongPass:
        ids, frames = self.tokens[number], self._masked[number]
        tokens, confidences = self._draw_tokens(number, hidden[frames], frames)
        remasked = self._remasked(number, frames, confidences)
        ids[frames] = tokens
        ids[remasked] = self._model.config.mask
        self._masked[number] = remasked
        return SongPass(frames=frames, tokens=tokens, confidences=confidences, remasked=remasked)

    def _draw_tokens(self, number: int, hidden: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens and confidences of masked frames, both (M,), of their hidden vectors (M, D)."""
        tokens, confidences = list[Tensor](), list[Tensor]()
        for vectors, rows in zip(hidden.split(_ROWS), frames.split(_ROWS), strict=True):
            candidates = filtered(self._model.logits(vectors), self._config)
            tokens.append(self._draws[number].draw(self._step, rows, candidates))
            likeliest = candidates.probabilities.amax(dim=-1) if self._config.confidence == "maximum" else None
            confidences.append(candidates.probabilities_of(tokens[-1]) if likeliest is None else likeliest)
        return torch.cat(tokens), torch.cat(confidences)

    def _remasked(self, number: int, frames: Tensor, confidences: Tensor) -> Tensor:
        """Which of the masked frames, (M,), are masked again: those with the lowest scores."""
        count, noise = self._counts[number][self._step], self._noise[number]
        if count >= len(frames):
            return frames
        if self._config.strategy == "low_confidence":
            scores = confidences.clamp_min(1e-20).log()
            if noise is not None:
                scores = scores + noise[self._step, frames]
        elif noise is not None:
            scores = noise[self._step, frames]
        else:
            scores = confidences
        return frames[scores.argsort(stable=True)[:count]].sort().values


def _noise_share(config: SamplerConfig, step: int) -> float:
    """How much noise the scores get after a pass."""
    progress = float(torch.tensor((step + 1) / config.steps, dtype=torch.float32))
    return config.mask_temperature * (1.0 - progress)


def sample(
    model: MaskPredictor,
    songs: Sequence[VocalTokens],
    config: SamplerConfig,
    draws: Sequence[TokenDraws] = (),
    progress: Progress | None = None,
) -> list[Tensor]:
    """The accompaniments of some songs.

    Args:
        model: the predictor, in evaluation mode.
        songs: of any lengths; memory grows with the sum of their frames.
        config: how to draw; with ``causal`` the songs are decoded from left to right.
        draws: one per song, instead of what `config` says.
        progress: called after each pass, or each frame of the longest song if decoding is causal.

    Returns:
        Accompaniment ids of each song, (T,), int64, on the model's device.

    Raises:
        InputError: see `Denoising`.
    """
    if not songs:
        return []
    if config.causal:
        return decode_causally(model, songs, config, draws, progress)
    denoising = Denoising(model, songs, config, draws)
    for step in range(denoising.steps):
        denoising.advance()
        if progress:
            progress(step + 1, denoising.steps)
    return [tokens.clone() for tokens in denoising.tokens]
