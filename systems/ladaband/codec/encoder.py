"""The part of MuQ that MuCodec hears through: convolutions over the spectrogram and half of a conformer.

MuQ: Zhu et al. 2025, arXiv 2501.01108; its layers are those of wav2vec2-conformer with rotary positions. Parameters
have the names of MuQ's checkpoints (without ``model.`` in front). Layers above the one that is listened to are left
out.

Shapes: N windows, B bands, F frames of the spectrogram, T = F / 4 tokens, D width.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from systems.ladaband.codec.log_mel import halved_rate, log_mel
from systems.ladaband.codec.windows import TOKEN_SAMPLES
from systems.ladaband.config import CodecConfig
from systems.layers.attention import attend_fully
from systems.layers.rotary import RoPE, apply_rope, rope_table

ROTARY_BASE = 10_000.0


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
    """From a spectrogram to one vector per token."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        channels = config.encoder_channels
        self.conv = nn.Sequential(StridedResidual(1, channels), StridedResidual(channels, channels))
        self.linear = nn.Linear(channels * config.mel_bands // 4, config.feature_dim)

    def forward(self, spectrogram: Tensor) -> Tensor:
        """Shape (N, B, F) to (N, T, D)."""
        features: Tensor = self.linear(self.conv(spectrogram[:, None]).permute(0, 3, 1, 2).flatten(2))
        return features


class ConformerFeedForward(nn.Module):
    """``output_dense(silu(intermediate_dense(x)))``."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.intermediate_dense = nn.Linear(config.feature_dim, config.encoder_feed_forward)
        self.output_dense = nn.Linear(config.encoder_feed_forward, config.feature_dim)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (N, T, D), unchanged."""
        result: Tensor = self.output_dense(F.silu(self.intermediate_dense(x)))
        return result


class ConformerAttention(nn.Module):
    """Self-attention whose input, not its queries and keys, is turned by position."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.heads = config.encoder_heads
        self.linear_q, self.linear_k, self.linear_v, self.linear_out = (
            nn.Linear(config.feature_dim, config.feature_dim) for _ in range(4)
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

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        dim, kernel = config.feature_dim, config.encoder_kernel
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

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        dim = config.feature_dim
        self.ffn1_layer_norm = nn.LayerNorm(dim)
        self.ffn1 = ConformerFeedForward(config)
        self.self_attn_layer_norm = nn.LayerNorm(dim)
        self.self_attn = ConformerAttention(config)
        self.conv_module = ConformerConvolution(config)
        self.ffn2_layer_norm = nn.LayerNorm(dim)
        self.ffn2 = ConformerFeedForward(config)
        self.final_layer_norm = nn.LayerNorm(dim)

    def forward(self, x: Tensor, rope: RoPE) -> Tensor:
        """Shape (N, T, D), unchanged."""
        x = x + 0.5 * self.ffn1(self.ffn1_layer_norm(x))
        x = x + self.self_attn(self.self_attn_layer_norm(x), rope)
        x = x + self.conv_module(x)
        x = x + 0.5 * self.ffn2(self.ffn2_layer_norm(x))
        normed: Tensor = self.final_layer_norm(x)
        return normed


class MusicEncoder(nn.Module):
    """MuQ up to the hidden state that MuCodec quantises."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.config = config
        self.conv = Subsampling(config)
        self.conformer = nn.ModuleDict(
            {"layers": nn.ModuleList(ConformerLayer(config) for _ in range(config.encoder_level))}
        )

    def forward(self, windows: Tensor) -> Tensor:
        """The features of windows of sound.

        Args:
            windows: at 48 kHz, shape (N, channels, n); samples after the last whole token are not heard.

        Returns:
            Shape (N, T, D) with T = n // 1920, float32.
        """
        sound = halved_rate(windows.mean(1))
        half_token = TOKEN_SAMPLES // 2
        spectrogram = log_mel(sound[:, : sound.shape[-1] // half_token * half_token], self.config)
        x: Tensor = self.conv(spectrogram)
        head = self.config.feature_dim // self.config.encoder_heads
        rope = rope_table(x.shape[1], head, head, ROTARY_BASE, x.device)
        rope = RoPE(rope.cos[:, None], rope.sin[:, None], rope.partner)
        for layer in self.conformer["layers"]:  # type: ignore[attr-defined]
            x = layer(x, rope)
        return x
