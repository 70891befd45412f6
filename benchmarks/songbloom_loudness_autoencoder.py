"""An autoencoder of random weights whose latents follow the loudness of random bands, for training small models.

Released autoencoders are large, and under plain random weights latents are like noise: neither sketch tokens nor the
frames before say anything about them, so nothing that reads these could help. Here filters are random, what shortens
the sequence averages, and the sines between make loudness of what was filtered. Its decoder is plainly random: it makes
no music.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from systems.songbloom.autoencoder import Autoencoder
from systems.songbloom.config import AutoencoderConfig

LATENT_DEVIATION = -3.0
"""The bottleneck's noise before softplus: a twentieth of the deviation of the latents."""


@torch.no_grad()
def loudness_autoencoder(config: AutoencoderConfig, examples: list[Tensor], generator: torch.Generator) -> Autoencoder:
    """Build one whose latents have mean 0 and variance 1 over examples.

    Args:
        config: its sizes.
        examples: audio at its rate, (channels, n) each.
        generator: all weights follow from it.
    """
    autoencoder = Autoencoder(config).requires_grad_(False)
    for part in autoencoder.modules():
        if isinstance(part, (nn.Conv1d, nn.ConvTranspose1d)):
            _randomise(part, generator)
    last = autoencoder.encoder[-1]
    channels = config.latent_channels
    means = torch.cat([autoencoder.moments(example[None])[0][0] for example in examples], dim=1)
    last.bias[:channels] = -means.mean(dim=1) / means.std(dim=1)
    last.weight[:channels] /= means.std(dim=1)[:, None, None]
    last.weight[channels:] *= 1e-3  # not 0: files hold directions and lengths, and 0 has no direction
    last.bias[channels:] = LATENT_DEVIATION
    return autoencoder


def _randomise(part: nn.Conv1d | nn.ConvTranspose1d, generator: torch.Generator) -> None:
    width, taps = part.weight.shape[1], part.weight.shape[2]
    if isinstance(part, nn.Conv1d) and part.stride[0] > 1:
        window = torch.hann_window(taps + 2)[1:-1]
        mixture = torch.randn(part.weight.shape[0], width, 1, generator=generator) / width**0.5
        part.weight.copy_(mixture * window / window.sum())
    else:
        part.weight.copy_(torch.randn(part.weight.shape, generator=generator) / (width * taps) ** 0.5)
    if part.bias is not None:
        part.bias.zero_()
