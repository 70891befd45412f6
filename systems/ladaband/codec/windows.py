"""Lengths, windows and overlaps of MuCodec: which samples a token hears, which tokens a window decodes.

Sound is encoded in windows of 1024 tokens that know nothing of each other, and decoded in windows of 1024 tokens of
which each goes on from the last quarter of the one before. Samples and tokens beyond the end are those from the
beginning again, as often as it takes.

Upstream cuts sound into windows of 40.97 s although their 1024 tokens last 40.96 s, so that with every window tokens
stand for sound another 10 ms later than their place says, and rounds lengths in floating point. The tokens that the
released weights were trained on are made so, hence it is the default (``released``); ``exact`` is the same without both
slips.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from systems.ladaband.config import FRAME_RATE, SAMPLE_RATE

TOKEN_SAMPLES = SAMPLE_RATE // FRAME_RATE
"""Samples per token: 1920."""

WINDOW_TOKENS = 1024
"""Tokens of a window, 40.96 s."""

WINDOW_SAMPLES = WINDOW_TOKENS * TOKEN_SAMPLES

HOP_TOKENS = 768
"""How far windows are apart when they are decoded; the rest overlaps."""

OVERLAP_TOKENS = WINDOW_TOKENS - HOP_TOKENS

OVERLAP_SAMPLES = OVERLAP_TOKENS * TOKEN_SAMPLES

Timing: TypeAlias = Literal["released", "exact"]
"""How lengths are rounded and windows are cut; see this module's text."""

_DRIFT = {"released": 480, "exact": 0}
"""Samples by which a window of sound is longer than its tokens."""

LOUDEST = 0.8
"""The peak to which louder songs are brought down before they are encoded.

Upstream then brings single channels of a window down to 0.9, of which there can be none.
"""


def token_count(samples: int, timing: Timing = "released") -> int:
    """How many tokens that many samples give: ``floor(25 · seconds) + 1``.

    In upstream's floating point an exact multiple of a token's length can come out one lower (1.16 s: 29, not 30).
    """
    if timing == "released":
        return int(samples / float(SAMPLE_RATE) * FRAME_RATE) + 1
    return samples // TOKEN_SAMPLES + 1


def sample_count(tokens: int, timing: Timing = "released") -> int:
    """How many samples that many tokens give: 1920 each.

    In upstream's floating point it can come out one lower (251 tokens: 481919).
    """
    if timing == "released":
        return int(tokens / 100 * 4 * SAMPLE_RATE)
    return tokens * TOKEN_SAMPLES


def limited(samples: Tensor, peak: float, dims: tuple[int, ...]) -> Tensor:
    """Samples brought down to a peak where they exceed it.

    Args:
        samples: any shape.
        peak: the highest absolute value allowed.
        dims: over which the peak is taken; each of the others has its own.
    """
    highest = samples.abs().amax(dims, keepdim=True)
    return samples / torch.where(highest > peak, highest / peak, torch.ones_like(highest))


def levelled(samples: Tensor) -> Tensor:
    """A song as upstream encodes it: NaN as zero, cut off at ±1, brought down to a peak of `LOUDEST`.

    Args:
        samples: shape (channels, n).
    """
    return limited(samples.nan_to_num(0.0).clamp(-1, 1), LOUDEST, (0, 1))


def window_starts(samples: int, timing: Timing = "released") -> list[int]:
    """Where the windows begin that are needed for all tokens of that many samples."""
    stride = WINDOW_SAMPLES + _DRIFT[timing]
    return [window * stride for window in range(-(-token_count(samples, timing) // WINDOW_TOKENS))]


def sound_window(samples: Tensor, start: int, timing: Timing = "released") -> Tensor:
    """One window of a song that is repeated without end.

    Args:
        samples: shape (channels, n).
        start: from `window_starts`.
        timing: how long windows are.

    Returns:
        Shape (channels, 1966080), 480 samples more if `released`.
    """
    end = start + WINDOW_SAMPLES + _DRIFT[timing]
    total = samples.shape[-1]
    parts, position = [], start
    while position < end:
        first = position % total
        parts.append(samples[..., first : min(total, first + end - position)])
        position += parts[-1].shape[-1]
    return torch.cat(parts, -1)


def token_windows(ids: Tensor) -> Tensor:
    """The tokens of a song in overlapping windows, repeated from the beginning where they end too early.

    Upstream repeats all but fails for songs of 896 tokens more than a multiple of 768, 1664 the first of them, as it
    takes them for complete.

    Args:
        ids: shape (T,).

    Returns:
        Shape (windows, 1024), each beginning 768 tokens after the one before.
    """
    count = max(1, -(-(len(ids) - OVERLAP_TOKENS) // HOP_TOKENS))
    places = torch.arange(count * HOP_TOKENS + OVERLAP_TOKENS, device=ids.device) % len(ids)
    return ids[places].unfold(0, WINDOW_TOKENS, HOP_TOKENS)


def cross_faded(pieces: Iterable[Tensor], overlap: int) -> Tensor:
    """Pieces joined one after the other, each blended in linearly over what is there already.

    Args:
        pieces: shape (..., n) with n >= overlap; at least one.
        overlap: samples by which neighbours overlap.
    """
    remaining = iter(pieces)
    joined = next(remaining)
    rising = torch.linspace(0, 1, overlap, device=joined.device)
    for piece in remaining:
        edge = joined.shape[-1] - overlap
        blend = torch.lerp(joined[..., edge:], piece[..., :overlap], rising)
        joined = torch.cat([joined[..., :edge], blend, piece[..., overlap:]], -1)
    return joined
