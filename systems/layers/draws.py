"""Draws from a distribution, each by a uniform number that is given. Shapes: N draws, V outcomes."""

from __future__ import annotations

import torch
from torch import Tensor


def invert_cumulative(weights: Tensor, uniform: Tensor) -> Tensor:
    """The index at which the cumulative share of `weights` first exceeds `uniform`.

    Args:
        weights: not negative, not all zero, (N, V).
        uniform: in [0, 1), (N,).

    Returns:
        Indices, (N,); never one of weight zero.
    """
    total = weights.cumsum(dim=-1)
    # `uniform` is at most 1 - 2^-24, so that after rounding, too, the target stays below the end of the scale, behind
    # which there are only weights of zero.
    target = uniform.to(total)[:, None] * total[:, -1:]
    # Logits that are not numbers would give an index beyond the end, which stops a CUDA device for good.
    return torch.searchsorted(total, target, right=True)[:, 0].clamp(max=weights.shape[-1] - 1)
