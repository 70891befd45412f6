"""The model a training begins with: of its own size with fresh weights, or a checkpoint."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import torch

from songbench.domain.errors import InputError
from systems.songbloom import loading
from systems.songbloom.checkpoint import load_checkpoint
from systems.songbloom.config import ModelConfig, SongBloomConfig, longest_seconds
from systems.songbloom.initialisation import initialise
from systems.songbloom.model import SongBloom
from systems.songbloom.presets import PRESETS
from systems.songbloom.training.data.latents import LatentEncoder, load_autoencoder
from systems.songbloom.training.data.records import PreparationBasis
from systems.songbloom.training.settings import ModelSettings
from systems.songbloom.training.trained import freeze_untrained
from systems.training.seeds import derived_generator


def fresh_model(
    settings: ModelSettings, basis: PreparationBasis, autoencoder: str | Path, *, name: str, seed: int
) -> SongBloom:
    """A model that has learnt nothing yet, with the autoencoder that made the latents of the data.

    Args:
        settings: its sizes.
        basis: of the data: sketch tokens and channels follow from it.
        autoencoder: the checkpoint the data were prepared with; its symbols are taken, too.
        name: of the model.
        seed: of its weights.

    Raises:
        InputError: there are no such sizes, or the data were made with another autoencoder.
        UnavailableError: the checkpoint is not here.
    """
    files = loading.find(autoencoder)
    encoder = load_autoencoder(files)
    if LatentEncoder(encoder).digest != basis.autoencoder:
        raise InputError(
            f"The data were prepared with another autoencoder than that of '{autoencoder}'.",
            field="--autoencoder",
            cure="Name the checkpoint that 'songbench train prepare --autoencoder' was given.",
        )
    model = SongBloom(_config(settings, basis, files.read_config(), name))
    model.autoencoder = encoder
    return freeze_untrained(initialise(model, derived_generator(seed, "weights")))


def checkpoint_model(checkpoint: str | Path, *, name: str) -> SongBloom:
    """The model of a checkpoint in float32, to go on from.

    Args:
        checkpoint: as for `systems.songbloom.loading.find`.
        name: of the model from now on.

    Raises:
        InputError: it is no checkpoint.
        UnavailableError: it is not here.
    """
    model = load_checkpoint(loading.find(checkpoint), torch.float32)
    model.config = replace(model.config, name=name)
    return freeze_untrained(model)


def model_name(folder: Path) -> str:
    """A name for files from that of a folder."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", folder.resolve().name).strip("-") or "songbloom"


def _config(settings: ModelSettings, basis: PreparationBasis, origin: SongBloomConfig, name: str) -> SongBloomConfig:
    if settings.preset not in PRESETS:
        raise InputError(
            f"There is no size '{settings.preset}'.",
            field="model.preset",
            value=settings.preset,
            allowed=tuple(PRESETS),
        )
    preset = PRESETS[settings.preset]
    seconds = settings.seconds or preset.trained_seconds
    data_sizes: dict[str, Any] = {
        "sketch_vocabulary": basis.sketch_vocabulary,
        "latent_channels": basis.latent_channels,
        "vocabulary": origin.model.vocabulary,
    }
    allowed = tuple(field.name for field in fields(ModelConfig) if field.name not in data_sizes)
    for size in settings.sizes:
        if size not in allowed:
            raise InputError(
                f"A model has no size '{size}' to be set.", field="model.sizes", value=size, allowed=allowed
            )
    try:
        sizes = replace(preset.model, **data_sizes, **settings.sizes)
    except TypeError as error:
        raise InputError(f"These sizes cannot be: {error}.", field="model.sizes") from None
    return replace(
        preset,
        name=name,
        model=sizes,
        autoencoder=origin.autoencoder,
        trained_seconds=seconds,
        decoding=replace(preset.decoding, max_seconds=longest_seconds(seconds)),
    )
