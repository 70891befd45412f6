"""Weights packed for CPU inference."""

from __future__ import annotations

import torch
from torch import Tensor, nn


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

    Does nothing where oneDNN is not there (it is in every x86 and ARM build of torch) or the module is not on the CPU,
    and leaves weights of a type that this processor's oneDNN cannot multiply (bfloat16 without AVX-512) to torch.
    """
    if not torch.backends.mkldnn.is_available():
        return
    parents = [part for part in module.modules() if not isinstance(part, nn.Linear)]  # holds on to no weight
    for parent in parents:
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Linear) and child.weight.device.type == "cpu" and _packable(child.weight.dtype):
                setattr(parent, name, PackedLinear(child))


def _packable(dtype: torch.dtype) -> bool:
    """Whether oneDNN multiplies numbers of a type on this processor."""
    if dtype == torch.bfloat16:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return dtype == torch.float32
