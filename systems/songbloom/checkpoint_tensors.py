"""Reading the tensors of weights files, in every layout that SongBloom's checkpoints come in.

The autoencoder is stored a second time below the prompt's conditioner in files of the first public line. Forks ship
``.safetensors``; smaller sets leave out the prefixes or the autoencoder. Training code wraps the same into
``{"model": …}`` or puts ``module.`` and ``_orig_mod.`` before the names; large files come in shards with an index.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from songbench.domain.errors import InputError
from songbench.resources.tensors import INDEX, plain_names, shards_of, tensors_of
from systems.songbloom.checkpoint_files import CURE

_SECOND_COPY = "condition_provider.conditioners.prompt_wav.tokenizer."


@dataclass(frozen=True)
class StoredTensor:
    """A tensor in a file: its shape, whether it holds floating-point numbers, and how to read it."""

    shape: tuple[int, ...]
    is_floating: bool
    read: Callable[[], Tensor]


def stored_tensors(files: Sequence[Path]) -> dict[str, StoredTensor]:
    """All tensors of the files by their plain name; of several under one name the first.

    Raises:
        InputError: a file cannot be read.
    """
    tensors: dict[str, StoredTensor] = {}
    for file in files:
        for name, tensor in _tensors(file).items():
            plain = _plain(name)
            if _SECOND_COPY not in plain:
                tensors.setdefault(plain, tensor)
    return tensors


def _plain(name: str) -> str:
    """A tensor's name without the prefixes that differ between layouts; the autoencoder's begin with ``vae.``."""
    name = re.sub(r"^(model|vae)\.(?=.)", "", name)
    return f"vae.{name}" if name.startswith(("encoder.", "decoder.")) else name


def _tensors(file: Path) -> dict[str, StoredTensor]:
    try:
        if file.suffix == ".safetensors":
            return _safetensors(file)
        if file.name.endswith(INDEX):
            return {name: tensor for shard in shards_of(file) for name, tensor in _tensors(shard).items()}
        state = _torch_file(file)
    except InputError:
        raise
    except Exception as error:  # bytes that are not a checkpoint make torch's reader fail in every way there is
        raise _unreadable(file, error) from error
    return {
        name: StoredTensor(tuple(tensor.shape), tensor.is_floating_point(), partial(_identity, tensor))
        for name, tensor in tensors_of(state, file).items()
    }


def _safetensors(file: Path) -> dict[str, StoredTensor]:
    opened = safe_open(file, framework="pt")
    tensors = {}
    for name, plain in plain_names(opened.keys(), file).items():
        part = opened.get_slice(name)
        is_floating = part.get_dtype().startswith(("F", "BF"))
        tensors[plain] = StoredTensor(tuple(part.get_shape()), is_floating, partial(opened.get_tensor, name))
    return tensors


def _identity(tensor: Tensor) -> Tensor:
    return tensor


def _torch_file(file: Path) -> object:
    try:
        return torch.load(file, map_location="cpu", mmap=True, weights_only=True)
    except RuntimeError as error:
        if "mmap" not in str(error):
            raise
        return torch.load(file, map_location="cpu", weights_only=True)  # the format before torch 1.6


def _unreadable(file: Path, error: Exception) -> InputError:
    if not file.is_file():
        return InputError("There is no such checkpoint.", file=str(file), cure=CURE)
    size = file.stat().st_size
    lines = str(error).strip().splitlines()
    if isinstance(error, pickle.UnpicklingError) and "Unsupported global" in str(error):
        reason = "it holds Python objects that could run code, which is never done here"
    elif isinstance(error, SafetensorError | RuntimeError | OSError) and lines:
        reason = lines[0][:200].rstrip(".")
    else:
        reason = f"it cannot be decoded ({type(error).__name__})"
    return InputError(
        f"The checkpoint ({size / 1e6:.1f} MB) is damaged, cut short or not a checkpoint: {reason}.",
        file=str(file),
        cure=CURE,
    )


def holds_autoencoder(file: Path) -> bool:
    """Whether a weights file holds the autoencoder beside the transformers.

    Raises:
        InputError: the file cannot be read.
    """
    return any(name.startswith("vae.") for name in stored_tensors([file]))
