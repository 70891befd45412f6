"""Checkpoints that the public fork's ``infer.py --ckpt-path`` reads (ayutaz/SongBloom, Lightning 2).

The fork saves a training run's whole state; its loader takes ``state_dict`` alone: ``model.`` and ``vae.vae.`` with
every weight, and where maps are adapted ``….base.weight``, ``….lora_A.weight`` and ``….lora_B.weight``. The other
entries are written without content, so that readers that look for them find them. Settings are plain values: a file of
the fork holds omegaconf's objects there, which ``torch.load`` refuses by default. ``hparams_type``, which is a class in
its files, is left out for the same reason.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import torch
from torch import Tensor

from songbench.domain.errors import InputError
from songbench.resources.files import whole_path
from systems.songbloom.checkpoint import released_state_dict, write_sizes
from systems.songbloom.checkpoint_files import CheckpointFiles
from systems.songbloom.lora.adapters import adapted_state, adapters_of
from systems.songbloom.lora.stored import BASE, DOWN, UP
from systems.songbloom.lora.targets import projections
from systems.songbloom.model import SongBloom

_WRITTEN_AS = "2.6.6"
"""The version of Lightning whose layout this is; readers migrate files of older ones."""


def lightning_state_dict(model: SongBloom) -> dict[str, Tensor]:
    """The weights under the fork's names, adapters apart from their base."""
    adapters = adapters_of(model)
    state = released_state_dict(model, without_adapters=True)
    for name, adapter in adapters.items():
        for leaf in ("weight", "bias"):
            if (plain := f"model.{name}.{leaf}") in state:
                state[f"model.{name}{BASE}{leaf}"] = state.pop(plain)
        state[f"model.{name}{DOWN}"], state[f"model.{name}{UP}"] = adapter.down.detach(), adapter.up.detach()
    return state


def save_lightning(model: SongBloom, folder: Path) -> CheckpointFiles:
    """Write a model, with adapters or without, as ``NAME.ckpt`` with the files that songbench reads it by.

    Args:
        model: not prepared for decoding.
        folder: made if it is not there.

    Raises:
        InputError: it was prepared for decoding on a CPU, or the fork cannot be told its alpha.
    """
    options = infer_options(model)
    file = folder / f"{model.config.name}.ckpt"
    state = {name: tensor.detach().contiguous().clone() for name, tensor in lightning_state_dict(model).items()}
    content = {
        "epoch": 0,
        "global_step": 0,
        "pytorch-lightning_version": _WRITTEN_AS,
        "state_dict": OrderedDict(state),
        "loops": {},
        "callbacks": {},
        "optimizer_states": [],
        "lr_schedulers": [],
        "hparams_name": "cfg",
        "hyper_parameters": {"infer_options": options},
    }
    with whole_path(file) as scratch:
        torch.save(content, scratch)
    return CheckpointFiles(weights=file, config=write_sizes(model.config, file))


def infer_options(model: SongBloom) -> str:
    """What the fork's ``infer.py`` has to be given beside ``--ckpt-path`` for this model; empty: nothing.

    Its loader ignores tensors it has no place for, so with other targets it would sing without the adapters.

    Raises:
        InputError: alpha is no whole number, which is all that it takes.
    """
    if not (state := adapted_state(model)):
        return ""
    config = state.config
    if config.alpha != int(config.alpha):
        raise InputError(
            f"The fork takes whole alphas only, not {config.alpha:g}.", cure="Merge the adapters: --layout lightning."
        )
    names = list(adapters_of(model))
    targets = [target for target in config.targets if any(target in name for name in names)]
    plain = [one.name for one in projections(model)]  # adapted ones are no plain linear maps any more
    exact = all(any(target in name for target in targets) for name in names)
    exact = exact and not any(target in name for target in targets for name in plain)
    listing = ",".join(targets if exact else names)
    return f"--use-lora --lora-rank {config.rank} --lora-alpha {config.alpha:g} --lora-target-modules {listing}"
