"""MuQ up to one of its hidden states: convolutions over the spectrogram and layers of a conformer.

MuQ: Zhu et al. 2025, arXiv 2501.01108; its layers are those of wav2vec2-conformer with rotary positions. Parameters
have the names of MuQ's checkpoints (without ``model.`` in front). Layers above the one that is listened to are left
out.

Shapes: N windows, B bands, F columns of the spectrogram, T = F / 4 frames, rounded up, D width.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from systems.layers.attention import attend_fully
from systems.layers.rotary import RoPE, apply_rope, rope_table
from systems.music_encoders.log_mel import log_mel_part, mirrored
from systems.music_encoders.muq_sizes import FRAME_COLUMNS, MuqSizes

ROTARY_BASE = 10_000.0

_PIECE = 750
"""Frames that the convolutions make at once; those of a song of ten minutes would take gigabytes."""

_AROUND = 4
"""Frames on either side on which one depends, rounded up: the convolutions reach 9 columns of the spectrogram."""


class StridedResidual(nn.Module):
    """Two convolutions over 3 x 3 and a third as the shortcut, each with batch norm; halves bands and frames."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, padding=1, stride=2)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv3 = nn.Conv2d(channels_in, channels, 3, padding=1, stride=2)
        self.bn3 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (N, channels_in, B, F) to (N, channels, B / 2, F / 2)."""
        changed = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(changed + self.bn3(self.conv3(x)))


class Subsampling(nn.Module):
    """From a spectrogram to one vector per frame."""

    def __init__(self, sizes: MuqSizes) -> None:
        super().__init__()
        channels = sizes.channels
        self.conv = nn.Sequential(StridedResidual(1, channels), StridedResidual(channels, channels))
        self.linear = nn.Linear(channels * sizes.mel_bands // 4, sizes.width)

    def forward(self, spectrogram: Tensor) -> Tensor:
        """Shape (N, B, F) to (N, T, D)."""
        features: Tensor = self.linear(self.conv(spectrogram[:, None]).permute(0, 3, 1, 2).flatten(2))
        return features


class ConformerFeedForward(nn.Module):
    """``output_dense(silu(intermediate_dense(x)))``."""

    def __init__(self, sizes: MuqSizes) -> None:
        super().__init__()
        self.intermediate_dense = nn.Linear(sizes.width, sizes.feed_forward)
        self.output_dense = nn.Linear(sizes.feed_forward, sizes.width)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (N, T, D), unchanged."""
        result: Tensor = self.output_dense(F.silu(self.intermediate_dense(x)))
        return result


class ConformerAttention(nn.Module):
    """Self-attention whose input, not its queries and keys, is turned by position."""

    def __init__(self, sizes: MuqSizes) -> None:
        super().__init__()
        self.heads = sizes.heads
        self.linear_q, self.linear_k, self.linear_v, self.linear_out = (
            nn.Linear(sizes.width, sizes.width) for _ in range(4)
        )

    def forward(self, x: Tensor, rope: RoPE) -> Tensor:
        """Shape (N, T, D), unchanged; tables of shape (T, 1, D / heads)."""
        turned = apply_rope(x.unflatten(-1, (self.heads, -1)), rope).flatten(2)
        queries, keys, values = (
            linear(inputs).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for linear, inputs in ((self.linear_q, turned), (self.linear_k, turned), (self.linear_v, x))
        )
        result: Tensor = self.linear_out(attend_fully(queries, keys, values).transpose(1, 2).flatten(2))
        return result


class ConformerConvolution(nn.Module):
    """A gated map of each token, a convolution over tokens within each channel, a map of each token."""

    def __init__(self, sizes: MuqSizes) -> None:
        super().__init__()
        dim, kernel = sizes.width, sizes.kernel
        self.layer_norm = nn.LayerNorm(dim)
        self.pointwise_conv1 = nn.Conv1d(dim, 2 * dim, 1, bias=False)
        self.depthwise_conv = nn.Conv1d(dim, dim, kernel, padding=kernel // 2, groups=dim, bias=False)
        self.batch_norm = nn.BatchNorm1d(dim)
        self.pointwise_conv2 = nn.Conv1d(dim, dim, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (N, T, D), unchanged."""
        gated = F.glu(self.pointwise_conv1(self.layer_norm(x).transpose(1, 2)), dim=1)
        mixed: Tensor = self.pointwise_conv2(F.silu(self.batch_norm(self.depthwise_conv(gated))))
        return mixed.transpose(1, 2)


class ConformerLayer(nn.Module):
    """Half a feed-forward layer, attention, convolution, half a feed-forward layer, each added; then a norm."""

    def __init__(self, sizes: MuqSizes) -> None:
        super().__init__()
        dim = sizes.width
        self.ffn1_layer_norm = nn.LayerNorm(dim)
        self.ffn1 = ConformerFeedForward(sizes)
        self.self_attn_layer_norm = nn.LayerNorm(dim)
        self.self_attn = ConformerAttention(sizes)
        self.conv_module = ConformerConvolution(sizes)
        self.ffn2_layer_norm = nn.LayerNorm(dim)
        self.ffn2 = ConformerFeedForward(sizes)
        self.final_layer_norm = nn.LayerNorm(dim)

    def forward(self, x: Tensor, rope: RoPE) -> Tensor:
        """Shape (N, T, D), unchanged."""
        x = x + 0.5 * self.ffn1(self.ffn1_layer_norm(x))
        x = x + self.self_attn(self.self_attn_layer_norm(x), rope)
        x = x + self.conv_module(x)
        x = x + 0.5 * self.ffn2(self.ffn2_layer_norm(x))
        normed: Tensor = self.final_layer_norm(x)
        return normed


class MuqEncoder(nn.Module):
    """MuQ up to a hidden state.

    Args:
        sizes: of the MuQ.
        layer: which hidden state: 0 is what enters the conformer, k what its layer k gives, and the last has the norm
            behind it that MuQ's package has there.
    """

    def __init__(self, sizes: MuqSizes, layer: int) -> None:
        super().__init__()
        self.sizes = sizes
        self.conv = Subsampling(sizes)
        self.conformer = nn.ModuleDict({"layers": nn.ModuleList(ConformerLayer(sizes) for _ in range(layer))})
        if layer == sizes.layers:
            self.conformer["layer_norm"] = nn.LayerNorm(sizes.width)

    def forward(self, sound: Tensor) -> Tensor:
        """The hidden state of whole sounds.

        Every frame hears all others, as in MuQ's package; the convolutions go through a long sound in pieces with as
        much around each as its frames depend on, so that memory grows with the length alone.

        Args:
            sound: mono at 24 kHz, shape (N, n), n > 1024.

        Returns:
            Shape (N, T, D) with T = n / 960, rounded up where a column of the spectrogram is left, float32.
        """
        x = self._entry(sound)
        head = self.sizes.width // self.sizes.heads
        rope = rope_table(x.shape[1], head, head, ROTARY_BASE, x.device)
        rope = RoPE(rope.cos[:, None], rope.sin[:, None], rope.turned)
        for layer in self.conformer["layers"]:  # type: ignore[attr-defined]
            x = layer(x, rope)
        if "layer_norm" in self.conformer:
            x = self.conformer["layer_norm"](x)
        return x

    def _entry(self, sound: Tensor) -> Tensor:
        """What enters the conformer, shape (N, T, D)."""
        columns = sound.shape[-1] // self.sizes.mel_hop
        frames = -(-columns // FRAME_COLUMNS)
        padded = mirrored(sound, self.sizes)
        parts = []
        for start in range(0, frames, _PIECE):
            end = min(start + _PIECE, frames)
            first, last = max(0, start - _AROUND), min(frames, end + _AROUND)
            span = first * FRAME_COLUMNS, min(last * FRAME_COLUMNS, columns)
            part = self.conv(log_mel_part(padded, self.sizes, *span))
            parts.append(part[:, start - first : end - first])
        return torch.cat(parts, dim=1)
