"""The network of All-In-One (Kim & Nam, WASPAA 2023, arXiv 2307.16425) in plain torch, as far as sections need it.

    spectrograms of 4 stems (4, T, 81)
      embedding   three convolutions, each with pooling over the bands                                     -> (4, T, 24)
      11 blocks   time layer: two dilated neighbourhood attentions beside each other (dilations 2^i and 2^(i+1)), MLP
                  stem layer: one attention over all stems and 5 neighbouring frames, MLP                  -> (4, T, 24)
      heads       linear, on the four stems' features put together       -> boundary logit (T,), label logits (10, T)

The authors' implementation needs NATTEN, a compiled library for neighbourhood attention whose names have changed since.
With 5 neighbours the same is a handful of shifted copies, so it needs no library. The border rule is NATTEN's: near an
end the window is moved inside rather than cut, among the frames that lie a multiple of the dilation apart.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from metrics.features.allin1_spectrogram import BANDS
from metrics.features.strict_loading import load_strictly
from songbench.domain.errors import InputError

STEMS = ("bass", "drums", "other", "vocals")
"""The order of the network's first axis."""

LABELS = ("start", "end", "intro", "outro", "break", "bridge", "inst", "solo", "verse", "chorus")

_DEPTH, _WIDTH, _HEADS, _KERNEL = 11, 24, 2, 5
_ARCHITECTURE: Final[Mapping[str, object]] = {
    "depth": _DEPTH,
    "dim_embed": _WIDTH,
    "num_heads": _HEADS,
    "kernel_size": _KERNEL,
    "dim_input": BANDS,
    "dilation_factor": 2,
    "dilation_max": 3200,
    "mlp_ratio": 4,
    "layer_norm_eps": 1e-5,
    "act_conv": "elu",
    "act_transformer": "gelu",
    "qkv_bias": True,
    "double_attention": True,
    "instrument_attention": True,
    "sample_rate": 44_100,
    "hop_size": 441,
    "fps": 100,
    "min_hops_per_beat": 24,
}
"""What a checkpoint's own configuration has to say for this network to be the one it was trained as."""

_RENAMED = (
    (".self.", "."),
    (".intermediate.dense.", ".widen."),
    (".output.dense.", ".dense."),
    ("_classifier.classifier.", "_classifier."),
)
_RHYTHM = ("beat_classifier.", "downbeat_classifier.")  # heads for beats and downbeats, which are not asked for here
_EMBEDDING_CHUNK, _ATTENTION_CHUNK = 3000, 1000  # frames at once


class AllInOneNetwork(nn.Module):
    """One fold of the ensemble; 0.3 million parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.embeddings = _Embedding()
        self.encoder = nn.ModuleDict({"layers": nn.ModuleList(_Block(2**i) for i in range(_DEPTH))})
        self.norm = nn.LayerNorm(_WIDTH)
        self.section_classifier = nn.Linear(len(STEMS) * _WIDTH, 1)
        self.function_classifier = nn.Linear(len(STEMS) * _WIDTH, len(LABELS))

    @classmethod
    def from_checkpoint(cls, checkpoint: Mapping[str, Any], name: str) -> AllInOneNetwork:
        """A network with the weights of a released checkpoint.

        Args:
            checkpoint: what the file holds: ``config`` and ``state_dict``.
            name: the file, for messages.

        Raises:
            SongbenchError: when its configuration or its tensors are not those of this network, naming them.
        """
        config, state = checkpoint.get("config", {}), checkpoint.get("state_dict", {})
        conflicting = [
            f"{key} = {config.get(key)!r}" for key, value in _ARCHITECTURE.items() if config.get(key) != value
        ]
        if conflicting:
            raise InputError(f"The checkpoint was not trained as this network: {', '.join(conflicting)}.", file=name)
        network = cls()
        tensors = {_own_name(key): value for key, value in state.items()}
        load_strictly(network, tensors, checkpoint=f"The checkpoint {name}", unused=_RHYTHM)
        return network.eval()

    def forward(self, spectrograms: Tensor) -> tuple[Tensor, Tensor]:
        """What it hears in one song.

        Args:
            spectrograms: of the four stems in the order of `STEMS`, shape (4, T, 81), T > 0.

        Returns:
            Logits: of a boundary at each frame, shape (T,); of each of `LABELS` at each frame, shape (10, T).
        """
        x = self.embeddings(spectrograms)
        for block in self.encoder["layers"]:  # type: ignore[attr-defined]
            x = block(x)
        x = self.norm(x).permute(1, 0, 2).reshape(x.shape[1], -1)
        boundary: Tensor = self.section_classifier(x)[:, 0]
        labels: Tensor = self.function_classifier(x).T
        return boundary, labels


def _own_name(name: str) -> str:
    for old, new in _RENAMED:
        name = name.replace(old, new)
    return name


class _Embedding(nn.Module):
    """Bands to features, frame by frame, each with its two neighbours on either side: (4, T, 81) to (4, T, 24)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv0 = nn.Conv2d(1, _WIDTH // 2, (3, 3), padding=(1, 0))
        self.conv1 = nn.Conv2d(_WIDTH // 2, _WIDTH, (1, 12))
        self.conv2 = nn.Conv2d(_WIDTH, _WIDTH, (3, 3), padding=(1, 0))
        self.norm = nn.LayerNorm(_WIDTH)

    def forward(self, spectrograms: Tensor) -> Tensor:
        """Shape (stems, T, 81) to (stems, T, 24)."""
        # The widest intermediate result is 40 times the answer, so it is made for half a minute at a time, with as many
        # frames around it as the convolutions look at.
        total, halo, parts = spectrograms.shape[1], 2, []
        for start in range(0, total, _EMBEDDING_CHUNK):
            before = min(start, halo)
            end = min(start + _EMBEDDING_CHUNK, total)
            part = self._features(spectrograms[:, start - before : end + halo])
            parts.append(part[:, before : before + end - start])
        return torch.cat(parts, dim=1)

    def _features(self, spectrograms: Tensor) -> Tensor:
        """Shape (stems, T, 81) to (stems, T, 24), all at once."""
        x = spectrograms[:, None]
        for conv in (self.conv0, self.conv1, self.conv2):
            x = functional.elu(functional.max_pool2d(conv(x), (1, 3)))
        result: Tensor = self.norm(x[..., 0].transpose(1, 2))
        return result


class _Block(nn.Module):
    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.timelayer = _TimeLayer(dilation)
        self.instlayer = _StemLayer()

    def forward(self, x: Tensor) -> Tensor:
        """Shape (stems, T, 24) in and out."""
        result: Tensor = self.instlayer(self.timelayer(x))
        return result


class _TimeLayer(nn.Module):
    """Each stem by itself: attention to near and to twice as far frames, then an MLP on both."""

    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.reach = 2 * _KERNEL * dilation
        self.layernorm_before = nn.LayerNorm(_WIDTH)
        self.attention = _Attention(dilation, (2 * _KERNEL - 1,))
        self.attention2 = _Attention(2 * dilation, (2 * _KERNEL - 1,))
        self.layernorm_after = nn.LayerNorm(2 * _WIDTH)
        self.widen = nn.Linear(2 * _WIDTH, 8 * _WIDTH)
        self.dense = nn.Linear(8 * _WIDTH, _WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (stems, T, 24) in and out."""
        frames = x.shape[1]
        # A song shorter than the reach is filled up with zeros, which are attended to, as in training.
        normed = functional.pad(self.layernorm_before(x), (0, 0, 0, max(0, self.reach - frames)))
        near, far = x + self.attention(normed)[:, :frames], x + self.attention2(normed)[:, :frames]
        mixed = self.dense(functional.gelu(self.widen(self.layernorm_after(torch.cat([near, far], dim=-1)))))
        result: Tensor = (near + far) / 2 + mixed
        return result


class _StemLayer(nn.Module):
    """Attention across the stems, then an MLP."""

    def __init__(self) -> None:
        super().__init__()
        self.layernorm_before = nn.LayerNorm(_WIDTH)
        self.attention = _Attention(1, (2 * _KERNEL - 1, 2 * _KERNEL - 1))
        self.layernorm_after = nn.LayerNorm(_WIDTH)
        self.widen = nn.Linear(_WIDTH, 4 * _WIDTH)
        self.dense = nn.Linear(4 * _WIDTH, _WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (stems, T, 24) in and out."""
        stems, frames, _ = x.shape
        # The kernel is as wide as five stems, so a fifth one of zeros is added.
        lacking = (0, 0, 0, max(0, _KERNEL - frames), 0, _KERNEL - stems)
        x = x + self.attention(functional.pad(self.layernorm_before(x), lacking))[:stems, :frames]
        mixed: Tensor = self.dense(functional.gelu(self.widen(self.layernorm_after(x))))
        return x + mixed


class _Attention(nn.Module):
    """Attention of every frame to `_KERNEL` frames around it, in its own stem or, with a bias of two axes, in all."""

    def __init__(self, dilation: int, bias: tuple[int, ...]) -> None:
        super().__init__()
        self.dilation = dilation
        self.query, self.key, self.value, self.dense = (nn.Linear(_WIDTH, _WIDTH) for _ in range(4))
        self.rpb = nn.Parameter(torch.zeros(_HEADS, *bias))

    def forward(self, x: Tensor) -> Tensor:
        """Shape (stems, T, 24) in and out; T at least kernel times dilation; 5 stems when they attend to each other."""
        stems, frames, width = x.shape
        query, key, value = (
            layer(x).view(stems, frames, _HEADS, width // _HEADS).transpose(0, 1)  # (T, stems, heads, 12)
            for layer in (self.query, self.key, self.value)
        )
        query = query / math.sqrt(width // _HEADS)
        places, distances = _neighbours(frames, self.dilation, x.device)
        attended = torch.empty(frames, stems, _HEADS, width // _HEADS, device=x.device)
        for start in range(0, frames, _ATTENTION_CHUNK):
            part = slice(start, start + _ATTENTION_CHUNK)
            keys, values = self._attended(key, places[part]), self._attended(value, places[part])
            bias = self._bias(distances[part], stems)
            if self.rpb.dim() == 2:
                scores = (keys * query[part, :, :, None]).sum(dim=-1) + bias
                attended[part] = (scores.softmax(dim=-1)[..., None] * values).sum(dim=-2)
            else:
                scores = query[part].transpose(1, 2) @ keys.transpose(2, 3) + bias
                attended[part] = (scores.softmax(dim=-1) @ values).transpose(1, 2)
        result: Tensor = self.dense(attended.transpose(0, 1).reshape(stems, frames, width))
        return result

    def _attended(self, x: Tensor, places: Tensor) -> Tensor:
        """What each frame attends to: (T, stems, heads, 5, 12), or of all stems together (T, heads, 25, 12)."""
        neighbours = x[places]  # (T, 5, stems, heads, 12)
        if self.rpb.dim() == 2:
            return neighbours.permute(0, 2, 3, 1, 4)
        return neighbours.permute(0, 3, 2, 1, 4).flatten(2, 3)

    def _bias(self, distances: Tensor, stems: int) -> Tensor:
        """The learnt biases to add to the scores: (T, 1, heads, 5), or (T, heads, stems, 25)."""
        if self.rpb.dim() == 2:
            return self.rpb[:, distances].transpose(0, 1)[:, None]
        stem = torch.arange(stems, device=distances.device)
        rows = self.rpb[:, stem[None] - stem[:, None] + _KERNEL - 1]  # (heads, stems, attended stems, 9)
        biases: Tensor = rows[..., distances].permute(3, 0, 1, 2, 4).flatten(3)
        return biases


def _neighbours(frames: int, dilation: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Which frames each frame attends to.

    Frames that lie a multiple of the dilation apart form a row; in its row each frame sees itself and two on either
    side, and at an end of the row the five that are there.

    Returns:
        Their places, and where their bias lies (4: the frame itself), both of shape (frames, 5).
    """
    place = torch.arange(frames, device=device)
    rank, row = place // dilation, place % dilation
    last = (frames - 1 - row) // dilation
    first = torch.minimum((rank - _KERNEL // 2).clamp(min=0), last - _KERNEL + 1)
    ranks = first[:, None] + torch.arange(_KERNEL, device=device)
    return ranks * dilation + row[:, None], ranks - rank[:, None] + _KERNEL - 1
