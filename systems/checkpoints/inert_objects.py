"""Reading PyTorch files that hold objects of other programs beside the tensors; nothing of theirs is run or imported.

Training frameworks keep settings and callbacks beside a model's weights (Lightning: ``hyper_parameters``, often of
omegaconf's classes), which ``torch.load(weights_only=True)`` refuses. Here PyTorch's own restricted reader does the
work, and each class or function it does not know is replaced by a placeholder without behaviour.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals


class InertObject:
    """Stands for an object whose class was not loaded: takes whatever it is made of and keeps nothing."""

    __slots__ = ()

    def __new__(cls, *_: Any, **__: Any) -> InertObject:
        """Without looking at the arguments."""
        return object.__new__(cls)

    def __setstate__(self, state: Any) -> None:
        """Nothing is kept."""


def _empty_dict(*_: Any) -> dict[Any, Any]:
    return {}


def _empty_list(*_: Any) -> list[Any]:
    return []


_CONTAINERS: dict[str, Callable[..., Any]] = {
    "collections.defaultdict": _empty_dict,
    "collections.deque": _empty_list,
    "builtins.dict": _empty_dict,
    "builtins.list": _empty_list,
}
"""What else PyTorch's reader does not know: it fills only plain containers, so these become such."""


def load_inert(file: Path, *, mmap: bool = True) -> object:
    """The content of a PyTorch file (a zip archive), with `InertObject` wherever something unknown stood.

    Args:
        file: its path.
        mmap: map the tensors instead of reading them.

    Raises:
        pickle.UnpicklingError: it asks for modules that are never read (``os``, ``sys``), or for operations on tensors
            that PyTorch does not allow.
        ValueError: it is not a zip archive.
    """
    placeholders: list[Any] = [
        (_CONTAINERS.get(name, InertObject), name) for name in get_unsafe_globals_in_checkpoint(file)
    ]
    with safe_globals(placeholders):
        return torch.load(file, map_location="cpu", mmap=mmap, weights_only=True)
