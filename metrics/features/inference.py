"""How neural extractors run: without gradients, in plain float32, the same every time."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def exact() -> Iterator[None]:
    """Inference without TF32 and without kernels that are picked by a race.

    torch leaves TF32 (10 bits of mantissa) on for convolutions on CUDA, and lets cuDNN choose among algorithms by
    timing them; both move scores in the third digit from one machine or run to the next.
    """
    import torch

    products = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = False
    try:
        with (
            torch.inference_mode(),
            torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False),
        ):
            yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = products


@contextmanager
def random_state_kept() -> Iterator[None]:
    """Put the random generators of Python and torch back afterwards: some models seed them while they are built."""
    import torch

    state = random.getstate()
    try:
        with torch.random.fork_rng(devices=[]):  # models are built on the CPU
            yield
    finally:
        random.setstate(state)
