"""Random numbers that follow from the seed of a run and a song's id alone, the same on every device.

They are hashed and drawn as upstream does, so that equal seeds give equal noise there and here. An upstream song id is
the stem of the vocal's file: renaming the file gives another accompaniment.
"""

from __future__ import annotations

from hashlib import blake2b

import torch
from torch import Tensor

from systems.ladaband.config import Strategy


def _hash(text: str) -> int:
    """64 bits of a text, as a whole number."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def sample_seed(seed: int, song_id: str) -> int:
    """The seed of everything that is drawn for a song (tokens, the decoder's noise): 0 to 2^31 - 2."""
    return _hash(f"{seed}|{song_id}") % (2**31 - 1)


def step_seed(seed: int | None, song_id: str | None, step: int, purpose: str) -> int:
    """The seed of what a song's re-masking draws after one pass: 0 to 2^63 - 2.

    Args:
        seed: of the run; None: 0.
        song_id: None: ``unknown``.
        step: number of the pass, from 0.
        purpose: ``low_confidence_remask`` or ``random_remask``.
    """
    return _hash(f"{seed or 0}|{song_id or 'unknown'}|{step}|{purpose}") % (2**63 - 1)


def _generator(seed: int | None, song_id: str | None, step: int, strategy: Strategy) -> torch.Generator:
    return torch.Generator().manual_seed(step_seed(seed, song_id, step, f"{strategy}_remask"))


def gumbel_noise(seed: int | None, song_id: str | None, step: int, frames: int) -> Tensor:
    """Gumbel noise for the confidences of a pass, shape (frames,), float32; arguments as for `step_seed`."""
    uniform = torch.empty(frames).uniform_(1e-20, 1, generator=_generator(seed, song_id, step, "low_confidence"))
    return -torch.log(-torch.log(uniform))


def random_scores(seed: int | None, song_id: str | None, step: int, frames: int) -> Tensor:
    """Scores of the strategy ``random``, in [0, 1), shape (frames,), float32; arguments as for `step_seed`."""
    return torch.rand(frames, generator=_generator(seed, song_id, step, "random"))


def position_scores(seed: int | None, song_id: str | None, frames: int) -> Tensor:
    """Scores of the strategy ``fixed_position``, 0 to 1, shape (frames,), float32; the same for all passes."""
    start = f"{seed or 0}|{song_id or 'unknown'}"
    hashes = [_hash(f"{start}|{position}|fixed_position") / (2**64 - 1) for position in range(frames)]
    return torch.tensor(hashes, dtype=torch.float32)
