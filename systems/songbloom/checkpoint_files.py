"""The files of a checkpoint, found by what a user names, with the YAML file beside the weights. No torch needed yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from songbench.domain.errors import InputError
from songbench.resources.tensors import INDEX
from systems.songbloom.config import SongBloomConfig
from systems.songbloom.config_files import named_autoencoder, read_config

if TYPE_CHECKING:
    import torch

    from systems.songbloom.model import SongBloom

SUFFIXES = (f".safetensors{INDEX}", f".bin{INDEX}", ".safetensors", ".pt", ".ckpt", ".pth")
"""What a checkpoint's file name can end in; an index stands for its shards."""

CURE = "Fetch it again ('songbench setup songbloom' for the released ones), or name another checkpoint."


@dataclass(frozen=True)
class CheckpointFiles:
    """The files that make up a checkpoint on this machine.

    Attributes:
        weights: the transformers, and mostly the autoencoder.
        config: the YAML file.
        folders: where the files that the YAML names may lie.
    """

    weights: Path
    config: Path
    folders: tuple[Path, ...] = ()

    @classmethod
    def find(cls, path: Path, *folders: Path) -> CheckpointFiles:
        """The checkpoint a user means by a folder, a weights file or a YAML file.

        Raises:
            InputError: nothing is there, or a folder holds several.
        """
        if path.is_dir():
            found = sorted(one for one in path.iterdir() if one.name.endswith(SUFFIXES) and _settings(one).is_file())
            if len(found) != 1:
                raise _not_one(path, found)
            path = found[0]
        if path.suffix in (".yaml", ".yml"):
            beside = [path.with_name(path.stem + suffix) for suffix in SUFFIXES]
            path = next((one for one in beside if one.is_file()), beside[0])
        if not path.is_file():
            raise InputError("There is no such checkpoint.", file=str(path), cure=CURE)
        config = _settings(path)
        if not config.is_file():
            raise InputError(
                "The checkpoint's YAML file is missing, so its sizes are unknown.",
                file=str(config),
                cure="Put it beside the weights under the same name.",
            )
        return cls(path, config, folders)

    def read_config(self) -> SongBloomConfig:
        """The sizes and settings.

        Raises:
            InputError: see `systems.songbloom.config_files.read_config`.
        """
        return read_config(self.config, self.folders)

    def check(self) -> SongBloomConfig:
        """Check everything that can be checked without reading the weights themselves.

        Raises:
            InputError: see `systems.songbloom.checkpoint.check_model`.
        """
        from systems.songbloom.checkpoint import check_model

        config = self.read_config()
        check_model(config, *self.tensor_files())
        return config

    def load(self, dtype: torch.dtype | None = None) -> SongBloom:
        """The model, on the CPU.

        Raises:
            InputError: see `systems.songbloom.checkpoint.load_model`.
        """
        from systems.songbloom.checkpoint import load_model

        return load_model(self.read_config(), *self.tensor_files(), dtype=dtype)

    def tensor_files(self) -> tuple[Path, ...]:
        """The weights file, and the autoencoder's own where the weights file does not hold it too.

        Raises:
            InputError: the autoencoder is in neither, or a file cannot be read.
        """
        from systems.songbloom.checkpoint import holds_autoencoder

        named = named_autoencoder(self.config, self.folders)
        if named is None or holds_autoencoder(self.weights):
            return (self.weights,)
        if not named.is_file():
            raise InputError(
                f"{self.weights.name} does not hold the autoencoder, and this file, which its YAML file names for it,"
                " is missing.",
                file=str(named),
                cure="Put it beside the checkpoint; 'songbench setup songbloom-autoencoder' fetches the released one.",
            )
        return (self.weights, named)


def _settings(weights: Path) -> Path:
    """The YAML file that belongs to a weights file."""
    suffix = next((suffix for suffix in SUFFIXES if weights.name.endswith(suffix)), weights.suffix)
    return weights.with_name(f"{weights.name.removesuffix(suffix)}.yaml")


def _not_one(folder: Path, found: Sequence[Path]) -> InputError:
    """Why a folder is not taken for a checkpoint: it holds several, one without its YAML file, or none."""
    if found:
        return InputError(
            f"There are several checkpoints in this folder: {', '.join(one.name for one in found)}.",
            file=str(folder),
            cure="Name the weights file itself.",
        )
    alone = sorted(one for one in folder.iterdir() if one.name.endswith(SUFFIXES))
    if alone:
        return InputError(
            f"No weights file in this folder has a YAML file of its name, which tells its sizes: {alone[0].name} needs"
            f" {_settings(alone[0]).name}.",
            file=str(folder),
            cure="Put it beside the weights.",
        )
    return InputError(
        f"There is no checkpoint in this folder (a file that ends in {', '.join(SUFFIXES)}).",
        file=str(folder),
        cure=CURE,
    )
