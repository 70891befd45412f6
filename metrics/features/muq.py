"""MuQ (Zhu et al. 2025, arXiv 2501.01108), the music model behind SongEval and MuQ-MuLan, through its package `muq`.

A song is one pass of MuQ in its authors' code, whose attention then holds all pairs of its 25 frames a second: 20
minutes would take 58 GB a layer, and the first convolution 8 GB. `hidden_state` gives the same numbers (but for
rounding) in memory that grows with the length alone:

- attention goes through torch's fused kernel, which never holds all pairs;
- the convolutions go through the song 30 s at a time, each piece with as much around it as its frames depend on;
- layers above the wanted one are not computed.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from metrics.features.inference import random_state_kept
from metrics.features.strict_loading import load_strictly, read_tensors
from songbench.resources.cpu_imports import mend_cpu_imports
from songbench.resources.weights import HubSource, WeightFile, Weights

if TYPE_CHECKING:
    import torch
    from torch import Tensor

MUQ = Weights(
    name="muq-large-msd-iter",
    version="1",
    summary="MuQ large, trained on the Million Song Dataset: what SongEval hears.",
    licence="CC BY-NC 4.0 (Tencent AI Lab); no commercial use",
    files=(
        WeightFile("config.json", "237335ee27d8fb951ce778701a12a79e06c51ae636dd786f97e45f51ce532543", 3_133),
        WeightFile(
            "model.safetensors", "273febab2be02872c37d2c37e48a9d6c52c1c9392f3eeeabd498efa281ccb7a6", 1_333_825_096
        ),
    ),
    sources=(HubSource("OpenMuQ/MuQ-large-msd-iter", "0562a57814f6f8bbd9fdea0a25921a2fce1a841a"),),
    restricted=True,
)

RATE = 24_000
"""Samples per second of MuQ's input."""

SHORTEST_SAMPLES = 2_400
"""0.1 s: ten frames of its spectrogram."""

UNUSED = ("model.rvq.", "model.quantizer_", "model.linear.", "model.cls_token", "model.recon_proj.")
"""Parts of a MuQ checkpoint that only its training uses."""

_PIECE = 750
"""Frames of 40 ms that the convolutions make at once."""

_AROUND = 4
"""Frames on either side on which a frame depends, rounded up: two strides of 2 and four kernels of 3 reach 9 frames of
the spectrogram, which are 2.25 of these."""


def build_muq(config: dict[str, Any]) -> torch.nn.Module:
    """A MuQ of these sizes with weights still to be loaded, from the package's own class, without asking a hub.

    Args:
        config: as in its ``config.json``; what the package does not know is left out, as there.
    """
    mend_cpu_imports()
    from muq import MuQ, MuQConfig

    settings = {name: value for name, value in config.items() if name in MuQConfig.__dataclass_fields__}
    with random_state_kept():
        model: torch.nn.Module = MuQ(MuQConfig(**settings)).eval()
    return model


def load_muq(folder: Path, *, layers: int) -> torch.nn.Module:
    """The MuQ of a folder with ``config.json`` and ``model.safetensors``, cut after a layer.

    Raises:
        SongbenchError: when the checkpoint does not fit.
    """
    import json

    muq = build_muq(json.loads((folder / "config.json").read_text(encoding="utf-8")))
    load_strictly(muq, read_tensors(folder / "model.safetensors"), checkpoint="The checkpoint of MuQ", unused=UNUSED)
    body: Any = muq.model
    body.conformer.layers = body.conformer.layers[:layers]
    for layer in body.conformer.layers:
        layer.self_attn = fused(layer.self_attn)
    return muq


def hidden_state(muq: torch.nn.Module, wave: Tensor) -> Tensor:
    """What MuQ's package gives as ``hidden_states[k]`` for a MuQ that `load_muq` cut after k layers.

    Args:
        muq: from `load_muq`.
        wave: mono at 24 kHz, shape (n,), at least `SHORTEST_SAMPLES`.

    Returns:
        Shape (frames, width), about 25 frames a second.
    """
    body: Any = muq.model
    spectrogram = body.normalize(body.preprocessing(wave[None], features=["melspec_2048"]))["melspec_2048"]
    x = _convolved(body.conv, spectrogram, step=body.n_fold)
    positions = body.conformer.embed_positions(x) if body.conformer.embed_positions is not None else None
    for layer in body.conformer.layers:
        x = layer(x, relative_position_embeddings=positions)[0]
    state: Tensor = x[0]
    return state


def _convolved(conv: torch.nn.Module, spectrogram: Tensor, step: int) -> Tensor:
    """The convolutional front-end, piece by piece.

    Args:
        conv: two strided residual blocks and a projection.
        spectrogram: shape (1, bands, n).
        step: columns of the spectrogram per frame, 4 for 25 frames a second.

    Returns:
        Shape (1, frames, width).
    """
    import torch

    total = spectrogram.shape[-1]
    frames = -(-total // step)
    parts = []
    for start in range(0, frames, _PIECE):
        end = min(start + _PIECE, frames)
        first, last = max(0, start - _AROUND), min(frames, end + _AROUND)
        part = conv(spectrogram[..., first * step : min(last * step, total)])
        parts.append(part[:, start - first : end - first])
    return torch.cat(parts, dim=1)


def fused(attention: Any) -> torch.nn.Module:
    """A self-attention of the conformer with the same weights that never holds the scores of all pairs.

    Args:
        attention: transformers' ``Wav2Vec2ConformerSelfAttention`` with rotary positions or none.

    Returns:
        A module with the same call, which gives no attention weights.
    """
    import torch
    import torch.nn.functional as F

    if attention.position_embeddings_type == "relative":
        raise ValueError("relative positions add to the scores of each pair; only rotary ones are fused")

    class FusedAttention(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.plain = attention

        def forward(
            self, hidden_states: Tensor, relative_position_embeddings: Tensor | None = None, **_: object
        ) -> tuple[Tensor, None]:
            """Shape (songs, T, width) in and out; the result comes in a pair, as the original has it."""
            turned = hidden_states
            if relative_position_embeddings is not None:
                turned = attention._apply_rotary_embedding(hidden_states, relative_position_embeddings)
            parts = (
                linear(x).unflatten(-1, (attention.num_heads, attention.head_size)).transpose(1, 2)
                for linear, x in (
                    (attention.linear_q, turned),
                    (attention.linear_k, turned),
                    (attention.linear_v, hidden_states),
                )
            )
            mixed = F.scaled_dot_product_attention(*parts)
            return attention.linear_out(mixed.transpose(1, 2).flatten(2)), None

    return FusedAttention()
