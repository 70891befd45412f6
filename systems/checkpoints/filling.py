"""Building a model without numbers and filling it tensor by tensor, so that nothing is held twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode


class _Uninitialised(TorchFunctionMode):
    """Leaves tensors as they are made.

    Random numbers without storage would be useless, and for those of embeddings torch loads its compiler, for a second.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", None) == "torch.nn.init":
            return kwargs["tensor"] if "tensor" in kwargs else args[0]
        return func(*args, **kwargs)


@contextmanager
def without_storage() -> Iterator[None]:
    """Models made inside have shapes only (PyTorch's meta device)."""
    with torch.device("meta"), _Uninitialised():
        yield


def set_tensor(model: nn.Module, name: str, tensor: Tensor) -> None:
    """Put a tensor, of the shape of the one that is there, in its place; it is trained if that one was."""
    path, _, leaf = name.rpartition(".")
    owner = model.get_submodule(path)
    if (parameter := owner._parameters.get(leaf)) is not None:
        owner._parameters[leaf] = nn.Parameter(tensor, requires_grad=parameter.requires_grad)
    else:
        owner._buffers[leaf] = tensor
