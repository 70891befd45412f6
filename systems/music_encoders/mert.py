"""MERT-v1-95M (Li et al. 2023, arXiv 2306.00107) in transformers' own network; no code of a checkpoint is run.

It is a HuBERT of base size: its own switches are all off in the published configuration.

`hidden_state` gives what that network gives for a whole song, but for rounding, in memory that grows with the length
alone and not by gigabytes a minute: the convolutions go through the song in pieces. The first of them is followed by a
norm over the whole song, whose mean and variance are summed up beforehand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from songbench.domain.errors import SongbenchError
from songbench.resources.cpu_imports import mend_cpu_imports
from songbench.resources.tensors import tensors_of
from systems.checkpoints.strict_loading import fill_strictly, random_state_kept

if TYPE_CHECKING:
    from transformers import HubertModel

MERT_RATE = 24_000
"""Samples per second that MERT was trained on."""

_FILE = "pytorch_model.bin"
_PIECE = 1500
"""Frames that the convolutions make at once: 20 s."""
_EPS = 1e-7

_SWITCHES: Mapping[str, Any] = {
    "feature_extractor_cqt": False,
    "deepnorm": False,
    "attention_relax": -1.0,
    "do_stable_layer_norm": False,
    "feat_extract_norm": "group",
}
"""Settings under which MERT is a plain HuBERT; those that a configuration leaves out have these values."""


@dataclass(frozen=True)
class MertSizes:
    """What a MERT says of itself: the width of its frames and how many layers it has."""

    width: int
    layers: int


def read_mert_sizes(folder: Path) -> MertSizes:
    """The sizes of the MERT whose ``config.json`` is in a folder.

    Raises:
        SongbenchError: it does not say them.
    """
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    try:
        return MertSizes(config["hidden_size"], config["num_hidden_layers"])
    except (KeyError, TypeError) as error:
        raise SongbenchError(f"The config.json of this MERT does not say {error}.") from None


def load_mert(folder: Path, layer: int | None = None) -> HubertModel:
    """MERT, from ``pytorch_model.bin``, ``config.json`` and ``preprocessor_config.json``.

    Args:
        folder: with the files.
        layer: the layer after which it is cut, 0 for none of them; None: the whole.

    Raises:
        SongbenchError: when the files are of a model that works otherwise, or tensors are missing, unknown, of another
            shape or not finite.
    """
    mend_cpu_imports()
    from transformers import HubertConfig, HubertModel

    preparation = json.loads((folder / "preprocessor_config.json").read_text(encoding="utf-8"))
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    for values, expected in (
        (preparation, {"do_normalize": True, "sampling_rate": MERT_RATE}),
        (config, _SWITCHES),
    ):
        for key, value in expected.items():
            if values.get(key, value) != value:
                raise SongbenchError(f"This MERT has {key} = {values[key]!r}; only {value!r} is supported.")
    sizes = {key: value for key, value in config.items() if key not in ("auto_map", "architectures", "model_type")}
    with random_state_kept():
        model: HubertModel = HubertModel(HubertConfig(**sizes)).eval()
    state = tensors_of(torch.load(folder / _FILE, map_location="cpu", weights_only=True, mmap=True))
    fill_strictly(model, state, "The checkpoint of MERT", unused=("masked_spec_embed",))
    if layer is not None:
        model.encoder.layers = model.encoder.layers[:layer]
    model.requires_grad_(False)
    return model


def standardised(signal: Tensor) -> Tensor:
    """Zero mean and unit variance, shape (n,), as transformers' Wav2Vec2FeatureExtractor makes it."""
    wide = signal.double()
    result: Tensor = (wide - wide.mean()) / torch.sqrt(wide.var(unbiased=False) + _EPS)
    return result.float()


def window_of(mert: HubertModel) -> int:
    """Samples that a frame hears before the transformer, 400."""
    samples = 1
    for kernel, stride in zip(reversed(mert.config.conv_kernel), reversed(mert.config.conv_stride), strict=True):
        samples = (samples - 1) * int(stride) + int(kernel)
    return samples


@torch.inference_mode()
def hidden_state(mert: HubertModel, signal: Tensor) -> Tensor:
    """What the last layer of a MERT gives: of one that `load_mert` cut after k layers, its hidden state k.

    Args:
        mert: from `load_mert`.
        signal: mono at 24 kHz, `standardised`, shape (n,), at least `window_of` samples, on the model's device.

    Returns:
        Shape (frames, width), about 75 frames a second.
    """
    network: Any = mert
    features = _convolved(network, signal)
    with random_state_kept():  # its encoder draws a number per layer, which is used in training alone
        state: Tensor = network.encoder(network.feature_projection(features)).last_hidden_state[0]
    return state


def _convolved(network: Any, signal: Tensor) -> Tensor:
    """The convolutional front-end, shape (1, frames, channels)."""
    first, *later = network.feature_extractor.conv_layers
    hop = 1
    for stride in network.config.conv_stride:
        hop *= int(stride)
    window = window_of(network)
    frames = (len(signal) - window) // hop + 1
    scale, shift = _first_norm(first, signal)
    parts = []
    for start in range(0, frames, _PIECE):
        end = min(start + _PIECE, frames)
        samples = signal[None, None, start * hop : (end - 1) * hop + window]
        x = first.activation(first.conv(samples) * scale + shift)
        for layer in later:
            x = layer(x)
        parts.append(x[0].T)
    return torch.cat(parts)[None]


def _first_norm(first: Any, signal: Tensor) -> tuple[Tensor, Tensor]:
    """The norm over time behind the first convolution as a factor and a term per channel, each (channels, 1)."""
    kernel, stride = int(first.conv.kernel_size[0]), int(first.conv.stride[0])
    places = (len(signal) - kernel) // stride + 1
    sums = torch.zeros(2, first.conv.out_channels, dtype=torch.float64, device=signal.device)
    step = _PIECE * 64
    for start in range(0, places, step):
        end = min(start + step, places)
        x = first.conv(signal[None, None, start * stride : (end - 1) * stride + kernel])[0]
        sums += torch.stack([x.sum(dim=1, dtype=torch.float64), x.square().sum(dim=1, dtype=torch.float64)])
    mean, square = sums / places
    norm = first.layer_norm
    scale = norm.weight.double() / (square - mean.square() + norm.eps).sqrt()
    shift = norm.bias.double() - mean * scale
    return scale.float()[:, None], shift.float()[:, None]
