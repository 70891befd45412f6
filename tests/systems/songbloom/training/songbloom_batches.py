"""Small random songs to train on."""

import torch
from songbloom_random import SMALL

from systems.songbloom.config import ModelConfig
from systems.songbloom.training.batch import SongBatch, SongExample


def random_examples(patches=(3, 2), config: ModelConfig = SMALL.model, seed: int = 0) -> list[SongExample]:
    """Songs of so many patches each."""
    generator = torch.Generator().manual_seed(seed)
    return [
        SongExample(
            id=f"song{number}",
            sketch=torch.randint(0, config.sketch_vocabulary, (count * config.patch,), generator=generator),
            latents=torch.randn(count * config.patch, config.latent_channels, generator=generator),
            lyrics=(1, 20 + number % 50, 30, 11, 44),
            style=torch.randn(config.prompt_frames, config.latent_channels, generator=generator),
        )
        for number, count in enumerate(patches)
    ]


def random_batch(patches=(3, 2), config: ModelConfig = SMALL.model, seed: int = 0) -> SongBatch:
    return SongBatch.of(random_examples(patches, config, seed), config)
