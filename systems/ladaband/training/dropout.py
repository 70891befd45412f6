"""Conditions that are left out of training steps, so that the model also learns to do without."""

from __future__ import annotations

import torch
from torch import Tensor

SEED = 8
"""Of the dropout's own generator, in the released training code."""


class ConditionDropout:
    """Sets condition vectors to zero, each modality and each item by itself.

    Args:
        chance: of a vector to be dropped, 0 to 1.
        seed: of the generator, which nothing else draws from.
    """

    def __init__(self, chance: float, seed: int = SEED) -> None:
        self.chance = chance
        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self, *modalities: Tensor) -> tuple[Tensor, ...]:
        """The vectors of each modality, some of them zero now.

        Args:
            modalities: of shape (B, W) each, on any device; LaDA-Band drops the text first, then the reference.
        """
        return tuple(
            vectors * (torch.rand(len(vectors), generator=self.generator) >= self.chance)[:, None].to(vectors)
            for vectors in modalities
        )
