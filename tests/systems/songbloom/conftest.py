"""Golden numbers of the upstream implementation, read in place, and a small model with their weights."""

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from systems.songbloom.autoencoder import Autoencoder
from systems.songbloom.checkpoint import load_model
from systems.songbloom.config import AutoencoderConfig, DecodingConfig, ModelConfig, SongBloomConfig
from systems.songbloom.model import SongBloom

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Golden:
    """One set of golden numbers: weights, inputs, recorded draws and what upstream made of them."""

    folder: Path

    @cached_property
    def cases(self) -> dict[str, torch.Tensor]:
        return load_file(self.folder / "cases.safetensors")

    @cached_property
    def long_cases(self) -> dict[str, torch.Tensor]:
        """Of the later upstream line, whose 240 s model gives the language model another rotary base."""
        return load_file(self.folder / "cases_240s.safetensors")

    @cached_property
    def facts(self) -> dict:
        return json.loads((self.folder / "cases.json").read_text())

    @cached_property
    def config(self) -> SongBloomConfig:
        model = json.loads((self.folder / "config.json").read_text())["model"]
        autoencoder = json.loads((self.folder / "vae_config.json").read_text())
        return SongBloomConfig(
            name="golden",
            model=ModelConfig.from_upstream(model),
            autoencoder=AutoencoderConfig.from_upstream(autoencoder),
            decoding=DecodingConfig(),
        )

    def load(self) -> SongBloom:
        return load_model(self.config, self.folder / "model.safetensors", self.folder / "vae.safetensors")


def parity_folder() -> Path:
    return ROOT / os.environ.get("SONGBENCH_PARITY", "../shared/parity/songbloom")


@pytest.fixture(scope="session")
def golden() -> Golden:
    folder = parity_folder()
    if not folder.is_dir():
        pytest.skip(f"golden numbers of the upstream implementation are not at {folder} (set SONGBENCH_PARITY)")
    return Golden(folder)


@pytest.fixture(scope="session")
def golden_model(golden: Golden) -> SongBloom:
    """With plain weights, in float32."""
    return golden.load().requires_grad_(False)


@pytest.fixture(scope="session")
def golden_autoencoder(golden_model: SongBloom) -> Autoencoder:
    return golden_model.autoencoder


@pytest.fixture(scope="session")
def packed_model(golden: Golden) -> SongBloom:
    """As it decodes."""
    return golden.load().for_decoding()
