"""The network of SongFormer (Hao et al. 2025, arXiv 2510.02797): sections from the features of two music models.

Layer by layer, with the shape of what each gives:

    states      of MusicFM and MuQ, run in pieces of 30 s and of 420 s, 25 frames a second       (T, 4 x 1024)
    thinning    projection to 2048, layer norm; a convolution that makes one frame of three, and their mean
                plus a vector that says after which data set's habits to label                     (T / 3, 1024)
    transformer projection to 512; 4 layers with rotary positions                                  (T / 3, 512)
    heads       boundary logit (T / 3,) and logits of 128 labels, of which 8 are used              (8, T / 3)
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from metrics.features.strict_loading import load_strictly

STATES = 4096
LABELS = ("intro", "verse", "chorus", "bridge", "inst", "outro", "silence", "pre-chorus")

_LABEL_IDS = [0, 1, 2, 3, 4, 5, 6, 26]  # where these labels lie among the 128 outputs
_HABITS = 5  # "SongForm-HX-8Class", the labels above
_DOWN, _WIDE, _WIDTH, _HEADS, _DEPTH = 3, 2048, 512, 8, 4
_ROTATED = 32  # of the 64 features of a head

_RENAMED = (
    (r"^ema_model\.", ""),
    (r"^transformer\.input_proj\.", "input_proj."),
    (r"^transformer\.transformer\.rotary_pos_emb\.inv_freq$", "frequencies"),
    (r"^transformer\.transformer\.final_norm\.gamma$", "final_norm.weight"),
    (r"^transformer\.transformer\.layers\.(\d+)\.0\.0\.gamma$", r"layers.\1.norm.weight"),
    (r"^transformer\.transformer\.layers\.(\d+)\.1\.ff\.0\.0\.", r"layers.\1.widen."),
    (r"^transformer\.transformer\.layers\.(\d+)\.1\.ff\.2\.", r"layers.\1.narrow."),
    (r"^transformer\.transformer\.layers\.(\d+)\.1\.", r"layers.\1."),
    (r"_head\.net\.0\.", "_head."),
)
_BOOKKEEPING = ("initted", "step")  # of the moving average of the weights


class SongFormerNetwork(nn.Module):
    """Everything after the two music models; 26 million parameters."""

    frequencies: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.mixed_win_downsample = nn.Linear(STATES, _WIDE)
        self.input_norm = nn.LayerNorm(_WIDE)
        self.down_sample_conv = _Thinning()
        self.dataset_class_prefix = nn.Embedding(64, 2 * _WIDTH)
        self.input_proj = nn.Sequential(
            nn.Linear(2 * _WIDTH, _WIDTH),
            nn.LayerNorm(_WIDTH),
            nn.GELU(),
            nn.Identity(),  # where training drops out
            nn.Linear(_WIDTH, _WIDTH),
        )
        self.layers = nn.ModuleList(layer for _ in range(_DEPTH) for layer in (_Attention(), _FeedForward()))
        self.final_norm = nn.LayerNorm(_WIDTH, bias=False)
        self.boundary_head = nn.Linear(_WIDTH, 1)
        self.function_head = nn.Linear(_WIDTH, 128)
        self.register_buffer("frequencies", torch.empty(_ROTATED // 2))

    @classmethod
    def from_checkpoint(cls, state: Mapping[str, Tensor]) -> SongFormerNetwork:
        """A network with the released weights.

        Raises:
            SongbenchError: when the tensors are not those of this network, naming them.
        """
        network = cls()
        # The released norms of the transformer multiply by one more than their tensor says.
        tensors = {_own_name(name): tensor + 1 if name.endswith(".gamma") else tensor for name, tensor in state.items()}
        load_strictly(network, tensors, checkpoint="The checkpoint of SongFormer", unused=_BOOKKEEPING)
        return network.eval()

    def forward(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """What it hears in up to 420 s.

        Args:
            states: of MusicFM in pieces of 30 s, MuQ in pieces of 30 s, MusicFM and MuQ in one piece, beside each
                other, shape (T, 4096), T at least 3.

        Returns:
            Logits: of a boundary at each frame, shape (T // 3,); of each of `LABELS`, shape (8, T // 3).
        """
        x = self.down_sample_conv(self.input_norm(self.mixed_win_downsample(states)))
        x = self.input_proj(x + self.dataset_class_prefix.weight[_HABITS])
        angles = torch.arange(x.shape[0], device=x.device)[:, None] * self.frequencies
        turn = torch.polar(torch.ones_like(angles), angles)
        for layer in self.layers:
            x = x + layer(x, turn)
        x = self.final_norm(x)
        return self.boundary_head(x)[:, 0], self.function_head(x)[:, _LABEL_IDS].T


def _own_name(name: str) -> str:
    for old, new in _RENAMED:
        name = re.sub(old, new, name)
    return name


class _Thinning(nn.Module):
    """One frame of three: a convolution and, projected, their mean."""

    def __init__(self) -> None:
        super().__init__()
        self.depthwise_conv = nn.Conv1d(_WIDE, _WIDE, _DOWN, _DOWN, groups=_WIDE, bias=False)
        self.pointwise_conv = nn.Conv1d(_WIDE, 2 * _WIDTH, 1, bias=False)
        self.residual_conv = nn.Conv1d(_WIDE, 2 * _WIDTH, 1, bias=False)
        self.norm1 = nn.LayerNorm(2 * _WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (T, 2048) to (T // 3, 1024)."""
        x = x.T[None]
        x = self.pointwise_conv(self.depthwise_conv(x)) + self.residual_conv(functional.avg_pool1d(x, _DOWN))
        return functional.gelu(self.norm1(x[0].T))


class _Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(_WIDTH, bias=False)
        self.to_q, self.to_k, self.to_v, self.to_out = (nn.Linear(_WIDTH, _WIDTH, bias=False) for _ in range(4))

    def forward(self, x: Tensor, turn: Tensor) -> Tensor:
        """Shape (T, d) in and out; turn: see `_turned`."""
        x = self.norm(x)
        query, key, value = (
            layer(x).unflatten(-1, (_HEADS, -1)).transpose(0, 1) for layer in (self.to_q, self.to_k, self.to_v)
        )
        query, key = _turned(query, turn), _turned(key, turn)
        mixed = functional.scaled_dot_product_attention(query[None], key[None], value[None])[0]
        result: Tensor = self.to_out(mixed.transpose(0, 1).flatten(1))
        return result


def _turned(x: Tensor, turn: Tensor) -> Tensor:
    """Rotary positions: neighbouring features are real and imaginary part of a number that is turned by `turn`.

    Args:
        x: shape (heads, T, d).
        turn: complex numbers of length 1, shape (T, `_ROTATED` / 2).
    """
    pairs = torch.view_as_complex(x[..., :_ROTATED].unflatten(-1, (-1, 2)).contiguous())
    return torch.cat([torch.view_as_real(pairs * turn).flatten(-2), x[..., _ROTATED:]], dim=-1)


class _FeedForward(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(_WIDTH, bias=False)
        self.widen, self.narrow = nn.Linear(_WIDTH, 4 * _WIDTH), nn.Linear(4 * _WIDTH, _WIDTH)

    def forward(self, x: Tensor, turn: Tensor) -> Tensor:
        """Shape (T, d) in and out; `turn` is not used."""
        result: Tensor = self.narrow(functional.gelu(self.widen(self.norm(x))))
        return result
