"""What every extractor with a neural model shares: where it runs, and which models stay loaded."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from songbench.domain.errors import UnavailableError
from songbench.resources import weights
from songbench.resources.residency import RESIDENT
from songbench.resources.weights import Weights

if TYPE_CHECKING:
    import torch

Model = TypeVar("Model")


def device() -> torch.device:
    """The CUDA device of this worker where there is one, else the CPU."""
    import torch

    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def resident(name: Hashable, build: Callable[[], Model], *files: Path) -> Model:
    """The model of this name, loaded unless it is here already, whichever metric loaded it.

    Those that were not used for longest make room for it (`songbench.resources.residency`). Without a known share of
    the memory one model is loaded at a time, so a metric with several does all songs of a job with one, then with the
    next.

    Args:
        name: equal names mean equal models: the class, the weights' folder, whatever the build depends on.
        build: makes the model when it is not resident.
        files: what it is read from, or their folders: it is taken to be as large as these.
    """
    return RESIDENT.hold(name, build, sum(map(_size, files)))


def _size(place: Path) -> int:
    return sum(file.stat().st_size for file in (place.rglob("*") if place.is_dir() else [place]) if file.is_file())


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
