"""A file of adapters: written from a model that has some, put onto a model that has none.

The tensors are named as in the public fork's checkpoints, so that the file is the part of such a checkpoint that
training changed; what the fork's files lack (rank, alpha, targets, the base) is in the header.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from songbench.domain.errors import InputError
from songbench.resources.files import whole_path
from systems.checkpoints.stored_tensors import StoredTensor
from systems.songbloom.checkpoint import load_model, tensor_files
from systems.songbloom.checkpoint_files import CheckpointFiles
from systems.songbloom.checkpoint_names import Origin
from systems.songbloom.checkpoint_tensors import unmerged_tensors
from systems.songbloom.lora.adapters import adapted_state, adapters_of, add_adapters, whole_parameters
from systems.songbloom.lora.config import ASSUMED_ALPHA, LoraConfig
from systems.songbloom.lora.record import BaseCheckpoint, LoraRecord
from systems.songbloom.lora.stored import DOWN, UP, StoredAdapter
from systems.songbloom.lora.targets import projections
from systems.songbloom.model import SongBloom


def adapter_state_dict(model: SongBloom) -> dict[str, Tensor]:
    """What training changed: A and B of every adapter and what was trained whole, under the fork's names."""
    state = {}
    for name, adapter in adapters_of(model).items():
        state[f"model.{name}{DOWN}"], state[f"model.{name}{UP}"] = adapter.down.detach(), adapter.up.detach()
    for name, parameter in whole_parameters(model).items():
        origin = Origin.of(name, parameter.ndim)
        for released, part in zip(origin.names, origin.split(parameter.detach()), strict=True):
            state[f"model.{released}"] = part
    return state


def save_lora(model: SongBloom, path: Path, base: BaseCheckpoint) -> None:
    """Write the adapters of a model.

    Args:
        model: has adapters.
        path: ends in ``.lora``; replaces if it is there.
        base: what the adapters were put on, see `systems.songbloom.loading.base_checkpoint`.

    Raises:
        InputError: it has none.
    """
    state = adapted_state(model)
    if state is None:
        raise InputError("This model has no adapters to save.", cure="Save it as a checkpoint (save_checkpoint).")
    record = LoraRecord(state.config, base, model.config.model.sketch_vocabulary)
    tensors = {name: tensor.contiguous().cpu().clone() for name, tensor in adapter_state_dict(model).items()}
    with whole_path(path) as scratch:
        save_file(tensors, scratch, record.metadata())


def load_lora(model: SongBloom, path: Path, *, alpha: float | None = None) -> LoraConfig:
    """Put the adapters of a file on a model, in place, trainable as `add_adapters` leaves them.

    Args:
        model: the base, with plain weights and without adapters.
        path: a file of adapters, or a checkpoint of the fork with adapters, whose base is then not looked at.
        alpha: where it differs from what the file says; None: as there, else what the fork assumes.

    Returns:
        What was loaded. For files of the fork, which do not say, the targets are the names of all adapted maps.

    Raises:
        InputError: it cannot be read, holds no adapters, or those of another model.
    """
    tensors, adapters = unmerged_tensors(path, alpha)
    if not adapters:
        raise InputError("There are no adapters in this file.", file=str(path))
    record = LoraRecord.read(path)
    config = record.config if record else _of_fork(adapters)
    config = replace(config, alpha=next(iter(adapters.values())).alpha)
    present = {projection.name for projection in projections(model)}
    if unknown := [name for name in adapters if name not in present]:
        raise _other_model(path, f"{unknown[0]} is not in this one")
    add_adapters(model, config, torch.Generator().manual_seed(0))
    places = adapters_of(model)
    if places.keys() != adapters.keys():
        raise _other_model(path, f"{len(adapters)} linear maps are adapted there, {len(places)} here")
    for name, adapter in places.items():
        _fill(adapter.down, adapters[name].down, name, path)
        _fill(adapter.up, adapters[name].up, name, path)
    if record:
        _fill_whole(model, tensors, path)
    return config


def load_with_adapters(files: CheckpointFiles) -> SongBloom:
    """The model of a checkpoint with its adapters on, not merged.

    Raises:
        InputError: it has none, or as for `systems.songbloom.checkpoint.load_model` and `load_lora`.
    """
    model = load_model(files.read_config(), *tensor_files(files), merge=False)
    load_lora(model, files.adapters or files.weights, alpha=files.alpha)
    return model


def _of_fork(adapters: Mapping[str, StoredAdapter]) -> LoraConfig:
    ranks = {adapter.rank for adapter in adapters.values()}
    if len(ranks) > 1:
        raise InputError(f"The adapters have several ranks: {sorted(ranks)}.", cure="Merge them instead.")
    return LoraConfig(rank=ranks.pop(), alpha=ASSUMED_ALPHA, dropout=0.05, targets=tuple(adapters))


def _fill_whole(model: SongBloom, tensors: Mapping[str, StoredTensor], path: Path) -> None:
    for name, parameter in whole_parameters(model).items():
        origin = Origin.of(name, parameter.ndim)
        if absent := [part for part in origin.names if part not in tensors]:
            raise _other_model(path, f"{absent[0]} is missing")
        tensor = origin.join([tensors[part].read() for part in origin.names])
        if tensor.shape != parameter.shape:
            raise _other_model(path, f"{name} is {list(tensor.shape)} there and {list(parameter.shape)} here")
        parameter.data.copy_(tensor)


def _fill(parameter: torch.nn.Parameter, source: StoredTensor, name: str, path: Path) -> None:
    if source.shape != tuple(parameter.shape):
        raise _other_model(path, f"{name} is {list(source.shape)} there and {list(parameter.shape)} here")
    parameter.data.copy_(source.read())


def _other_model(path: Path, reason: str) -> InputError:
    return InputError(
        f"The adapters are of another model: {reason}.",
        file=str(path),
        cure="Put them on the checkpoint they were trained on.",
    )
