"""What every extractor with a neural model shares: where it runs, and that one model is resident at a time."""

from __future__ import annotations

import gc
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from songbench.domain.errors import UnavailableError
from songbench.resources import weights
from songbench.resources.weights import Weights

if TYPE_CHECKING:
    import torch

Model = TypeVar("Model")

_resident: tuple[Hashable, object] | None = None


def device() -> torch.device:
    """The CUDA device of this worker where there is one, else the CPU."""
    import torch

    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def resident(name: Hashable, build: Callable[[], Model]) -> Model:
    """The model of this name; the one that was resident before, if it is another, is dropped first.

    So a metric with several models never holds two of them: it does all songs of a job with one, then with the next.

    Args:
        name: equal names mean equal models: the class, the weights' folder, whatever the build depends on.
        build: makes the model when it is not the resident one.
    """
    global _resident
    if _resident is not None and _resident[0] == name:
        return _resident[1]  # type: ignore[return-value]
    _resident = None
    gc.collect()
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    model = build()
    _resident = (name, model)
    return model


def require(requirement: Weights) -> Path:
    """The folder with the files of a weight.

    Raises:
        UnavailableError: when they are not here, with the command that fetches them.
        SongbenchError: when a file is not what was set up.
    """
    folder = weights.verified(requirement)
    if folder is None:
        missing = weights.availability(requirement)
        raise UnavailableError(f"{missing.reason}. To get them: {missing.cure}")
    return folder


def identity_of(weight: Weights) -> str:
    """What identifies the weights in a feature's key: the sha256 of their files as far as known, else their version.

    Files that are not pinned have the checksums that were recorded when they were set up.
    """
    return "-".join((file.sha256 or weight.version)[:16] for file in weights.as_recorded(weight).files)
