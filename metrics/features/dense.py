"""Matrix products of neural extractors in float32, as fast as the processor allows.

On a CPU the plain products of torch go to MKL, which on AMD machines leaves half of the vector width unused; oneDNN's
do not. So weights are packed once into oneDNN's own layout, and attention is built from the same products. The numbers
differ from the plain ones in the last bits only. On other devices, and where a torch has no oneDNN, torch's own
functions are used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn

_BLOCK = 1 << 20
"""Attention scores, in numbers, that are held at once and should stay in the processor's cache."""


class Dense:
    """A linear map with an optional GELU (the exact one, by the error function) behind it, for inference.

    Args:
        weight: shape (out, in).
        bias: shape (out,), or None.
        gelu: whether GELU is applied to the result.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None = None, *, gelu: bool = False) -> None:
        """Pack a weight of shape (out, in); bias of shape (out,); gelu: applied to the result."""
        import torch

        self._packed = weight.device.type == "cpu" and torch.backends.mkldnn.is_available()
        weight = weight.detach().float().contiguous()
        self._weight = torch.ops.mkldnn._reorder_linear_weight(weight) if self._packed else weight
        self._bias = None if bias is None else bias.detach().float().contiguous()
        self._gelu = gelu

    def __call__(self, x: Tensor) -> Tensor:
        """Shape (..., in) to (..., out)."""
        import torch
        import torch.nn.functional as F

        if self._packed:
            after, kind = ("gelu", "none") if self._gelu else ("none", "")
            result: Tensor = torch.ops.mkldnn._linear_pointwise(x, self._weight, self._bias, after, [], kind)
            return result
        result = F.linear(x, self._weight, self._bias)
        return F.gelu(result) if self._gelu else result


def attend(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Softmax attention of every position to every position, in memory linear in their number.

    Args:
        queries: shape (heads, n, width); they are divided by the root of the width here.
        keys: the same shape.
        values: the same shape.

    Returns:
        The attended values, shape (n, heads * width).
    """
    import torch
    import torch.nn.functional as F

    heads, n, width = queries.shape
    if queries.device.type != "cpu" or not torch.backends.mkldnn.is_available():
        mixed: Tensor = F.scaled_dot_product_attention(queries[None], keys[None], values[None])[0]
        return mixed.transpose(0, 1).reshape(n, heads * width)
    result = torch.empty(n, heads, width)
    rows = min(max(_BLOCK // n, 32), 512)
    scaled = queries * width**-0.5
    across = values.transpose(1, 2).contiguous()
    for head in range(heads):
        for start in range(0, n, rows):
            block = slice(start, start + rows)
            scores = _product(scaled[head, block], keys[head]).softmax(dim=-1)
            result[block, head] = _product(scores, across[head])
    return result.view(n, heads * width)


def _product(x: Tensor, weight: Tensor) -> Tensor:
    """Shapes (n, in) and (out, in) to (n, out)."""
    import torch

    result: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, None, "none", [], "")
    return result


def pack_linears(model: nn.Module) -> None:
    """Replace every `torch.nn.Linear` of a model on the CPU by one on `Dense`; models elsewhere stay as they are."""
    import torch
    from torch import nn

    class Packed(nn.Module):
        def __init__(self, linear: nn.Linear) -> None:
            super().__init__()
            self._dense = Dense(linear.weight, linear.bias)

        def forward(self, x: Tensor) -> Tensor:
            """Shape (…, in) to (…, out)."""
            return self._dense(x)

    if not torch.backends.mkldnn.is_available():
        return
    for parent in [one for one in model.modules() if not isinstance(one, nn.Linear)]:
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Linear) and child.weight.device.type == "cpu":
                setattr(parent, name, Packed(child))
