"""From logits to sketch tokens: guidance, repetition penalty, temperature, top-k or top-p, and the draw.

Every draw takes a uniform number given from outside and inverts the distribution at it, so that a song's tokens
follow from its own random stream alone, on any device and in any company.

Shapes: S songs, V = sketch vocabulary + 1 (the last id ends the song), W tokens of the repetition window.
"""

from __future__ import annotations

import torch
from torch import Tensor

from systems.songbloom.config import DecodingConfig


def guide(logits: Tensor, guidance: float) -> Tensor:
    """Classifier-free guidance; (S, 2, V) with rows conditional and null to (S, V). One row passes unchanged."""
    if logits.shape[1] == 1:
        return logits[:, 0]
    conditional, null = logits.unbind(1)
    return null + (conditional - null) * guidance


def penalise(logits: Tensor, recent: Tensor, penalty: float) -> Tensor:
    """Divide the logits of recent tokens, whatever their sign.

    Args:
        logits: (S, V).
        recent: ids, (S, W); the end token stands for "nothing" and is never penalised.
        penalty: the divisor.

    Returns:
        Shape (S, V).
    """
    divisor = torch.ones_like(logits).scatter_(1, recent, penalty)
    divisor[:, -1] = 1.0
    return logits / divisor


def choose(logits: Tensor, uniform: Tensor, config: DecodingConfig) -> Tensor:
    """One token per song.

    Args:
        logits: guided and penalised, (S, V), float32.
        uniform: numbers in [0, 1), (S,).
        config: sampling settings.

    Returns:
        Ids, (S,).
    """
    if not config.sampling:
        return logits.argmax(dim=-1)
    probabilities = torch.softmax(logits / config.temperature, dim=-1)
    if config.top_p > 0:
        probabilities, order = probabilities.sort(dim=-1, descending=True)
        before = probabilities.cumsum(dim=-1) - probabilities
        kept = torch.where(before > config.top_p, 0.0, probabilities)
        return order.gather(1, invert(kept, uniform)[:, None])[:, 0]
    if 0 < config.top_k < probabilities.shape[-1]:
        least = probabilities.topk(config.top_k, dim=-1).values[:, -1:]
        probabilities = torch.where(probabilities < least, 0.0, probabilities)
    return invert(probabilities, uniform)


def invert(weights: Tensor, uniform: Tensor) -> Tensor:
    """The index at which the cumulative share of `weights` first exceeds `uniform`.

    Args:
        weights: not negative, not all zero, (S, V).
        uniform: in [0, 1), (S,).

    Returns:
        Indices, (S,); never one of weight zero.
    """
    total = weights.cumsum(dim=-1)
    # `uniform` is at most 1 - 2^-24, so that after rounding, too, the target stays below the end of the scale, behind
    # which there are only weights of zero.
    target = uniform.to(total)[:, None] * total[:, -1:]
    # Logits that are not numbers would give an index beyond the end, which stops a CUDA device for good.
    return torch.searchsorted(total, target, right=True)[:, 0].clamp(max=weights.shape[-1] - 1)
