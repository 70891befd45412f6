"""Where a song's draws come from. Shapes: T frames of a song, M of them masked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

import torch
from torch import Tensor

from systems.ladaband.config import SamplerConfig
from systems.ladaband.filters import Candidates, candidates_of
from systems.ladaband.predictor import MaskPredictor
from systems.ladaband.seeds import sample_seed
from systems.ladaband.vocal_tokens import VocalTokens

Progress: TypeAlias = Callable[[int, int], None]
"""Told how many steps of how many are done. On a CUDA device they may still be under way."""


class TokenDraws(Protocol):
    """Where a song's draws come from."""

    def draw(self, step: int, frames: Tensor, candidates: Candidates) -> Tensor:
        """Tokens of some frames.

        Args:
            step: number of the pass, from 0; in causal decoding, of the frame.
            frames: which, ascending, (M,); in causal decoding, which has one frame per pass, 0.
            candidates: what they are drawn from, M rows.

        Returns:
            Ids, (M,).
        """


class SeededTokenDraws:
    """Draws that follow from a song's seed, the same on every device and in any company.

    A frame's random number depends on the pass and the frame alone, not on which other frames are masked.

    Args:
        seed: from `sample_seed`.
        steps: passes.
        frames: of the song; in causal decoding 1.
        device: where the draws are made.
    """

    def __init__(self, seed: int, steps: int, frames: int, device: torch.device | str) -> None:
        generator = torch.Generator().manual_seed(seed)
        self._uniform = torch.rand(steps, frames, generator=generator).to(device)

    def draw(self, step: int, frames: Tensor, candidates: Candidates) -> Tensor:
        """See `TokenDraws`."""
        return candidates.at(self._uniform[step, frames])


class MultinomialTokenDraws:
    """The draws that ``torch.multinomial`` makes of all frames, masked or not, under a song's seed, as upstream.

    A token is the one with the largest ratio of its probability to an exponential number of its own, so every pass
    takes as many random numbers as there are logits. A CPU's and a CUDA device's differ.

    Args:
        seed: from `sample_seed`.
        frames: of the song; in causal decoding 1.
        vocabulary: how many tokens there are.
        device: where the draws are made.
    """

    def __init__(self, seed: int, frames: int, vocabulary: int, device: torch.device | str) -> None:
        self._generator = torch.Generator(device).manual_seed(seed)
        self._exponential = torch.empty(frames, vocabulary, device=device)
        self._step = -1

    def draw(self, step: int, frames: Tensor, candidates: Candidates) -> Tensor:
        """See `TokenDraws`; steps are asked for in order."""
        while self._step < step:
            self._exponential.exponential_(generator=self._generator)
            self._step += 1
        divisors = self._exponential[frames]
        if candidates.ids is not None:
            divisors = divisors.gather(1, candidates.ids)
        return candidates.tokens((candidates.probabilities / divisors).argmax(dim=-1))


class GreedyTokenDraws:
    """Always the likeliest token."""

    def draw(self, step: int, frames: Tensor, candidates: Candidates) -> Tensor:
        """See `TokenDraws`."""
        return candidates.likeliest()


def filtered(logits: Tensor, config: SamplerConfig) -> Candidates:
    """What tokens are drawn from, of logits (N, V)."""
    return candidates_of(logits.float(), top_k=config.top_k, top_p=config.top_p, temperature=config.temperature)


def draws_of(song: VocalTokens, steps: int, config: SamplerConfig, model: MaskPredictor) -> TokenDraws:
    """A song's draws as the settings say, for `steps` passes, or one per frame if decoding is causal."""
    if config.greedy:
        return GreedyTokenDraws()
    seed = sample_seed(config.seed if song.seed is None else song.seed, song.id)
    device = model.acc_embed.weight.device
    steps, frames = (len(song.ids), 1) if config.causal else (steps, len(song.ids))
    if config.draws == "multinomial":
        return MultinomialTokenDraws(seed, frames, model.config.accompaniment_vocabulary, device)
    return SeededTokenDraws(seed, steps, frames, device)
