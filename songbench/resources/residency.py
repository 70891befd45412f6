"""Models that stay loaded in a process: as many as fit, so that what several jobs and metrics share is loaded once."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

Model = TypeVar("Model")


@dataclass(frozen=True)
class _Resident:
    model: Any
    size: int


class ResidentModels:
    """Loaded models by name. What was not used for longest makes room for what is loaded next.

    Without a limit that was set there is one model at a time.
    """

    def __init__(self) -> None:
        self._models: dict[Hashable, _Resident] = {}  # the last used is the last
        self._limit = 0

    def hold(self, name: Hashable, build: Callable[[], Model], size: int = 0) -> Model:
        """The model of this name, built unless it is loaded.

        Args:
            name: equal names mean equal models: the class, the weights' folder, whatever the build depends on.
            build: makes it when room is made for it.
            size: bytes it takes, about.
        """
        entry = self._models.pop(name, None)
        if entry is None:
            self._make_room(self._limit - size)
            entry = _Resident(build(), size)
        self._models[name] = entry
        model: Model = entry.model
        return model

    def limit(self, size: int) -> None:
        """What all models together may take from now on, in bytes; the one that is used may be larger."""
        self._limit = size

    def shrink(self, keep: Hashable = None) -> None:
        """Let models go until all fit into the limit.

        Args:
            keep: the name of one that stays in any case.
        """
        staying = self._models.pop(keep, None)
        self._make_room(self._limit - (staying.size if staying else 0))
        if staying:
            self._models[keep] = staying

    def drop(self, name: Hashable) -> None:
        """Let a model go, if it is loaded."""
        if self._models.pop(name, None):
            free()

    def _make_room(self, limit: int) -> None:
        """Let models go until the others take no more than a limit, which may be below 0."""
        before = len(self._models)
        while self._models and (limit <= 0 or sum(entry.size for entry in self._models.values()) > limit):
            self._models.pop(next(iter(self._models)))
        if len(self._models) < before:
            free()


def free() -> None:
    """Give back what is no longer referred to."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()


RESIDENT = ResidentModels()
"""Those of this process."""
