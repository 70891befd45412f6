"""Where a song's draws come from. Shapes: T frames of a song, M of them masked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

import torch
from torch import Tensor

from systems.ladaband.config import SamplerConfig
from systems.ladaband.filters import Candidates, candidates_of
from systems.ladaband.seeds import sample_seed
from systems.ladaband.vocal_tokens import VocalTokens

Progress: TypeAlias = Callable[[int, int], None]
"""Told how many steps of how many are done. On a CUDA device they may still be under way."""


class TokenDraws(Protocol):
    """Where a song's draws come from."""

    def draw(self, step: int, frames: Tensor, candidates: Candidates) -> Tensor:
        """Tokens of some frames.

        Args:
            step: number of the pass, from 0.
            frames: which, (M,).
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
        frames: of the song.
        device: where the draws are made.
    """

    def __init__(self, seed: int, steps: int, frames: int, device: torch.device | str) -> None:
        generator = torch.Generator().manual_seed(seed)
        self._uniform = torch.rand(steps, frames, generator=generator).to(device)

    def draw(self, step: int, frames: Tensor, candidates: Candidates) -> Tensor:
        """See `TokenDraws`."""
        return candidates.at(self._uniform[step, frames])


class GreedyTokenDraws:
    """Always the likeliest token."""

    def draw(self, step: int, frames: Tensor, candidates: Candidates) -> Tensor:
        """See `TokenDraws`."""
        return candidates.likeliest()


def filtered(logits: Tensor, config: SamplerConfig) -> Candidates:
    """What tokens are drawn from, of logits (N, V)."""
    return candidates_of(logits.float(), top_k=config.top_k, top_p=config.top_p, temperature=config.temperature)


def draws_of(song: VocalTokens, steps: int, config: SamplerConfig, device: torch.device | str) -> TokenDraws:
    """A song's draws as the settings say."""
    if config.greedy:
        return GreedyTokenDraws()
    return SeededTokenDraws(sample_seed(config.seed, song.id), steps, len(song.ids), device)
