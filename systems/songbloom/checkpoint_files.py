"""The files of a checkpoint, found by what a user names, with the YAML file beside the weights. No torch needed yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from songbench.domain.errors import InputError
from songbench.domain.hashing import content_key, file_digest
from songbench.resources.tensors import INDEX, shards_of
from systems.songbloom.config import SongBloomConfig
from systems.songbloom.config_files import read_config
from systems.songbloom.lora.record import LoraRecord

SUFFIXES = (f".safetensors{INDEX}", f".bin{INDEX}", ".safetensors", ".pt", ".ckpt", ".pth")
"""What a checkpoint's file name can end in; an index stands for its shards."""

CURE = "Fetch it again ('songbench setup songbloom' for the released ones), or name another checkpoint."


@dataclass(frozen=True, kw_only=True)
class CheckpointFiles:
    """The files that make up a checkpoint on this machine.

    Attributes:
        weights: the transformers, and mostly the autoencoder.
        config: the YAML file.
        folders: where the files that the YAML names may lie.
        adapters: low-rank adapters to merge into the weights; None: none, or the weights file holds some itself.
        alpha: of the adapters; None: as their file says, else what the fork assumes.
    """

    weights: Path
    config: Path
    folders: tuple[Path, ...] = ()
    adapters: Path | None = None
    alpha: float | None = None

    @classmethod
    def find(cls, path: Path, *folders: Path) -> CheckpointFiles:
        """The checkpoint a user means by a folder, a weights file or a YAML file.

        Raises:
            InputError: nothing is there, or a folder holds several.
        """
        if path.is_dir():
            weights = sorted(file for file in path.iterdir() if file.name.endswith(SUFFIXES) and _yaml(file).is_file())
            if len(weights) != 1:
                raise _ambiguous(path, weights)
            path = weights[0]
        if path.suffix in (".yaml", ".yml"):
            beside = [path.with_name(path.stem + suffix) for suffix in SUFFIXES]
            path = next((file for file in beside if file.is_file()), beside[0])
        if not path.is_file():
            raise InputError("There is no such checkpoint.", file=str(path), cure=CURE)
        config = _yaml(path)
        if not config.is_file():
            raise InputError(
                "The checkpoint's YAML file is missing, so its sizes are unknown.",
                file=str(config),
                cure="Put it beside the weights under the same name.",
            )
        return cls(weights=path, config=config, folders=folders)

    def read_config(self) -> SongBloomConfig:
        """The sizes and settings.

        Raises:
            InputError: see `systems.songbloom.config_files.read_config`.
        """
        config = read_config(self.config, self.folders)
        record = LoraRecord.read(self.adapters) if self.adapters else None
        if record is None:
            return config
        return replace(config, model=replace(config.model, sketch_vocabulary=record.sketch_vocabulary))


def weights_digest(weights: Path) -> str:
    """The sha256 (64 hex digits) of a weights file; of an index, of all its shards together.

    Raises:
        InputError: the index cannot be read or shards are missing.
    """
    if not weights.name.endswith(INDEX):
        return file_digest(weights)
    return content_key("shards", file_digest(weights), *map(file_digest, shards_of(weights)))


def _yaml(weights: Path) -> Path:
    """The YAML file that belongs to a weights file."""
    suffix = next((suffix for suffix in SUFFIXES if weights.name.endswith(suffix)), weights.suffix)
    return weights.with_name(f"{weights.name.removesuffix(suffix)}.yaml")


def _ambiguous(folder: Path, weights: Sequence[Path]) -> InputError:
    """Why a folder is not taken for a checkpoint: it holds several, one without its YAML file, or none."""
    if weights:
        return InputError(
            f"There are several checkpoints in this folder: {', '.join(file.name for file in weights)}.",
            file=str(folder),
            cure="Name the weights file itself.",
        )
    alone = sorted(file for file in folder.iterdir() if file.name.endswith(SUFFIXES))
    if alone:
        return InputError(
            f"No weights file in this folder has a YAML file of its name, which tells its sizes: {alone[0].name} needs"
            f" {_yaml(alone[0]).name}.",
            file=str(folder),
            cure="Put it beside the weights.",
        )
    return InputError(
        f"There is no checkpoint in this folder (a file that ends in {', '.join(SUFFIXES)}).",
        file=str(folder),
        cure=CURE,
    )
