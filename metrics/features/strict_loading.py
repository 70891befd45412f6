"""Checkpoints are loaded whole or not at all: a tensor that finds no place would change the score in silence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from songbench.domain.errors import SongbenchError
from songbench.resources.tensors import refuse_non_finite, tensors_of

if TYPE_CHECKING:
    from pathlib import Path

    import torch

_NAMED = 8


def load_strictly(
    model: torch.nn.Module, state: Mapping[str, torch.Tensor], *, checkpoint: str, unused: Iterable[str] = ()
) -> None:
    """Load a state dict, of which every tensor must fit and no tensor may be missing.

    Args:
        model: where to; weight norm is found under its old names as well.
        state: tensors by name.
        checkpoint: what the message calls it.
        unused: beginnings of names that no score depends on, such as heads for training; whether these are there is
            not asked.

    Raises:
        SongbenchError: naming the tensors that are missing, unknown, of another shape or not finite.
    """
    left_out = tuple(unused)
    parameters = model.state_dict()
    tensors = {name: tensor for name, tensor in state.items() if not name.startswith(left_out)}
    shapes = [
        f"{name} has shape {tuple(tensor.shape)}, not {tuple(parameters[name].shape)}"
        for name, tensor in tensors.items()
        if name in parameters and parameters[name].shape != tensor.shape
    ]
    if shapes:
        raise SongbenchError(f"{checkpoint} does not fit its model: {_listing(shapes)}.")
    refuse_non_finite(tensors, checkpoint)
    missing, unknown = model.load_state_dict(tensors, strict=False)
    problems = [
        f"{kind} {_listing(names)}"
        for kind, names in (
            ("missing:", [name for name in missing if not name.startswith(left_out)]),
            ("unknown:", list(unknown)),
        )
        if names
    ]
    if problems:
        raise SongbenchError(f"{checkpoint} does not fit its model: {'; '.join(problems)}.")


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a ``.safetensors`` file or of a pickled checkpoint, read without running what it holds.

    Raises:
        InputError: when it holds something else than the tensors of one model.
    """
    import torch

    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return tensors_of(load_file(path), path)
    return tensors_of(torch.load(path, map_location="cpu", weights_only=True, mmap=True), path)


def _listing(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(sorted(names)[:_NAMED]) + (f" and {more} more" if more > 0 else "")
