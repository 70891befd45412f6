"""Golden numbers of upstream's and a fork's training, and what it takes to compare with them.

Names and sizes come from the files alone, so that another set made the same way can be put in their place.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from systems.songbloom.checkpoint_names import Origin
from systems.songbloom.config import AutoencoderConfig, DecodingConfig, ModelConfig, SongBloomConfig
from systems.songbloom.model import SongBloom
from systems.songbloom.training.batch import SongBatch
from systems.songbloom.training.draws import TrainingDraws
from systems.songbloom.training.trained import freeze_untrained

ROOT = Path(__file__).parents[4]


def training_parity_folder() -> Path:
    return ROOT / os.environ.get("SONGBENCH_PARITY_TRAINING", "../shared/parity/songbloom_training")


def weights_parity_folder() -> Path:
    """Of the set that came before, whose model is trained where a set brings none."""
    return ROOT / os.environ.get("SONGBENCH_PARITY", "../shared/parity/songbloom")


@dataclass(frozen=True)
class TrainingGolden:
    """One set: inputs, recorded draws and what came of them.

    Attributes:
        folder: of the cases.
        weights_folder: of the model and its sizes, where the set does not bring its own.
    """

    folder: Path
    weights_folder: Path

    @cached_property
    def cases(self) -> dict[str, Tensor]:
        return load_file(self.folder / "cases.safetensors")

    @cached_property
    def facts(self) -> dict:
        return json.loads((self.folder / "cases.json").read_text())

    def _file(self, name: str) -> Path:
        beside = self.folder / name
        return beside if beside.is_file() else self.weights_folder / name

    @cached_property
    def config(self) -> SongBloomConfig:
        """The autoencoder is as small as can be: training does not touch it."""
        model = ModelConfig.from_upstream(json.loads(self._file("config.json").read_text())["model"])
        channels = model.latent_channels
        autoencoder = AutoencoderConfig(channels=1, multiples=(1,), strides=(2,), latent_channels=channels)
        return SongBloomConfig(name="golden", model=model, autoencoder=autoencoder, decoding=DecodingConfig())

    @cached_property
    def weights(self) -> dict[str, Tensor]:
        """Under upstream's names."""
        return load_file(self._file("model.safetensors"))

    def load(self) -> SongBloom:
        """A fresh model, ready to be trained."""
        model, names = SongBloom(self.config), set()
        with torch.no_grad():
            for name, tensor in model.state_dict().items():
                if name.startswith("autoencoder."):
                    continue
                origin = Origin.of(name, tensor.ndim)
                tensor.copy_(origin.join([self.weights[part] for part in origin.names]))
                names.update(origin.names)
        assert names == self.weights.keys()
        return freeze_untrained(model)

    def inputs(self, case: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Prefix, sketch, latents and lengths as `systems.songbloom.training.losses.losses` takes them."""
        cases = self.cases
        prefix = torch.cat([cases[f"{case}.prompt"], cases[f"{case}.lyrics"]], dim=1)
        latents = cases[f"{case}.latent"].transpose(1, 2)
        return prefix, cases[f"{case}.sketch"].long(), latents, cases[f"{case}.len"].long()

    def draws(self, case: str, *, dropout: bool = False) -> TrainingDraws:
        """The recorded draws; with dropout as in training mode."""
        cases, blank = self.cases, {}
        if dropout:
            share = self.config.model.hidden_dropout
            blank = {
                "blank_hidden": cases[f"{case}.h_rand"][:, 0] < share,
                "blank_sketch": cases[f"{case}.s_rand"][:, 0] < share,
            }
        return TrainingDraws(times=torch.sigmoid(cases[f"{case}.t_normal"]), noise=cases[f"{case}.noise"], **blank)

    def batch(self, case: str, lyrics: list[list[int]], styles: Tensor) -> SongBatch:
        """Songs of a case with conditions of their own: symbols, and prompt latents (B, F, C)."""
        _, sketch, latents, lengths = self.inputs(case)
        return SongBatch(
            ids=tuple(str(number) for number in range(len(sketch))),
            sketch=sketch,
            latents=latents,
            lengths=lengths,
            lyrics=tuple(map(tuple, lyrics)),
            styles=tuple(styles),
        )


def upstream_tensors(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors by our names, such as parameters or their gradients, as upstream's: apart where ours are fused."""
    parts = {}
    for name, tensor in tensors.items():
        if not name.startswith("autoencoder."):
            origin = Origin.of(name, tensor.ndim)
            parts |= dict(zip(origin.names, origin.split(tensor), strict=True))
    return parts


def upstream_parameters(model: torch.nn.Module) -> dict[str, Tensor]:
    """Weights and buffers under upstream's names."""
    return upstream_tensors(model.state_dict())


def upstream_gradients(model: torch.nn.Module) -> dict[str, Tensor]:
    """The gradients that there are, under upstream's names."""
    return upstream_tensors({name: one.grad for name, one in model.named_parameters() if one.grad is not None})


def fingerprint(tensor: Tensor) -> dict[str, float]:
    """Norm, and the projection on fixed signs, of a tensor under upstream's shape."""
    flat = tensor.detach().double().flatten()
    mixed = (2654435761 * torch.arange(flat.numel()) + 12345) % 2**32
    signs = 2 * (mixed // 65536 % 2) - 1
    return {"l2": float(flat.norm()), "proj": float((flat * signs).sum()) / flat.numel() ** 0.5}


def assert_fingerprints(
    actual: Mapping[str, Tensor], expected: Mapping[str, dict], relative: float = 1e-5, absolute: float = 2e-6
) -> None:
    """Every expected tensor is there and has its fingerprint, relative to its norm or absolute."""
    assert expected
    for name, numbers in expected.items():
        numbers_here = fingerprint(actual[name])
        # The projection is a sum of many terms that cancel, so its scale is that of the norm over the root of the size.
        scale = {"l2": numbers["l2"], "proj": numbers["l2"] / actual[name].numel() ** 0.5}
        for kind, value in numbers.items():
            worst = max(relative * scale[kind], absolute)
            assert abs(numbers_here[kind] - value) <= worst, f"{name} {kind}: {numbers_here[kind]} instead of {value}"


def assert_losses(losses: object, expected: list[float], relative: float = 2e-5) -> None:
    """Cross entropy, squared error, and their sum with upstream's weight."""
    actual = torch.stack([losses.sketch, losses.velocity, losses.total]).detach()
    torch.testing.assert_close(actual, torch.tensor(expected), rtol=relative, atol=0)
