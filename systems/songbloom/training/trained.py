"""Which of a SongBloom's weights are trained."""

from __future__ import annotations

from torch import nn

from systems.songbloom.model import SongBloom


def freeze_untrained(model: SongBloom) -> SongBloom:
    """Let everything learn but the autoencoder and the lyrics' padding, in place.

    Upstream freezes the padding's embedding (`systems.songbloom.conditioning.Conditioning.blank`), too: all unused
    places of the lyrics share it, so its gradient would outweigh all others together and clipping would then stop them.
    """
    model.requires_grad_(True)
    model.autoencoder.requires_grad_(False).eval()
    model.conditioning.blank.requires_grad_(False)
    return model


def trained_parameters(model: SongBloom) -> dict[str, nn.Parameter]:
    """The weights that a gradient reaches, by name."""
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
