"""Random numbers that follow from names and numbers alone, so that a training can go on anywhere.

Nothing keeps a generator from one step to the next: what is drawn at a step follows from the training's seed, what the
draw is for, and which step and song it is.
"""

from __future__ import annotations

import hashlib

import torch


def derived_seed(*parts: str | int) -> int:
    """A seed, 0 to 2⁶³ - 1, for what these parts name; other parts give an unrelated one."""
    digest = hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def derived_generator(*parts: str | int) -> torch.Generator:
    """A generator on the CPU that starts from `derived_seed`."""
    return torch.Generator().manual_seed(derived_seed(*parts))
