"""The random numbers of one song.

They are drawn on the CPU from a generator of the song's own, in a fixed order, so that a seed gives the same numbers on
every device and whatever else is decoded beside the song.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from systems.songbloom.config import SongBloomConfig


@dataclass(frozen=True)
class PatchDraws:
    """The random numbers of one patch.

    Attributes:
        uniform: one per sketch token, in [0, 1), shape (patch,).
        noise: from which the latents are solved, shape (patch, channels).
    """

    uniform: Tensor
    noise: Tensor


class Draws(Protocol):
    """Where a song's random numbers come from."""

    def prompt(self, frames: int) -> Tensor:
        """Noise of the style prompt's bottleneck, shape (channels, frames); asked for once, before any patch."""

    def patch(self) -> PatchDraws:
        """The numbers of the next patch."""


class SeededDraws:
    """Random numbers that follow from a seed.

    Args:
        seed: any whole number.
        config: sizes.
    """

    def __init__(self, seed: int, config: SongBloomConfig) -> None:
        self._generator = torch.Generator().manual_seed(seed % 2**63)
        self._patch, self._channels = config.model.patch, config.model.latent_channels

    def prompt(self, frames: int) -> Tensor:
        """See `Draws`."""
        return torch.randn(self._channels, frames, generator=self._generator)

    def patch(self) -> PatchDraws:
        """See `Draws`."""
        uniform = torch.rand(self._patch, generator=self._generator)
        return PatchDraws(uniform, torch.randn(self._patch, self._channels, generator=self._generator))
