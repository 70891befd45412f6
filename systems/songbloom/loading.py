"""Finding and loading a SongBloom by the name of a release, a path, or a repository on the model hub."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from songbench.domain.errors import InputError, UnavailableError
from songbench.plugin import READY, Availability, unavailable
from songbench.resources import weights
from systems.songbloom.checkpoint_files import CheckpointFiles
from systems.songbloom.releases import AUTOENCODER, FULL_150S, FULL_150S_DPO, FULL_240S
from systems.songbloom.text.resources import SONGBLOOM_TEXT

if TYPE_CHECKING:
    from systems.songbloom.model import SongBloom

Precision = Literal["float32", "bfloat16"]

RELEASES = {"full_150s": FULL_150S, "full_150s_dpo": FULL_150S_DPO, "full_240s": FULL_240S}
"""The released checkpoints by the name of their variant."""

DEVICES = ("cpu", "cuda", "cuda:0", "mps")
"""What a device can be called; other numbers than 0 are possible, too."""

_DEVICE = re.compile(r"^(cpu|mps|cuda(:\d+)?)$")
_HUB = re.compile(r"^(?P<repo>[\w.-]+/[\w.-]+?)(@(?P<revision>[\w.-]+))?$")


def needs(variant: str | None) -> tuple[weights.Weights, ...]:
    """The weights a variant needs; None: those every checkpoint of one's own needs, too."""
    shared = (SONGBLOOM_TEXT,)
    return shared if variant is None else (RELEASES[variant], AUTOENCODER, *shared)


def missing(variant: str | None) -> Availability:
    """Ready when all of `needs` is here; else what is not, and the command that gets it."""
    absent = [state for state in map(weights.availability, needs(variant)) if not state.ready]
    if not absent:
        return READY
    cure = absent[0].cure if len(absent) == 1 else f"songbench setup songbloom:{variant} --accept-licence"
    return unavailable("; ".join(state.reason for state in absent), cure)


def find(name: str | Path) -> CheckpointFiles:
    """The files of a checkpoint on this machine.

    Args:
        name: a release (``full_150s`` or ``songbloom_full_150s``), the path of a weights file or of a folder with one,
            or a hub repository ``owner/name`` or ``owner/name@revision`` that has been downloaded.

    Raises:
        UnavailableError: a release or repository is not on this machine; says how to get it.
        InputError: nothing like it exists.
        SongbenchError: a file of a release is not what was set up.
    """
    shared = tuple(folder for folder in (weights.verified(AUTOENCODER),) if folder)
    variant = str(name).removeprefix("songbloom_")
    if variant in RELEASES:
        state = missing(variant)
        folder = weights.verified(RELEASES[variant])
        if not state.ready or folder is None:
            raise UnavailableError(f"SongBloom {variant}: {state.reason}. Get them: {state.cure}")
        return CheckpointFiles.find(folder, *shared)
    path = Path(name).expanduser()
    if path.exists():
        return CheckpointFiles.find(path, *shared)
    if isinstance(name, str) and (repository := _HUB.match(name)):
        return CheckpointFiles.find(_downloaded(repository["repo"], repository["revision"]), *shared)
    raise InputError(
        f"There is no SongBloom checkpoint '{name}'.",
        value=str(name),
        allowed=tuple(RELEASES),
        cure="Give one of the releases, a path that exists, or a hub repository such as owner/name.",
    )


def _downloaded(repository: str, revision: str | None) -> Path:
    """The folder of a hub repository in the hub's own cache; nothing is downloaded here."""
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(repository, revision=revision, local_files_only=True))
    except Exception as error:  # the hub client raises many kinds; all mean "not here"
        at = f" --revision {revision}" if revision else ""
        raise UnavailableError(
            f"'{repository}' is neither a path nor a downloaded hub repository. Get it: hf download {repository}{at}"
        ) from error


def load(name: str | Path, device: str | None = None, precision: Precision | None = None) -> SongBloom:
    """A SongBloom that is ready to sing.

    Args:
        name: see `find`.
        device: such as ``cpu``, ``cuda`` or ``mps``; None: the best there is.
        precision: of the transformers; None: bfloat16 on CUDA, float32 elsewhere.

    Raises:
        UnavailableError: the weights or the device are not on this machine.
        InputError: the checkpoint is damaged or not of its own configuration; an unknown device or precision.
    """
    import torch

    from systems.songbloom.checkpoint import load_checkpoint

    check_names(device, precision)
    device = device or best_device()
    if absent := absent_device(device):
        raise UnavailableError(absent)
    precision = precision or default_precision(device)
    dtype: torch.dtype = getattr(torch, precision)
    return load_checkpoint(find(name), dtype).for_decoding(device, dtype)


def check_names(device: str | None, precision: str | None) -> None:
    """Refuse devices and precisions that do not exist anywhere; imports nothing.

    Raises:
        InputError: naming those that do.
    """
    if device is not None and not _DEVICE.match(device):
        raise InputError(f"Unknown device '{device}'.", field="device", allowed=DEVICES)
    if precision is not None and precision not in get_args(Precision):
        raise InputError(f"Unknown precision '{precision}'.", field="precision", allowed=get_args(Precision))


def absent_device(device: str) -> str | None:
    """Why a device cannot be used here; None when it can."""
    import torch

    kind, _, number = device.partition(":")
    if kind == "mps" and not torch.backends.mps.is_available():
        return "There is no Apple GPU (mps) that torch can use here."
    if kind == "cuda" and not torch.cuda.is_available():
        return "There is no CUDA device that torch can use here."
    if kind == "cuda" and int(number or 0) >= (count := torch.cuda.device_count()):
        devices = "one CUDA device, cuda:0" if count == 1 else f"CUDA devices up to cuda:{count - 1}"
        return f"There is no {device} here; this process sees {devices} (workers of a run see one each)."
    return None


def best_device() -> str:
    """``cuda``, else ``mps``, else ``cpu``; a CPU build of torch is known by its version, without loading it."""
    if version("torch").endswith("+cpu"):
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def default_precision(device: str) -> Precision:
    """What decodes fastest without being heard: bfloat16 on CUDA devices, float32 elsewhere."""
    return "bfloat16" if device.startswith("cuda") else "float32"
