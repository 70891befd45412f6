"""State dicts as people's checkpoints hold them: unwrapped, named plainly, and refused where a number is none."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from songbench.domain.errors import InputError, SongbenchError

if TYPE_CHECKING:
    import torch

CONTAINERS = ("state_dict", "model_state_dict", "model", "module")
"""Under which keys training code keeps a model's tensors beside its own state."""
INDEX = ".index.json"
"""How the file ends that says in which shard each tensor of a large checkpoint lies."""
_NAMED = 6


def tensors_of(content: object, file: Path | None = None) -> dict[str, torch.Tensor]:
    """The tensors of a checkpoint by their plain names.

    Args:
        content: as ``torch.load`` gives it: tensors by name, or such below one of `CONTAINERS`.
        file: where it came from, for errors.

    Raises:
        InputError: when it holds something else, or several models, saying what it holds.
    """
    import torch

    where = str(file) if file else None
    if not isinstance(content, Mapping):
        raise _not_tensors(f"a {type(content).__name__}", where)
    non_tensors = [str(name) for name, value in content.items() if not isinstance(value, torch.Tensor)]
    if not non_tensors:
        return {plain: content[name] for name, plain in plain_names(content, file).items()}
    inside = [name for name in CONTAINERS if isinstance(content.get(name), Mapping)]
    if len(inside) != 1:
        raise _not_tensors(f"several models, {', '.join(inside)}" if inside else _listing(non_tensors), where)
    return tensors_of(content[inside[0]], file)


def plain_names(names: Iterable[Any], file: Path | None = None) -> dict[str, str]:
    """Each name with the one that the bare model gives the tensor: without what wrappers put before it.

    ``torch.compile`` adds ``_orig_mod.`` wherever a module was compiled, data-parallel training ``module.`` in front.

    Raises:
        InputError: when two tensors get the same name, or a name is not text.
    """
    where = str(file) if file else None
    originals = list(names)
    if odd := [name for name in originals if not isinstance(name, str)]:
        raise _not_tensors(f"one that is called {odd[0]!r}", where)
    plain = {name: re.sub(r"(?:^|(?<=\.))_orig_mod\.", "", name) for name in originals}
    while plain and all(name.startswith("module.") for name in plain.values()):
        plain = {name: bare.removeprefix("module.") for name, bare in plain.items()}
    if len(set(plain.values())) < len(plain):
        raise _not_tensors("some twice, with and without the names of a wrapper", where)
    return plain


def shards_of(index: Path) -> tuple[Path, ...]:
    """The files of a sharded checkpoint, from its index.

    Raises:
        InputError: when it is not an index, or shards are missing, naming them.
    """
    try:
        shards = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
        names = sorted({str(name) for name in shards.values()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"This is not the index of a sharded checkpoint ({error!r}).", file=str(index)) from None
    if not names or any(Path(name).name != name for name in names):
        raise InputError("The index names no files beside it.", file=str(index))
    if missing := [name for name in names if not (index.parent / name).is_file()]:
        raise InputError(
            f"{len(missing)} of {len(names)} shards are missing: {_listing(missing)}.",
            file=str(index),
            cure="Put them beside the index.",
        )
    return tuple(index.parent / name for name in names)


def _not_tensors(content: str, file: str | None) -> InputError:
    cure = "Save the model's state dict alone: torch.save(model.state_dict(), FILE)."
    return InputError(f"It holds something other than named tensors: {content}.", file=file, cure=cure)


def refuse_non_finite(tensors: Mapping[str, torch.Tensor], label: str) -> None:
    """Refuse weights that hold NaN or infinity: whatever they compute is no measurement.

    Raises:
        SongbenchError: naming the tensors.
    """
    broken = [name for name, tensor in tensors.items() if not is_finite(tensor)]
    if broken:
        raise SongbenchError(f"{label} holds numbers that are none (NaN or infinity), in {_listing(broken)}.")


def is_finite(tensor: torch.Tensor) -> bool:
    """Whether a tensor holds finite numbers only; one without storage, or of whole numbers, does."""
    import torch

    if tensor.is_meta or not (tensor.is_floating_point() or tensor.is_complex()):
        return True
    return bool(torch.isfinite(tensor).all())


def _listing(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
