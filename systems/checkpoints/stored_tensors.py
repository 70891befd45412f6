"""Reading the tensors of weights files: safetensors, PyTorch's files, and shards with an index; nothing is executed."""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from songbench.domain.errors import InputError
from songbench.resources.tensors import INDEX, plain_names, shards_of, tensors_of
from systems.checkpoints.inert_objects import load_inert

ADAPTERS = ".lora"
"""How a file of low-rank adapters ends; it is in the format of safetensors."""


@dataclass(frozen=True)
class StoredTensor:
    """A tensor in a file: its shape, whether it holds floating-point numbers, and how to read it."""

    shape: tuple[int, ...]
    is_floating: bool
    read: Callable[[], Tensor]


def tensors_in(file: Path, cure: str) -> dict[str, StoredTensor]:
    """The tensors of a file by the names that the bare model gives them; values are read when they are asked for.

    Args:
        file: ends in ``.safetensors``, ``.lora``, ``.index.json`` or anything else that ``torch.load`` reads; Python
            objects beside the tensors are passed over without being made.
        cure: what to do where it cannot be read, for errors.

    Raises:
        InputError: it is not there, damaged, holds something else, or would run code.
    """
    try:
        if file.suffix in (".safetensors", ADAPTERS):
            return _safetensors(file)
        if file.name.endswith(INDEX):
            return {name: tensor for shard in shards_of(file) for name, tensor in tensors_in(shard, cure).items()}
        state = _torch_file(file)
    except InputError:
        raise
    except Exception as error:  # bytes that are not a checkpoint make torch's reader fail in every way there is
        raise _unreadable(file, error, cure) from error
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
    except pickle.UnpicklingError as error:
        if "Unsupported global" not in str(error) or not zipfile.is_zipfile(file):
            raise
        return load_inert(file)  # objects of a training framework beside the tensors
    except RuntimeError as error:
        if "mmap" not in str(error):
            raise
        return torch.load(file, map_location="cpu", weights_only=True)  # the format before torch 1.6


def _unreadable(file: Path, error: Exception, cure: str) -> InputError:
    if not file.is_file():
        return InputError("There is no such checkpoint.", file=str(file), cure=cure)
    size = file.stat().st_size
    lines = str(error).strip().splitlines()
    if isinstance(error, pickle.UnpicklingError) and (
        zipfile.is_zipfile(file) or re.search(r"Unsupported global|is blocked", str(error))
    ):  # an archive that is whole, with something in it that the restricted reader does not do
        reason = "it holds Python objects that could run code, which is never done here"
    elif isinstance(error, SafetensorError | RuntimeError | OSError) and lines:
        reason = lines[0][:200].rstrip(".")
    else:
        reason = f"it cannot be decoded ({type(error).__name__})"
    return InputError(
        f"The checkpoint ({size / 1e6:.1f} MB) is damaged, cut short or not a checkpoint: {reason}.",
        file=str(file),
        cure=cure,
    )
