"""The musicnn music tagger as a torch module, for inference with the released weights.

Pons and Serra, "musicnn: pre-trained convolutional neural networks for music audio tagging" (ISMIR late-breaking demo,
2019); the architecture is that of Pons et al., "End-to-end learning for music audio tagging at scale" (ISMIR 2018).

    log-mel patch (T, 96)
      front-end  tall filters (7 frames x 38 or 67 bands: timbre) and long filters (128, 64, 32 frames x 1 band:
      rhythm),
                 each: convolution, ReLU, batch norm, maximum over the bands                        -> (T, 561)
      mid-end    three 7-frame convolutions, the last two with a residual connection                 -> 3 x (T, 64)
      back-end   maximum and mean over time of front-end and mid-end, dense 200 (the embedding), dense 50 (the tags)

Layers are numbered in the order in which the released checkpoint numbers them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from songbench.domain.errors import InputError
from songbench.resources.tensors import refuse_non_finite

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

BANDS = 96
FRAMES = 187
EMBEDDING = 200
TAGS = 50

_TIMBRAL, _TEMPORAL, _MID = 204, 51, 64
_FRONT = 2 * _TIMBRAL + 3 * _TEMPORAL
_NORM_EPSILON = 1e-3  # the default of the framework the network was trained in
_LAYER = re.compile(
    r"(conv2d|batch_normalization|dense)(?:_(\d+))?/(kernel|bias|gamma|beta|moving_mean|moving_variance)"
)
_LISTS = {"conv2d": "convs", "batch_normalization": "norms", "dense": "denses"}


class _Norm(nn.Module):
    """Batch normalisation with fixed statistics over dimension 1."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        for name in ("gamma", "beta", "moving_mean", "moving_variance"):
            self.register_buffer(name, torch.empty(channels))

    gamma: Tensor
    beta: Tensor
    moving_mean: Tensor
    moving_variance: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Shape (n, channels, …) in and out."""
        fixed = (self.moving_mean, self.moving_variance, self.gamma, self.beta)
        return functional.batch_norm(x, *fixed, eps=_NORM_EPSILON)


class Musicnn(nn.Module):
    """The network. Weights come from `from_variables`; a new one holds arbitrary numbers."""

    def __init__(self) -> None:
        super().__init__()
        kernels = [(7, 38), (7, 67), (128, 1), (64, 1), (32, 1), (7, _FRONT), (7, _MID), (7, _MID)]
        channels = [_TIMBRAL, _TIMBRAL, _TEMPORAL, _TEMPORAL, _TEMPORAL, _MID, _MID, _MID]
        pooled = 2 * (_FRONT + 3 * _MID)
        self.convs = nn.ModuleList(nn.Conv2d(1, n, kernel) for n, kernel in zip(channels, kernels, strict=True))
        self.norms = nn.ModuleList(_Norm(n) for n in [1, *channels, pooled, EMBEDDING])
        self.denses = nn.ModuleList([nn.Linear(pooled, EMBEDDING), nn.Linear(EMBEDDING, TAGS)])

    @classmethod
    def from_variables(cls, variables: Mapping[str, npt.NDArray[np.float32]]) -> Musicnn:
        """The network with the variables of a checkpoint; the optimiser's own variables are left aside.

        Raises:
            InputError: when a variable is missing, left over or of another shape: nothing keeps its initial value.
            SongbenchError: when one holds NaN or infinity.
        """
        state = {}
        for name, value in variables.items():
            layer = _LAYER.fullmatch(name)
            if layer:
                kind, number, part = layer.groups()
                state[f"{_LISTS[kind]}.{number or 0}.{part.replace('kernel', 'weight')}"] = _torch_layout(value)
            elif not re.search(r"/Adam(_1)?$|^beta[12]_power$", name):
                raise InputError(f"The variable '{name}' does not belong to musicnn.")
        refuse_non_finite(state, "The checkpoint of musicnn")
        network = cls()
        try:
            network.load_state_dict(state, strict=True)
        except RuntimeError as error:
            raise InputError(f"The checkpoint does not fit musicnn: {error}") from None
        return network.eval().requires_grad_(False)

    def forward(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        """Embed and tag.

        Args:
            patches: log-mel spectrograms, float32, shape (batch, frames, 96).

        Returns:
            The embeddings, shape (batch, 200), and the tag probabilities in [0, 1], shape (batch, 50).
        """
        front = self._front_end(patches)
        features = torch.cat([front, *self._mid_end(front)], dim=1)
        # The checkpoint's dense layer expects the maximum and the mean of each channel side by side.
        pooled = torch.stack([features.amax(dim=2), features.mean(dim=2)], dim=2).flatten(1)
        embedding = self.norms[10](functional.relu(self.denses[0](self.norms[9](pooled))))
        return embedding, torch.sigmoid(self.denses[1](embedding))

    def _front_end(self, patches: Tensor) -> Tensor:
        """(batch, frames, bands) -> (batch, 561, frames)."""
        x = self.norms[0](patches[:, None])
        outputs = []
        for number in range(5):
            conv, norm = self._conv(number), self.norms[number + 1]
            frames = conv.kernel_size[0]
            # The odd zero that keeps the length under an even kernel goes last.
            padded = functional.pad(x, (0, 0, (frames - 1) // 2, frames // 2))
            outputs.append(norm(functional.relu(conv(padded))).amax(dim=3))
        return torch.cat(outputs, dim=1)

    def _mid_end(self, front: Tensor) -> list[Tensor]:
        """(batch, 561, frames) -> three outputs (batch, 64, frames), each the sum of all before it."""
        x, outputs = front, []
        for number in (5, 6, 7):
            # A kernel as wide as its input is a one-dimensional convolution over time.
            conv = self._conv(number)
            kernel = conv.weight[:, 0].transpose(1, 2)
            y = self.norms[number + 1](functional.relu(functional.conv1d(x, kernel, conv.bias, padding=3)))
            x = y if number == 5 else x + y
            outputs.append(x)
        return outputs

    def _conv(self, number: int) -> nn.Conv2d:
        layer = self.convs[number]
        assert isinstance(layer, nn.Conv2d)
        return layer


def _torch_layout(value: npt.NDArray[np.float32]) -> Tensor:
    """Kernels from (height, width, in, out) or (in, out) to torch's (out, in, height, width) or (out, in)."""
    tensor = torch.tensor(value)
    if tensor.ndim == 4:
        return tensor.permute(3, 2, 0, 1).contiguous()
    return tensor.T.contiguous() if tensor.ndim == 2 else tensor
