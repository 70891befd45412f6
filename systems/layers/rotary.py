"""Rotary position embedding (RoPE). Shapes: W head width."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class RoPE(NamedTuple):
    """Rotary position embedding as tables: a component becomes ``itself * cos + partner * sin``.

    The first `turned` components of a head turn, each with the one half of `turned` away from it.

    Attributes:
        cos: (positions, W); 1 for components that do not turn.
        sin: (positions, W); negative for the first of two partners, 0 for components that do not turn.
        turned: how many components turn, an even number.
    """

    cos: Tensor
    sin: Tensor
    turned: int

    def at(self, positions: Tensor, rows: int) -> RoPE:
        """The tables of the rows of several songs that are each at one position.

        Args:
            positions: of the songs, shape (songs,).
            rows: per song.

        Returns:
            cos and sin of shape (songs * rows, 1, 1, W).
        """
        cos, sin = (table[positions].repeat_interleave(rows, 0)[:, None, None] for table in (self.cos, self.sin))
        return RoPE(cos, sin, self.turned)


def rope_table(positions: int, head: int, turned: int, base: float, device: torch.device | str = "cpu") -> RoPE:
    """Tables of the positions 0..positions-1.

    They are computed and kept in float32 whatever the model's type: rounding the frequencies to bfloat16, as casting a
    whole model does, turns the fastest components by several radians at the end of a long song.

    Args:
        positions: how many.
        head: width of a head, W.
        turned: how many of its first components turn; each turns with the one half of `turned` away from it.
        base: of the frequencies.
        device: where the tables lie.

    Returns:
        cos and sin of shape (positions, W).
    """
    frequencies = 1.0 / base ** (torch.arange(0, turned, 2, dtype=torch.float32, device=device) / turned)
    angles = torch.arange(positions, dtype=torch.float32, device=device)[:, None] * frequencies
    still = torch.zeros(positions, head - turned, device=device)
    cos = torch.cat([angles.cos(), angles.cos(), still + 1], dim=-1)
    sin = torch.cat([-angles.sin(), angles.sin(), still], dim=-1)
    return RoPE(cos, sin, turned)


def apply_rope(x: Tensor, rope: RoPE) -> Tensor:
    """Turn queries and keys by their position.

    Args:
        x: shape (..., W).
        rope: tables that broadcast against it.

    Returns:
        The shape and type of `x`; computed in float32.
    """
    wide, turned, half = x.float(), rope.turned, rope.turned // 2
    # Pieces are copied, not gathered by an index of single components, which takes three to four times as long.
    partners = torch.cat([wide[..., half:turned], wide[..., :half], wide[..., turned:]], dim=-1)
    return torch.addcmul(wide * rope.cos, partners, rope.sin).to(x.dtype)
