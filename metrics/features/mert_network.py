"""The network of MERT (Li et al. 2023, arXiv 2306.00107), for inference, from the state dict its authors publish.

MERT-v1-95M is a HuBERT of base size that was trained on music: seven convolutions bring 24 kHz down to 75 frames per
second, 12 transformer layers with the norm after each step follow. Its published configuration switches off everything
by which MERT's own code can depart from that (``feature_extractor_cqt``, ``deepnorm``, ``attention_relax``), so that
the checkpoint loads, key by key, into the ``HubertModel`` of transformers as well. No remote code is run.

What is done otherwise than there, with the same result but for rounding:

- The first convolution is followed by a norm over the whole song. As the convolution is linear, mean and variance of
  its output follow from those of its input windows, so that the norm becomes part of the convolution. The convolutions
  then go piece by piece through the song, which at 6 minutes saves several GB.
- Convolutions over time are matrix products of windows (`metrics.features.dense`), queries, keys and values are one.
- Layers after the wanted one are not computed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from metrics.features.dense import Dense, attend
from songbench.domain.errors import SongbenchError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_GROUP_NORM_EPS = 1e-5
_PIECE_FRAMES = 150
_ROWS = 4096
_WINDOWS = 1 << 18

_REQUIRED: Mapping[str, Any] = {
    "feature_extractor_cqt": False,
    "deepnorm": False,
    "attention_relax": -1.0,
    "feat_extract_norm": "group",
    "feat_extract_activation": "gelu",
    "feat_proj_layer_norm": True,
    "hidden_act": "gelu",
    "do_stable_layer_norm": False,
    "conv_bias": False,
    "conv_pos_batch_norm": False,
}
"""Settings under which MERT is a plain HuBERT of base form; those that a configuration leaves out have these values."""

_TRAINING_ONLY = ("masked_spec_embed",)
"""What stands for masked frames during training."""


@dataclass(frozen=True, kw_only=True)
class MertConfig:
    """The sizes of a MERT.

    Attributes:
        width: of the transformer's vectors.
        layers: how many transformer layers there are.
        heads: of the attention.
        kernels: samples or frames each convolution of the front-end sees.
        strides: how far each moves.
        position_kernel: frames the positional convolution sees.
        position_groups: into which it divides the vector.
        eps: of the layer norms.
    """

    width: int
    layers: int
    heads: int
    kernels: tuple[int, ...]
    strides: tuple[int, ...]
    position_kernel: int
    position_groups: int
    eps: float

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> MertConfig:
        """Read ``config.json``.

        Raises:
            SongbenchError: when it asks for something this network does not have, naming it.
        """
        for key, required in _REQUIRED.items():
            if config.get(key, required) != required:
                raise SongbenchError(f"This MERT has {key} = {config[key]!r}; only {required!r} is supported.")
        return cls(
            width=config["hidden_size"],
            layers=config["num_hidden_layers"],
            heads=config["num_attention_heads"],
            kernels=tuple(config["conv_kernel"]),
            strides=tuple(config["conv_stride"]),
            position_kernel=config["num_conv_pos_embeddings"],
            position_groups=config["num_conv_pos_embedding_groups"],
            eps=config.get("layer_norm_eps", 1e-5),
        )

    @property
    def hop(self) -> int:
        """Samples from frame to frame."""
        return int(np.prod(self.strides))

    @property
    def window(self) -> int:
        """Samples that the first frame sees."""
        samples = 1
        for kernel, stride in zip(reversed(self.kernels), reversed(self.strides), strict=True):
            samples = (samples - 1) * stride + kernel
        return samples

    def frames(self, samples: int) -> int:
        """How many frames a signal has."""
        return max(0, (samples - self.window) // self.hop + 1)


class Mert:
    """A MERT up to one of its layers.

    Args:
        config: its sizes.
        state: its tensors, as published.
        layer: which hidden state is wanted: 0 is what enters the first layer, k what layer k gives.
        device: where to compute.

    Raises:
        SongbenchError: when tensors are missing, unknown or of another shape, naming them.
    """

    def __init__(self, config: MertConfig, state: Mapping[str, Tensor], layer: int, device: torch.device) -> None:
        self.config, self.layer, self._device = config, layer, device
        tensors = _Tensors(state, device)
        self._filters = [
            tensors.take(f"feature_extractor.conv_layers.{i}.conv.weight") for i in range(len(config.kernels))
        ]
        self._first_norm = tensors.norm("feature_extractor.conv_layers.0.layer_norm")
        self._convolutions = [Dense(_as_matrix(weight), gelu=True) for weight in self._filters[1:]]
        self._feature_norm = tensors.norm("feature_projection.layer_norm")
        self._projection = Dense(*tensors.linear("feature_projection.projection"))
        bias = tensors.take("encoder.pos_conv_embed.conv.bias")
        self._positions = _PositionalConvolution(_position_weight(tensors, config.position_kernel), bias, config)
        self._entry_norm = tensors.norm("encoder.layer_norm")
        blocks = [_Block(tensors, f"encoder.layers.{i}", config) for i in range(config.layers)]
        self._blocks = blocks[:layer]
        tensors.finish()

    def __call__(self, samples: npt.NDArray[np.float32]) -> Tensor:
        """The hidden state of a song.

        Args:
            samples: mono at 24 kHz, shape (n,); at least `MertConfig.window` of them.

        Returns:
            Shape (frames, width), float32, on the device.
        """
        import torch

        with torch.inference_mode():
            x = self._entry(standardised(samples))
            for block in self._blocks:
                x = block(x)
        return x

    def mean_state(self, signal: npt.NDArray[np.float32]) -> Tensor:
        """The mean over frames and over hidden states, 0 to `layer`, as CLaMP 3 hears a few seconds of a song.

        Args:
            signal: a part of a `standardised` signal, shape (n,); at least `MertConfig.window` samples.

        Returns:
            Shape (width,), float32, on the device.
        """
        import torch

        with torch.inference_mode():
            x = self._entry(signal)
            total = x.mean(dim=0)
            for block in self._blocks:
                x = block(x)
                total = total + x.mean(dim=0)
        return total / (len(self._blocks) + 1)

    def _entry(self, signal: npt.NDArray[np.float32]) -> Tensor:
        """What enters the first transformer layer, shape (frames, width)."""
        import torch
        import torch.nn.functional as F

        x = torch.cat(list(self._pieces(signal)))
        x = x + self._positions(x)
        return F.layer_norm(x, x.shape[-1:], *self._entry_norm, self.config.eps)

    def _pieces(self, samples: npt.NDArray[np.float32]) -> Iterator[Tensor]:
        """The front-end: the projected features, shape (frames, width), in pieces."""
        import torch
        import torch.nn.functional as F

        config = self.config
        first = self._first_convolution(samples)
        total = config.frames(samples.size)
        wave = torch.from_numpy(samples).to(self._device)
        for start in range(0, total, _PIECE_FRAMES):
            count = min(_PIECE_FRAMES, total - start)
            begin = start * config.hop
            x = wave[begin : begin + (count - 1) * config.hop + config.window, None]
            for convolution, kernel, stride in zip(
                [first, *self._convolutions], config.kernels, config.strides, strict=True
            ):
                x = convolution(_windows(x, kernel, stride))
            x = F.layer_norm(x, x.shape[-1:], *self._feature_norm, config.eps)
            yield self._projection(x)

    def _first_convolution(self, samples: npt.NDArray[np.float32]) -> Dense:
        """The first convolution together with the norm over time that follows it, for one song of shape (n,)."""
        import torch

        weight = _as_matrix(self._filters[0]).double().cpu().numpy()
        mean, covariance = _window_statistics(samples, self.config.kernels[0], self.config.strides[0])
        variance = np.einsum("oi,ij,oj->o", weight, covariance, weight).clip(min=0)
        gain, shift = (part.double().cpu().numpy() for part in self._first_norm)
        gain = gain / np.sqrt(variance + _GROUP_NORM_EPS)
        pair = (weight * gain[:, None], shift - gain * (weight @ mean))
        return Dense(*(torch.from_numpy(part).float().to(self._device) for part in pair), gelu=True)


class _PositionalConvolution:
    """The convolution over time that tells frames where they are, with the GELU behind it.

    Its filter spans 128 frames, so it is done by Fourier transform, in blocks that overlap by the filter's length
    ("overlap-save"); on a CPU that takes an eighth of the time, and on CUDA no TF32 can come in.
    """

    def __init__(self, weight: Tensor, bias: Tensor, config: MertConfig) -> None:
        """Take the weight, shape (out, in per group, taps), and the bias, shape (out,)."""
        import torch

        self._taps, self._groups, self._bias = weight.shape[-1], config.position_groups, bias
        self._block = 4 * self._taps
        grouped = weight.view(self._groups, -1, *weight.shape[1:])  # (group, out, in, tap)
        self._filter = torch.fft.rfft(grouped, self._block).conj().permute(3, 0, 2, 1).contiguous()

    def __call__(self, x: Tensor) -> Tensor:
        """Shape (n, width) to (n, width)."""
        import torch
        import torch.nn.functional as F

        n, width = x.shape
        step = self._block - self._taps + 1
        blocks = -(-n // step)
        before = self._taps // 2
        padded = F.pad(x.T, (before, (blocks - 1) * step + self._block - n - before))
        spectra = torch.fft.rfft(padded.unfold(1, self._block, step))  # (width, block, frequency)
        spectra = spectra.view(self._groups, width // self._groups, blocks, -1).permute(3, 0, 2, 1)
        filtered = (spectra @ self._filter).permute(1, 3, 2, 0).reshape(width, blocks, -1)
        y = torch.fft.irfft(filtered, self._block)[..., :step].reshape(width, blocks * step)[:, :n]
        return F.gelu(y.T + self._bias)


class _Block:
    """A transformer layer with the norm after attention and after the feed-forward net."""

    def __init__(self, tensors: _Tensors, name: str, config: MertConfig) -> None:
        import torch

        parts = [tensors.linear(f"{name}.attention.{part}_proj") for part in "qkv"]
        self._qkv = Dense(*(torch.cat(one) for one in zip(*parts, strict=True)))
        self._out = Dense(*tensors.linear(f"{name}.attention.out_proj"))
        self._norm = tensors.norm(f"{name}.layer_norm")
        self._up = Dense(*tensors.linear(f"{name}.feed_forward.intermediate_dense"), gelu=True)
        self._down = Dense(*tensors.linear(f"{name}.feed_forward.output_dense"))
        self._final_norm = tensors.norm(f"{name}.final_layer_norm")
        self._heads, self._eps = config.heads, config.eps

    def __call__(self, x: Tensor) -> Tensor:
        """Shape (n, width) to (n, width)."""
        import torch
        import torch.nn.functional as F

        n, width = x.shape
        q, k, v = self._qkv(x).view(n, 3, self._heads, width // self._heads).permute(1, 2, 0, 3).contiguous()
        x = F.layer_norm(self._out(attend(q, k, v)).add_(x), (width,), *self._norm, self._eps)
        # the wide inner vectors of a long song are never all there at once
        x = torch.cat([self._down(self._up(rows)).add_(rows) for rows in x.split(_ROWS)])
        return F.layer_norm(x, (width,), *self._final_norm, self._eps)


class _Tensors:
    """A state dict of which every tensor has to be taken."""

    def __init__(self, state: Mapping[str, Tensor], device: torch.device) -> None:
        self._left = dict(state)
        self._device = device

    def take(self, name: str) -> Tensor:
        """A tensor, in float32 on the device.

        Raises:
            SongbenchError: when there is none of that name.
        """
        if name not in self._left:
            raise SongbenchError(f"The checkpoint of MERT has no tensor '{name}'.")
        return self._left.pop(name).float().to(self._device)

    def has(self, name: str) -> bool:
        """Whether there is one of that name."""
        return name in self._left

    def linear(self, name: str) -> tuple[Tensor, Tensor]:
        """Weight, shape (out, in), and bias, shape (out,)."""
        return self.take(f"{name}.weight"), self.take(f"{name}.bias")

    norm = linear

    def finish(self) -> None:
        """Make sure that nothing is left but what only training needs.

        Raises:
            SongbenchError: naming what is left.
        """
        if left := sorted(set(self._left) - set(_TRAINING_ONLY)):
            raise SongbenchError(f"The checkpoint of MERT has tensors that this network does not: {', '.join(left)}.")


def _position_weight(tensors: _Tensors, taps: int) -> Tensor:
    """The weight of the positional convolution, shape (out, in per group, taps).

    It is stored as direction and length per tap (weight norm over axis 2).
    """
    name = "encoder.pos_conv_embed.conv"
    names = [f"{name}.weight_g", f"{name}.weight_v"]
    if not tensors.has(names[0]):  # as newer versions of torch write the same two
        names = [f"{name}.parametrizations.weight.original{i}" for i in range(2)]
    length, direction = map(tensors.take, names)
    if direction.shape[-1] != taps:
        raise SongbenchError(f"The checkpoint of MERT has {direction.shape[-1]} positional taps, its config {taps}.")
    weight: Tensor = direction * (length / direction.norm(dim=(0, 1), keepdim=True))
    return weight


def _as_matrix(weight: Tensor) -> Tensor:
    """A convolution's weight (out, in, taps) as a matrix (out, taps * in) for `_windows`."""
    return weight.permute(0, 2, 1).reshape(weight.shape[0], -1)


def _windows(x: Tensor, kernel: int, stride: int) -> Tensor:
    """What each position of a convolution sees, one after the other.

    Args:
        x: shape (n, channels), contiguous.
        kernel: how many rows.
        stride: from one to the next.

    Returns:
        A view of shape (positions, kernel * channels).
    """
    n, channels = x.shape
    return x.as_strided(((n - kernel) // stride + 1, kernel * channels), (stride * channels, 1))


def standardised(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Zero mean and unit variance over the song, shape (n,), as transformers' Wav2Vec2FeatureExtractor makes it."""
    wide = samples.astype(np.float64)
    result: npt.NDArray[np.float32] = ((wide - wide.mean()) / np.sqrt(wide.var() + 1e-7)).astype(np.float32)
    return result


def _window_statistics(
    samples: npt.NDArray[np.float32], kernel: int, stride: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Mean (kernel,) and covariance (kernel, kernel), with the divisor n, of the windows a convolution sees."""
    windows = np.lib.stride_tricks.sliding_window_view(samples, kernel)[::stride]
    total, outer = np.zeros(kernel), np.zeros((kernel, kernel))
    for start in range(0, len(windows), _WINDOWS):
        part = windows[start : start + _WINDOWS].astype(np.float64)
        total += part.sum(axis=0)
        outer += part.T @ part
    mean = total / len(windows)
    return mean, outer / len(windows) - np.outer(mean, mean)
