"""How a model is written while it is trained: as a checkpoint, or its adapters alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from systems.songbloom.checkpoint import save_checkpoint
from systems.songbloom.loading import base_name, digest_of_weights, find
from systems.songbloom.lora.adapters import add_adapters
from systems.songbloom.lora.config import LoraConfig
from systems.songbloom.lora.files import save_lora
from systems.songbloom.lora.record import BaseCheckpoint
from systems.songbloom.model import SongBloom
from systems.training.seeds import derived_generator

Export = Callable[[SongBloom, Path], None]


def export_whole(model: SongBloom, folder: Path) -> None:
    """Write a checkpoint in the released layout."""
    save_checkpoint(model, folder)


def with_adapters(model: SongBloom, start: str, config: LoraConfig, *, name: str, seed: int) -> Export:
    """Put adapters on a model, in place.

    Args:
        model: of the checkpoint.
        start: the checkpoint, as for `systems.songbloom.loading.find`.
        config: of the adapters.
        name: of their file.
        seed: of their first weights.

    Returns:
        What writes them into a folder, as ``NAME.lora``.
    """
    add_adapters(model, config, derived_generator(seed, "adapters"))
    digest = digest_of_weights(find(start))  # once, as it reads gigabytes

    def export(adapted: SongBloom, folder: Path) -> None:
        save_lora(adapted, folder / f"{name}.lora", BaseCheckpoint(base_name(start, folder), digest))

    return export
