"""The autoencoder: 48 kHz stereo audio to 25 latent frames a second and back (Oobleck of Stable Audio, 1920x).

diffusers' `AutoencoderOobleck` computes the same function but ties the encoder's output width to its first layer's,
so it fits no other size, and it keeps weight norm apart from the weights, which is paid for at every call. Here the
norm is folded in when a checkpoint is loaded (`systems.songbloom.checkpoint`).

Shapes: N songs, A audio channels, n samples, C latent channels, T latent frames; n = T · hop.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from systems.songbloom.config import AutoencoderConfig


def snake(x: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
    """``x + sin(alpha·x)² / beta``; x (N, channels, T), alpha and beta (channels, 1), to the shape of `x`."""
    # In place: on a CPU most of the time went into memory for what is used once.
    return (x * alpha).sin_().square_().div_(beta + 1e-9).add_(x)


class Snake(nn.Module):
    """``x + sin(a·x)² / b`` with one `a` and `b` per channel, stored as logarithms (BigVGAN's SnakeBeta).

    Attributes:
        function: `snake`, or what `torch.compile` made of it.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.function: Callable[[Tensor, Tensor, Tensor], Tensor] = snake
        self.alpha = nn.Parameter(torch.zeros(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Shape (N, channels, T), unchanged."""
        return self.function(x, self.alpha.exp()[:, None], self.beta.exp()[:, None])


def residual_unit(channels: int, dilation: int) -> nn.Sequential:
    """Snake, dilated convolution over 7, snake, convolution over 1; the caller adds the input."""
    return nn.Sequential(
        Snake(channels),
        nn.Conv1d(channels, channels, 7, dilation=dilation, padding=3 * dilation),
        Snake(channels),
        nn.Conv1d(channels, channels, 1),
    )


class Residual(nn.Module):
    """``x + units(x)``."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.layers = residual_unit(channels, dilation)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (N, channels, T), unchanged."""
        changed: Tensor = self.layers(x)
        return x + changed


def _encoder_level(narrow: int, wide: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        *(Residual(narrow, dilation) for dilation in (1, 3, 9)),
        Snake(narrow),
        nn.Conv1d(narrow, wide, 2 * stride, stride=stride, padding=math.ceil(stride / 2)),
    )


def _decoder_level(wide: int, narrow: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        Snake(wide),
        nn.ConvTranspose1d(wide, narrow, 2 * stride, stride=stride, padding=math.ceil(stride / 2)),
        *(Residual(narrow, dilation) for dilation in (1, 3, 9)),
    )


def plain_float32() -> AbstractContextManager[None]:
    """Convolutions in float32 proper.

    On CUDA torch leaves TF32 (10 bits of mantissa) on for them. The decoder's sines magnify such rounding to some per
    cent of the signal under random weights.
    """
    cudnn = torch.backends.cudnn  # what else the user has set holds
    return cudnn.flags(cudnn.enabled, cudnn.benchmark, deterministic=cudnn.deterministic, allow_tf32=False)


class Autoencoder(nn.Module):
    """Encoder with a variational bottleneck, decoder.

    Attributes:
        context: frames on either side of a piece that its audio depends on.
    """

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config, self.context = config, config.context
        widths = [config.channels] + [config.channels * multiple for multiple in config.multiples]
        levels = list(zip(widths[:-1], widths[1:], config.strides, strict=True))
        self.encoder = nn.Sequential(
            nn.Conv1d(config.audio_channels, widths[0], 7, padding=3),
            *(_encoder_level(narrow, wide, stride) for narrow, wide, stride in levels),
            Snake(widths[-1]),
            nn.Conv1d(widths[-1], 2 * config.latent_channels, 3, padding=1),
        )
        self.decoder = nn.Sequential(
            nn.Conv1d(config.latent_channels, widths[-1], 7, padding=3),
            *(_decoder_level(wide, narrow, stride) for narrow, wide, stride in reversed(levels)),
            Snake(widths[0]),
            nn.Conv1d(widths[0], config.audio_channels, 7, padding=3, bias=False),
        )

    def moments(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of the latents, each (N, C, T), of audio (N, A, n)."""
        with plain_float32():
            mean, scale = self.encoder(audio).chunk(2, dim=1)
        return mean, F.softplus(scale) + 1e-4

    def encode(self, audio: Tensor, noise: Tensor) -> Tensor:
        """Latents drawn from the bottleneck, as upstream draws them even for prompts.

        Args:
            audio: (N, A, n).
            noise: standard normal, (N, C, T).

        Returns:
            Shape (N, C, T).
        """
        mean, deviation = self.moments(audio)
        return mean + deviation * noise

    def frames(self, samples: int) -> int:
        """How many latent frames that many samples give; no padding is added."""
        for stride in self.config.strides:
            samples = (samples + 2 * math.ceil(stride / 2) - 2 * stride) // stride + 1
        return max(samples, 0)

    def compile_snakes(self) -> None:
        """Pass the activations through `torch.compile`: one pass over memory, not five; one case for all sizes."""
        function = torch.compile(snake, dynamic=True)
        for part in self.modules():
            if isinstance(part, Snake):
                part.function = function

    def decode(self, latents: Tensor) -> Tensor:
        """Audio (N, A, T · hop) of latents (N, C, T), at once; values may exceed ±1."""
        with plain_float32():
            audio: Tensor = self.decoder(latents)
        return audio

    def decode_chunked(self, latents: Tensor, chunk: int) -> Iterator[Tensor]:
        """The same audio piece by piece in bounded memory.

        Every piece is decoded with `context` frames on either side, which are then cut off; this is exact, as the
        decoder looks no further.

        Args:
            latents: (N, C, T).
            chunk: frames per piece.

        Yields:
            Audio (N, A, frames · hop).
        """
        total = latents.shape[-1]
        for start in range(0, total, chunk):
            yield self.decode_piece(latents, start, min(start + chunk, total))

    def decode_piece(self, latents: Tensor, start: int, end: int) -> Tensor:
        """Audio (N, A, frames · hop) of frames `start` to `end` (exclusive) of latents (N, C, T) with their context."""
        before, after = max(0, start - self.context), min(latents.shape[-1], end + self.context)
        audio = self.decode(latents[..., before:after])
        hop = self.config.hop
        return audio[..., (start - before) * hop : (end - before) * hop]
