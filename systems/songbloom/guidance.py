"""Classifier-free guidance (CFG): the conditional prediction, drawn away from the null one."""

from __future__ import annotations

from torch import Tensor


def cfg(conditional: Tensor, null: Tensor, scale: float) -> Tensor:
    """``null + scale * (conditional - null)``, of any shape; a scale of 1 is the conditional prediction."""
    return null + (conditional - null) * scale


def cfg_of_rows(logits: Tensor, scale: float) -> Tensor:
    """Guided logits: (S, 2, V) with rows conditional and null to (S, V). One row, (S, 1, V), passes unchanged."""
    if logits.shape[1] == 1:
        return logits[:, 0]
    conditional, null = logits.unbind(1)
    return cfg(conditional, null, scale)


def cfg_of_halves(predictions: Tensor, scale: float) -> Tensor:
    """Guided predictions: (2S, …), conditional half first, to (S, …)."""
    conditional, null = predictions.chunk(2)
    return cfg(conditional, null, scale)
