"""Random numbers that follow from names and numbers alone, so that a training can go on anywhere.

Nothing keeps a generator from one step to the next: what is drawn at a step follows from the training's seed, what the
draw is for, and which step and song it is.
"""

from __future__ import annotations

import torch

from songbench.domain.hashing import derived_seed


def derived_generator(*parts: str | int) -> torch.Generator:
    """A generator on the CPU that starts from `songbench.domain.hashing.derived_seed` of these parts."""
    return torch.Generator().manual_seed(derived_seed(*parts))
