"""What a file of adapters says about itself, in the metadata of its safetensors header; no torch needed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open

from songbench.domain.errors import InputError
from systems.songbloom.lora.config import LoraConfig

SUFFIX = ".lora"
"""How the name of a file of adapters ends; what it holds is in the format of safetensors."""

_FORMAT = "songbench lora 1"


@dataclass(frozen=True)
class BaseCheckpoint:
    """The checkpoint that adapters were trained on.

    Attributes:
        name: a release, a hub repository, or a path relative to the folder of the adapters.
        digest: of its weights file, see `systems.songbloom.checkpoint_files.weights_digest`.
    """

    name: str
    digest: str


@dataclass(frozen=True)
class LoraRecord:
    """What a file of adapters says about itself.

    Attributes:
        config: rank, alpha, targets and what was trained beside the adapters.
        base: what they were trained on.
        sketch_vocabulary: number of sketch tokens, which retrained tables may have changed.
    """

    config: LoraConfig
    base: BaseCheckpoint
    sketch_vocabulary: int

    def metadata(self) -> dict[str, str]:
        """For the header of a safetensors file."""
        return {
            "format": _FORMAT,
            "rank": str(self.config.rank),
            "alpha": repr(float(self.config.alpha)),
            "dropout": repr(float(self.config.dropout)),
            "targets": json.dumps(list(self.config.targets)),
            "train": self.config.train,
            "base": self.base.name,
            "base_digest": self.base.digest,
            "sketch_vocabulary": str(self.sketch_vocabulary),
        }

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> LoraRecord | None:
        """Read the header; None: it is not one that `metadata` wrote.

        Raises:
            InputError: it is, but a value is missing or cannot be.
        """
        if metadata.get("format") != _FORMAT:
            return None
        try:
            config = LoraConfig(
                rank=int(metadata["rank"]),
                alpha=float(metadata["alpha"]),
                dropout=float(metadata["dropout"]),
                targets=tuple(map(str, json.loads(metadata["targets"]))),
                train=metadata["train"],  # type: ignore[arg-type]  # checked by LoraConfig
            )
            base = BaseCheckpoint(metadata["base"], metadata["base_digest"])
            return cls(config, base, int(metadata["sketch_vocabulary"]))
        except (KeyError, ValueError, TypeError) as error:
            raise InputError(f"The header of the adapters is damaged ({error!r}).") from None

    @classmethod
    def read(cls, file: Path) -> LoraRecord | None:
        """The record of a file; None: it has none, as the fork's files.

        Raises:
            InputError: it is no safetensors file although its name says so, or its header is damaged.
        """
        if file.suffix not in (SUFFIX, ".safetensors"):
            return None
        try:
            with safe_open(file, framework="np") as opened:
                metadata = opened.metadata() or {}
        except (SafetensorError, OSError) as error:
            raise InputError(f"These are no adapters, or they are damaged: {error}.", file=str(file)) from None
        try:
            return cls.from_metadata(metadata)
        except InputError as error:
            raise error.located(file=str(file)) from None
