"""SongEval's head (Yao et al. 2025, arXiv 2505.10793): five ratings of a song from MuQ's frames.

    frames → feed-forward → four self-attentions in a row → mean over time ┐
                  └──────────────────────────────────────→ max over time   ┴→ linear → 2·tanh + 3

There are no residuals and no norms. The attentions have 8 heads. Tensors are named as in the authors' checkpoint.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from metrics.features.strict_loading import load_strictly

if TYPE_CHECKING:
    import torch
    from torch import Tensor

AXES = ("Coherence", "Musicality", "Memorability", "Clarity", "Naturalness")
"""What the ratings are of, in the head's order."""

_HEADS = 8


def load_head(state: Mapping[str, Tensor]) -> torch.nn.Module:
    """The head of a checkpoint; its sizes follow from the tensors.

    Returns:
        A module from frames, shape (n, width), to ratings in (1, 5), shape (5,).

    Raises:
        SongbenchError: when tensors are missing, unknown or of another shape, naming them.
    """
    hidden, width = state["ffd.0.weight"].shape if "ffd.0.weight" in state else (4096, 1024)
    layers = sum(name.endswith(".in_proj_weight") for name in state)
    head = _head(width, hidden, layers)
    load_strictly(head, state, checkpoint="The checkpoint of SongEval")
    return head.eval()


def _head(width: int, hidden: int, layers: int) -> torch.nn.Module:
    import torch
    import torch.nn.functional as F
    from torch import nn

    class Attention(nn.Module):
        """Self-attention whose memory grows with the length, not with its square, named as torch's own."""

        def __init__(self) -> None:
            super().__init__()
            self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
            self.in_proj_bias = nn.Parameter(torch.empty(3 * width))
            self.out_proj = nn.Linear(width, width)

        def forward(self, x: Tensor) -> Tensor:
            """Shape (n, width) in and out."""
            parts = F.linear(x, self.in_proj_weight, self.in_proj_bias).unflatten(-1, (3, _HEADS, width // _HEADS))
            queries, keys, values = parts.permute(1, 2, 0, 3)[:, None]  # each (1, heads, n, width / heads)
            mixed = F.scaled_dot_product_attention(queries, keys, values)[0]
            result: Tensor = self.out_proj(mixed.transpose(0, 1).flatten(1))
            return result

    class Head(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attn = nn.ModuleList(Attention() for _ in range(layers))
            self.ffd = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, width))
            self.fc = nn.Linear(2 * width, len(AXES))

        def forward(self, frames: Tensor) -> Tensor:
            """Ratings of 1 to 5, shape (5,), of states of shape (n, width)."""
            x = mixed = self.ffd(frames)
            for attention in self.attn:
                mixed = attention(mixed)
            pooled = torch.cat([mixed.mean(dim=0), x.amax(dim=0)])
            return torch.tanh(self.fc(pooled)) * 2 + 3

    return Head()
