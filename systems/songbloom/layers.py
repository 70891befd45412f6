"""What both transformers are made of: linear maps, norms, gated feed-forward layers, rotary positions."""

from __future__ import annotations

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
    """Root-mean-square norm, computed in float32 whatever the input's type (LLaMA; eps 1e-6)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        """Shape (..., dim) to (..., dim)."""
        wide = x.float()
        return self.weight * (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + 1e-6)).to(x.dtype)


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


def rotary_table(positions: int, width: int, base: float, device: torch.device | str = "cpu") -> tuple[Tensor, Tensor]:
    """Cosines and sines of rotary positions 0..positions-1.

    They are computed and kept in float32 whatever the model's type: rounding the frequencies to bfloat16, as casting a
    whole model does, turns the fastest components by several radians at the end of a long song.

    Returns:
        Two tensors of shape (positions, width); the halves of the last axis are equal.
    """
    frequencies = 1.0 / base ** (torch.arange(0, width, 2, dtype=torch.float32, device=device) / width)
    angles = torch.arange(positions, dtype=torch.float32, device=device)[:, None] * frequencies
    angles = torch.cat([angles, angles], dim=-1)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn the first ``cos.shape[-1]`` components of `x` by their position; the others stay.

    Args:
        x: shape (..., positions, head width).
        cos: shape broadcastable to (..., positions, turned width).
        sin: likewise.

    Returns:
        The shape and type of `x`; computed in float32.
    """
    turned = cos.shape[-1]
    head = x[..., :turned].float()
    left, right = head.chunk(2, dim=-1)
    head = (head * cos + torch.cat([-right, left], dim=-1) * sin).to(x.dtype)
    return head if turned == x.shape[-1] else torch.cat([head, x[..., turned:]], dim=-1)


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
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Linear) and child.weight.device.type == "cpu":
                setattr(parent, name, PackedLinear(child))
