"""What queries gather from keys and values. Shapes: N rows, H heads, T tokens, W head width."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch.nn.functional as F
from torch import Tensor

Attend: TypeAlias = Callable[[Tensor, Tensor, Tensor], Tensor]
"""What queries gather: queries, keys and values, each (N, H, T, W), to (N, H, T', W) for the last T' <= T tokens.

This is where the uses of a layer differ: a causal mask, a KV cache, fewer queries than keys.
"""


def attend_causally(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Every token gathers from itself and those before it; see `Attend`."""
    return F.scaled_dot_product_attention(queries, keys, values, is_causal=True)


def attend_fully(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """The queries gather from all tokens; see `Attend`."""
    return F.scaled_dot_product_attention(queries, keys, values)
