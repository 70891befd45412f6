"""Golden numbers of the upstream implementation, read in place."""

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from safetensors.torch import load_file

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Golden:
    """One set of golden numbers: weights, inputs, recorded draws and what upstream made of them."""

    folder: Path

    @cached_property
    def config(self) -> dict:
        return json.loads((self.folder / "config.json").read_text())

    @cached_property
    def cases(self) -> dict[str, torch.Tensor]:
        return load_file(self.folder / "cases.safetensors")

    @cached_property
    def facts(self) -> dict:
        return json.loads((self.folder / "cases.json").read_text())

    @cached_property
    def codec_cases(self) -> dict[str, torch.Tensor]:
        return load_file(self.folder / "codec.safetensors")

    @cached_property
    def codec_facts(self) -> dict:
        return json.loads((self.folder / "codec.json").read_text())

    def names(self, group: str) -> list[str]:
        """The cases of a group of `facts`, such as ``train``, without the group."""
        return [name.removeprefix(f"{group}.") for name in self.facts if name.startswith(f"{group}.")]


def parity_folder() -> Path:
    return ROOT / os.environ.get("SONGBENCH_PARITY_LADABAND", "../shared/parity/ladaband")
