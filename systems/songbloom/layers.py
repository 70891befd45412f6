"""What both transformers are made of: linear maps, norms, gated feed-forward layers, rotary positions."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class GatedFeedForward(nn.Module):
    """``down(silu(gate(x)) * up(x))`` without biases; `gate` and `up` are one matrix product."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.gate_up = nn.Linear(dim, 2 * hidden, bias=False)
        self.down = nn.Linear(hidden, dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (..., dim) to (..., dim)."""
        gate, up = self.gate_up(x).chunk(2, dim=-1)
        down: Tensor = self.down(F.silu(gate) * up)
        return down


class RMSNorm(nn.Module):
    """Root-mean-square norm (LLaMA; eps 1e-6), computed in float32 inside whatever the input's type."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        """Shape (..., dim) to (..., dim)."""
        return F.rms_norm(x, x.shape[-1:], self.weight, 1e-6)


class LayerNorm(nn.Module):
    """Layer norm with a learned gain and a fixed shift (kept in checkpoints, zero in all released ones; eps 1e-5)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(dim))
        self.register_buffer("beta", torch.zeros(dim))
        self.beta: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Shape (..., dim) to (..., dim)."""
        return F.layer_norm(x, x.shape[-1:], self.gamma, self.beta, 1e-5)


class Rotary(NamedTuple):
    """Rotary positions as tables: a component becomes ``itself * cos + partner * sin``.

    Attributes:
        cos: (positions, head width); 1 for components that do not turn.
        sin: (positions, head width); negative for the first of two partners, 0 for components that do not turn.
        partner: which component each one turns with, (head width,).
    """

    cos: Tensor
    sin: Tensor
    partner: Tensor

    def at(self, positions: Tensor) -> Rotary:
        """The tables of some positions, (N,): cos and sin become (N, head width)."""
        return Rotary(self.cos[positions], self.sin[positions], self.partner)

    def first(self, positions: int) -> Rotary:
        """The tables of the first positions."""
        return Rotary(self.cos[:positions], self.sin[:positions], self.partner)


def rotary_table(positions: int, head: int, turned: int, base: float, device: torch.device | str = "cpu") -> Rotary:
    """Tables of the positions 0..positions-1.

    They are computed and kept in float32 whatever the model's type: rounding the frequencies to bfloat16, as casting a
    whole model does, turns the fastest components by several radians at the end of a long song.

    Args:
        positions: how many.
        head: width of a head.
        turned: how many of its first components turn; each turns with the one half of `turned` away from it.
        base: of the frequencies.
        device: where the tables lie.
    """
    frequencies = 1.0 / base ** (torch.arange(0, turned, 2, dtype=torch.float32, device=device) / turned)
    angles = torch.arange(positions, dtype=torch.float32, device=device)[:, None] * frequencies
    still = torch.zeros(positions, head - turned, device=device)
    cos = torch.cat([angles.cos(), angles.cos(), still + 1], dim=-1)
    sin = torch.cat([-angles.sin(), angles.sin(), still], dim=-1)
    order = torch.arange(head, device=device)
    return Rotary(cos, sin, torch.cat([order[:turned].roll(turned // 2), order[turned:]]))


def rotate(x: Tensor, rotary: Rotary) -> Tensor:
    """Turn queries and keys by their position.

    Args:
        x: shape (..., head width).
        rotary: tables that broadcast against it.

    Returns:
        The shape and type of `x`; computed in float32.
    """
    wide = x.float()
    return torch.addcmul(wide * rotary.cos, wide[..., rotary.partner], rotary.sin).to(x.dtype)


class PackedLinear(nn.Module):
    """A linear map for CPU inference whose weight is stored in oneDNN's blocked layout.

    The plain layout is multiplied by MKL, which on AMD machines leaves half of the vector width unused; oneDNN's
    kernels do not, and packing once saves reordering at every call. The numbers differ in the last bits only.
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self._packed = torch.ops.mkldnn._reorder_linear_weight(linear.weight.data)
        self._bias = None if linear.bias is None else linear.bias.data

    def forward(self, x: Tensor) -> Tensor:
        """Shape (..., in) to (..., out)."""
        result: Tensor = torch.ops.mkldnn._linear_pointwise(x, self._packed, self._bias, "none", [], "")
        return result


def pack_linears(module: nn.Module) -> None:
    """Replace every `nn.Linear` below `module` by a `PackedLinear`, one at a time so that memory does not double.

    Does nothing where oneDNN is not there (it is in every x86 and ARM build of torch) or the module is not on the CPU.
    """
    if not torch.backends.mkldnn.is_available():
        return
    parents = [one for one in module.modules() if not isinstance(one, nn.Linear)]  # holds on to no weight
    for parent in parents:
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Linear) and child.weight.device.type == "cpu":
                setattr(parent, name, PackedLinear(child))
