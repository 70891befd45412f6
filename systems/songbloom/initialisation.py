"""The weights that training from scratch starts from."""

from __future__ import annotations

import torch
from torch import nn

from systems.layers.norms import RMSNorm
from systems.songbloom.layers import LayerNorm
from systems.songbloom.model import SongBloom

DEVIATION = 0.02
"""Of matrices, embeddings and the beginning-of-song vector (``init_std`` of the released configuration)."""


@torch.no_grad()
def initialise(model: SongBloom, generator: torch.Generator | None = None) -> SongBloom:
    """Give both transformers and their embeddings upstream's initial weights, in place; the autoencoder stays.

    Matrices and embeddings are normal around 0 with `DEVIATION`, padding rows and biases 0, norms 1, the frequencies of
    the diffusion time's Fourier features standard normal (they are trained, so a model that starts with zeros stays
    blind to time for long).

    Args:
        model: with plain weights, on the generator's device.
        generator: None: torch's own.
    """
    conditioning, dit = model.conditioning, model.acoustic_dit
    parts = [part for name, part in model.named_modules() if not name.startswith("autoencoder")]
    for part in parts:
        match part:
            case nn.Linear():
                part.weight.normal_(0, DEVIATION, generator=generator)
                if part.bias is not None:
                    part.bias.zero_()
            case nn.Embedding():
                part.weight.normal_(0, DEVIATION, generator=generator)
                if part.padding_idx is not None:
                    part.weight[part.padding_idx] = 0
            case LayerNorm():
                part.gamma.fill_(1)
                part.beta.fill_(0)
            case RMSNorm():
                part.weight.fill_(1)
    conditioning.blank.zero_()
    model.sketch_lm.bos.normal_(0, DEVIATION, generator=generator)
    dit.time_frequencies.normal_(0, 1, generator=generator)
    return model
