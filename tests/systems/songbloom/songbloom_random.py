"""Small models with random weights, in memory and as checkpoints on disk."""

from dataclasses import replace
from pathlib import Path

import torch

from systems.songbloom.checkpoint import save_checkpoint
from systems.songbloom.checkpoint_files import CheckpointFiles
from systems.songbloom.config import AutoencoderConfig, DecodingConfig, ModelConfig, SongBloomConfig
from systems.songbloom.model import SongBloom

SMALL = SongBloomConfig(
    name="small",
    model=ModelConfig(
        dim=64,
        heads=2,
        lm_layers=2,
        dit_layers=2,
        latent_channels=8,
        sketch_vocabulary=64,
        timestep_features=32,
        prompt_frames=25,
        lyrics_length=400,
    ),
    autoencoder=AutoencoderConfig(channels=4, latent_channels=8),
    decoding=DecodingConfig(steps=4, max_seconds=5.12, top_k=20),
    trained_seconds=60.0,
)


def random_model(config: SongBloomConfig = SMALL, seed: int = 0, end_bias: float = 0.0) -> SongBloom:
    """A model whose weights are large enough that every part matters; `end_bias` makes songs end sooner or later."""
    generator = torch.Generator().manual_seed(seed)
    model = SongBloom(config).requires_grad_(False)
    for name, parameter in model.named_parameters():
        if name.endswith("conditioning.blank"):
            continue
        if parameter.ndim > 1 and len(parameter):  # an ablated model has no row for sketch tokens
            fan_in = parameter[0].numel()
            parameter.normal_(0, 1 if "embedding" in name or "sentences" in name else fan_in**-0.5, generator=generator)
        elif parameter.ndim == 1 and not name.endswith(("gamma", "norm.weight", "alpha", "beta")):
            parameter.normal_(0, 0.1, generator=generator)
    model.sketch_lm.classifier[2].bias[-1] = end_bias
    return model


def random_checkpoint(folder: Path, config: SongBloomConfig = SMALL, **options) -> CheckpointFiles:
    """A checkpoint with its YAML, vocabulary and autoencoder JSON, in the released layout."""
    return save_checkpoint(random_model(config, **options), folder)


def longer(seconds: float) -> SongBloomConfig:
    """The small configuration with another longest length."""
    return replace(SMALL, decoding=replace(SMALL.decoding, max_seconds=seconds))
