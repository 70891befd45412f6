"""From logits to sketch tokens: repetition penalty, temperature, top-k or top-p, and the draw.

Every draw takes a uniform number given from outside and inverts the distribution at it, so that a song's tokens
follow from its own random stream alone, on any device and in any company.

Shapes: S songs, V = sketch vocabulary + 1 (the last id ends the song), W tokens of the repetition window.
"""

from __future__ import annotations

import torch
from torch import Tensor

from systems.layers.draws import invert_cumulative
from systems.songbloom.config import DecodingConfig


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


def sample(logits: Tensor, uniform: Tensor, config: DecodingConfig) -> Tensor:
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
        probabilities, order = top_p(probabilities, config.top_p)
        return order.gather(1, invert_cumulative(probabilities, uniform)[:, None])[:, 0]
    if 0 < config.top_k < probabilities.shape[-1]:
        probabilities = top_k(probabilities, config.top_k)
    return invert_cumulative(probabilities, uniform)


def top_p(probabilities: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """The likeliest tokens that hold a share, likeliest first, and 0 for the others; with their ids; both (S, V)."""
    probabilities, order = probabilities.sort(dim=-1, descending=True)
    before = probabilities.cumsum(dim=-1) - probabilities
    return torch.where(before > share, 0.0, probabilities), order


def top_k(probabilities: Tensor, k: int) -> Tensor:
    """The k likeliest tokens, with all that are as likely as the last of them, and 0 for the others; (S, V)."""
    least = probabilities.topk(k, dim=-1).values[:, -1:]
    return torch.where(probabilities < least, 0.0, probabilities)
