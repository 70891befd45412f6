"""Loading checkpoints, checking them, and saving them in the released layout.

Every tensor of the model must come from the file and every tensor of the file must have a place in the model. What the
files may look like is in `checkpoint_tensors`, which released tensors make which of the model's in `checkpoint_names`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
import yaml
from safetensors.torch import save_file
from torch import Tensor

from songbench.domain.errors import InputError
from songbench.resources.files import whole_path
from songbench.resources.tensors import is_finite
from systems.checkpoints.filling import set_tensor, without_storage
from systems.checkpoints.stored_tensors import StoredTensor
from systems.layers.packing import PackedLinear
from systems.songbloom.checkpoint_files import CURE, CheckpointFiles
from systems.songbloom.checkpoint_names import Origin
from systems.songbloom.checkpoint_tensors import holds_autoencoder, stored_tensors
from systems.songbloom.config import SongBloomConfig
from systems.songbloom.config_files import named_autoencoder
from systems.songbloom.lora.adapters import ADAPTERS, adapted_state
from systems.songbloom.model import SongBloom


def released_state_dict(model: SongBloom, *, without_adapters: bool = False) -> dict[str, Tensor]:
    """The model's weights under the names of the released checkpoints (``model.…``, ``vae.vae.…``).

    Weight norms, which are folded in here, are written as the norm and the weight itself. Works on the meta device.

    Args:
        model: not prepared for decoding.
        without_adapters: leave low-rank adapters out instead of refusing them.

    Raises:
        InputError: the model was prepared for decoding on a CPU, which packs its weights, or has adapters.
    """
    if adapted_state(model) and not without_adapters:
        raise InputError(
            "This model has adapters, which a checkpoint has no place for.",
            cure="Merge them first (merge_adapters), or save them alone (save_lora).",
        )
    if any(isinstance(part, PackedLinear) for part in model.modules()):
        raise InputError(
            "This model was prepared for decoding, so its weights are packed.", cure="Load it again to save it."
        )
    state = {}
    for name, tensor in model.state_dict().items():
        if ADAPTERS in name:
            continue
        origin = Origin.of(name, tensor.ndim)
        for released, part in zip(origin.names, origin.split(tensor), strict=True):
            state[f"vae.{released}" if released.startswith("vae.") else f"model.{released}"] = part
    return state


def load_model(
    config: SongBloomConfig,
    *files: Path,
    dtype: torch.dtype | None = None,
    alpha: float | None = None,
    merge: bool = True,
) -> SongBloom:
    """Build a model and fill it from checkpoint files, memory-mapped, so that nothing is held twice.

    Args:
        config: the sizes.
        files: checkpoints in any of the layouts this module's text names; a tensor is taken from the first that has it.
            Low-rank adapters, which come before their base, are merged.
        dtype: of the transformers; None: as stored. The autoencoder is always float32.
        alpha: of adapters whose file does not say it.
        merge: else adapters are left out.

    Raises:
        InputError: a file cannot be read, or its tensors are not those of this model (missing, unknown, other shapes,
            not finite).
    """
    model = _empty_model(config)
    tensors = stored_tensors(files, alpha, merge=merge)
    for name, origin in _matched(model, tensors, files).items():
        tensor = origin.join([_finite(part, tensors[part].read(), files) for part in origin.names])
        set_tensor(model, name, tensor.to(torch.float32 if name.startswith("autoencoder.") else dtype or tensor.dtype))
    return model


def _finite(name: str, tensor: Tensor, files: Sequence[Path]) -> Tensor:
    """The tensor, of any shape, unless it holds NaN or infinity."""
    if not is_finite(tensor):
        raise InputError(
            f"The checkpoint holds numbers that are none (NaN or infinity), in {name}.",
            file=", ".join(map(str, files)),
            cure="Take an earlier checkpoint of that training, or fetch it again.",
        )
    return tensor


def load_checkpoint(files: CheckpointFiles, dtype: torch.dtype | None = None) -> SongBloom:
    """The model of a checkpoint, on the CPU.

    Raises:
        InputError: see `read_config` and `load_model`.
    """
    return load_model(files.read_config(), *tensor_files(files), dtype=dtype, alpha=files.alpha)


def check_checkpoint(files: CheckpointFiles) -> SongBloomConfig:
    """Check everything that can be checked without reading the weights themselves; returns sizes and settings.

    Raises:
        InputError: see `read_config` and `check_model`.
    """
    config = files.read_config()
    check_model(config, *tensor_files(files))
    return config


def tensor_files(files: CheckpointFiles) -> tuple[Path, ...]:
    """The adapters if there are any, the weights file, and the autoencoder's own where that does not hold it too.

    Raises:
        InputError: the autoencoder is in neither, or a file cannot be read.
    """
    adapters = (files.adapters,) if files.adapters else ()
    autoencoder = named_autoencoder(files.config, files.folders)
    if autoencoder is None or holds_autoencoder(files.weights):
        return (*adapters, files.weights)
    if not autoencoder.is_file():
        raise InputError(
            f"{files.weights.name} does not hold the autoencoder, and this file, which its YAML file names for it,"
            " is missing.",
            file=str(autoencoder),
            cure="Put it beside the checkpoint; 'songbench setup songbloom-autoencoder' fetches the released one.",
        )
    return (*adapters, files.weights, autoencoder)


def check_model(config: SongBloomConfig, *files: Path) -> None:
    """Check that files hold exactly the tensors of a model; reads names and shapes only.

    Raises:
        InputError: as for `load_model`.
    """
    _matched(_empty_model(config), stored_tensors(files), files)


def _empty_model(config: SongBloomConfig) -> SongBloom:
    with without_storage():
        return SongBloom(config)


def _matched(model: SongBloom, tensors: Mapping[str, StoredTensor], files: Sequence[Path]) -> dict[str, Origin]:
    """Where each of the model's tensors comes from, once all of them are there and none is left over."""
    matched, missing, misshapen = dict[str, Origin](), list[str](), list[str]()
    for name, tensor in model.state_dict().items():
        origin = matched[name] = Origin.of(name, tensor.ndim)
        if absent := [part for part in origin.names if part not in tensors]:
            missing += absent
            continue
        misshapen += [
            f"{part} {list(tensors[part].shape)} instead of {list(shape)}"
            for part, shape in zip(origin.names, origin.shapes(tensor.shape), strict=True)
            if tensors[part].shape != shape
        ]
    released = {part for origin in matched.values() for part in origin.names}
    unknown = [name for name in tensors if name not in released]
    integers = [name for name, tensor in tensors.items() if not tensor.is_floating]
    for names, problem in (
        (missing, "missing"),
        (misshapen, "of another shape"),
        (unknown, "without a place in it"),
        (integers, "of whole numbers"),
    ):
        if names:
            number = "1 tensor is" if len(names) == 1 else f"{len(names)} tensors are"
            raise InputError(
                "The checkpoint is not of the model that the YAML file beside it describes:"
                f" {number} {problem}: {', '.join(names[:3])}{', …' if len(names) > 3 else ''}.",
                file=", ".join(map(str, files)),
                cure=CURE,
            )
    return matched


def save_checkpoint(model: SongBloom, folder: Path) -> CheckpointFiles:
    """Write a model in the released layout: weights, YAML, vocabulary and the autoencoder's JSON.

    Args:
        model: not yet prepared for decoding.
        folder: made if it is not there.

    Returns:
        The files, ready to be loaded.

    Raises:
        InputError: it was prepared for decoding on a CPU, or has adapters.
    """
    config = model.config
    weights = folder / f"{config.name}.safetensors"
    state = {name: tensor.contiguous().clone() for name, tensor in released_state_dict(model).items()}
    with whole_path(weights) as scratch:
        save_file(state, scratch)
    return CheckpointFiles(weights=weights, config=write_sizes(config, weights))


def write_sizes(config: SongBloomConfig, weights: Path) -> Path:
    """Write what a weights file is read by beside it: YAML, vocabulary and the autoencoder's JSON; returns the YAML."""
    folder = weights.parent
    (folder / "vocab_g2p.yaml").write_text(
        yaml.safe_dump(list(config.model.vocabulary.symbols), allow_unicode=True), encoding="utf-8"
    )
    (folder / "autoencoder.json").write_text(json.dumps(config.autoencoder.to_upstream(), indent=1) + "\n")
    settings = config.to_upstream(vocabulary="vocab_g2p.yaml", autoencoder="autoencoder.json")
    sizes = weights.with_suffix(".yaml")
    sizes.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    return sizes
