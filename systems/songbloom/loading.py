"""Finding and loading a SongBloom by the name of a release, a path, or a repository on the model hub."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from songbench.domain.errors import InputError, UnavailableError
from songbench.plugin import READY, Availability, unavailable
from songbench.resources import weights
from systems.songbloom.checkpoint_files import SUFFIXES, CheckpointFiles, weights_digest
from systems.songbloom.lora.config import ASSUMED_ALPHA
from systems.songbloom.lora.record import SUFFIX, BaseCheckpoint, LoraRecord
from systems.songbloom.releases import AUTOENCODER, FULL_150S, FULL_150S_DPO, FULL_240S
from systems.songbloom.text.resources import SONGBLOOM_TEXT

if TYPE_CHECKING:
    from systems.songbloom.model import SongBloom

Precision = Literal["float32", "bfloat16"]

RELEASES = {"full_150s": FULL_150S, "full_150s_dpo": FULL_150S_DPO, "full_240s": FULL_240S}
"""The released checkpoints by the name of their variant."""

DEVICES = ("cpu", "cuda", "cuda:0", "mps")
"""What a device can be called; other numbers than 0 are possible, too."""

_BASE_CURE = "--set system.songbloom.base=CHECKPOINT, or --base CHECKPOINT"

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


def find(name: str | Path, *, base: str | Path | None = None, alpha: float | None = None) -> CheckpointFiles:
    """The files of a checkpoint on this machine.

    Args:
        name: a release (``full_150s`` or ``songbloom_full_150s``), the path of a weights file or of a folder with one,
            the path of low-rank adapters (``.lora``) or of a folder with nothing else to sing with, or a hub repository
            ``owner/name`` or ``owner/name@revision`` that has been downloaded.
        base: what adapters are put on, named in the same ways; None: what they were trained on. Of a weights file
            without a YAML file, as the fork's training leaves them: whose YAML it has.
        alpha: of the adapters, where their file does not say it or another is wanted.

    Raises:
        UnavailableError: a release or repository is not on this machine; says how to get it.
        InputError: nothing like it exists, or it has no use for a base or an alpha.
        SongbenchError: a file of a release is not what was set up.
    """
    path = _adapters_in(Path(name).expanduser())
    if path.suffix == SUFFIX and path.is_file():
        return _with_adapters(path, base, alpha)
    if base is not None:
        return _of_base(path, find(base), alpha)
    files = _plain_files(name)
    if alpha is None:
        return files
    _check_adapters(files.weights)
    return replace(files, alpha=alpha)


def _adapters_in(path: Path) -> Path:
    """The adapters in a folder without a checkpoint, as training them leaves it; any other path as it is."""
    if not path.is_dir():
        return path
    names = [file for file in path.iterdir() if file.name.endswith((SUFFIX, *SUFFIXES))]
    return names[0] if len(names) == 1 and names[0].suffix == SUFFIX else path


def _plain_files(name: str | Path) -> CheckpointFiles:
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


def _with_adapters(path: Path, base: str | Path | None, alpha: float | None) -> CheckpointFiles:
    """The files of adapters and of their base."""
    record = LoraRecord.read(path)
    if base is None and record is None:
        raise InputError(
            "These adapters do not say which checkpoint they are for.", file=str(path), cure=f"Name it: {_BASE_CURE}."
        )
    if base is None and record is not None:
        beside = path.parent / record.base.name
        base = beside if beside.exists() else record.base.name
    try:
        files = find(base or "")
    except InputError as error:
        raise InputError(
            f"The checkpoint these adapters are for is not found: {error}",
            file=str(path),
            cure=f"Name it: {_BASE_CURE}.",
        ) from None
    from systems.songbloom.checkpoint_tensors import unmerged_tensors

    if files.adapters or unmerged_tensors(files.weights)[1]:
        raise InputError(
            "Adapters cannot be put on adapters.", file=str(path), cure="Merge the first: songbench train merge."
        )
    return replace(files, adapters=path, alpha=alpha)


def _of_base(path: Path, base: CheckpointFiles, alpha: float | None) -> CheckpointFiles:
    """A weights file alone, with the YAML file of its base."""
    if not path.is_file() or path.with_suffix(".yaml").is_file():
        raise InputError(
            "A base is for adapters, and for weights files without a YAML file; this is neither.",
            field="base",
            value=str(path),
            cure="Leave the base out.",
        )
    if alpha is not None:
        _check_adapters(path)
    return CheckpointFiles(weights=path, config=base.config, folders=base.folders, alpha=alpha)


def _check_adapters(file: Path) -> None:
    from systems.songbloom.checkpoint_tensors import unmerged_tensors

    if not unmerged_tensors(file)[1]:
        raise InputError("An alpha is for adapters, but this checkpoint has none.", file=str(file), field="alpha")


def base_checkpoint(name: str | Path, folder: Path) -> BaseCheckpoint:
    """How adapters that are saved in a folder name the checkpoint they were trained on.

    Args:
        name: as for `find`.
        folder: of the adapters.

    Raises:
        SongbenchError: as for `find`.
    """
    return BaseCheckpoint(base_name(name, folder), digest_of_weights(find(name)))


def base_name(name: str | Path, folder: Path) -> str:
    """How adapters that are saved in a folder call their base: a path relative to the folder, or the name as it is."""
    path = Path(name).expanduser()
    is_path = str(name).removeprefix("songbloom_") not in RELEASES and path.exists()
    return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix() if is_path else str(name)


def digest_of_weights(files: CheckpointFiles) -> str:
    """The sha256 of a checkpoint's weights; of a release as recorded when it was set up."""
    for release in RELEASES.values():
        if weights.folder_of(release) == files.weights.parent:
            return str(weights.as_recorded(release).files[0].sha256)
    return weights_digest(files.weights)


def adapter_remarks(files: CheckpointFiles) -> list[str]:
    """What should be known of a checkpoint's adapters: another base than theirs, an alpha that is assumed."""
    from systems.songbloom.checkpoint_tensors import unmerged_tensors

    remarks = []
    file = files.adapters or files.weights
    record = LoraRecord.read(file)
    _, adapters = unmerged_tensors(file, files.alpha)
    if adapters and files.alpha is None and record is None:
        ranks = "/".join(sorted({str(adapter.rank) for adapter in adapters.values()}))
        remarks.append(
            f"{file.name} holds adapters of rank {ranks} but not their alpha; {ASSUMED_ALPHA:g} is assumed, as the fork"
            " does (lora_alpha is the setting)"
        )
    if files.adapters and record and record.base.digest != digest_of_weights(files):
        remarks.append(
            f"{file.name} was trained on another checkpoint ({record.base.name}, sha256 {record.base.digest[:12]}…)"
            f" than it is put on ({files.weights.name})"
        )
    return remarks


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


def load(
    name: str | Path | CheckpointFiles, device: str | None = None, precision: Precision | None = None
) -> SongBloom:
    """A SongBloom that is ready to sing; adapters are merged.

    Args:
        name: see `find`, or what that gave.
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
    files = name if isinstance(name, CheckpointFiles) else find(name)
    return load_checkpoint(files, dtype).for_decoding(device, dtype)


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


def slow_precision(device: str, precision: str) -> str | None:
    """Why a precision is slow on this machine; None where it is not, or where it is not known."""
    if (device, precision) != ("cpu", "bfloat16") or platform.machine().lower() not in ("x86_64", "amd64"):
        return None
    import torch

    if torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported():
        return None
    return "this processor has no instructions for bfloat16 (AVX512_BF16 or AMX), so float32 is faster, and more exact"


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
