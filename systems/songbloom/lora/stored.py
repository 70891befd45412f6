"""Merging adapters while weights are read, so that neither a second model nor trained modules are needed to sing.

Tensors as the public fork names them: a map ``X`` that is adapted is stored as ``X.base.weight`` (in a file that holds
the base too), ``X.lora_A.weight``, (R, I), and ``X.lora_B.weight``, (O, R); alpha is stored nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from torch import Tensor

from songbench.domain.errors import InputError
from songbench.resources.tensors import is_finite
from systems.checkpoints.stored_tensors import StoredTensor

DOWN, UP = ".lora_A.weight", ".lora_B.weight"
BASE = ".base."


@dataclass(frozen=True)
class StoredAdapter:
    """The two matrices of one adapter in a file.

    Attributes:
        down: A, (R, I).
        up: B, (O, R).
        alpha: B A is multiplied by ``alpha / R``.
        file: where they are, for errors.
    """

    down: StoredTensor
    up: StoredTensor
    alpha: float
    file: Path

    @property
    def rank(self) -> int:
        """Rows of A."""
        return self.down.shape[0]

    def difference(self) -> Tensor:
        """What merging adds to the matrix, (O, I), float32.

        Raises:
            InputError: it holds numbers that are none.
        """
        down, up = self.down.read().float(), self.up.read().float()
        if not (is_finite(down) and is_finite(up)):
            raise InputError("The adapters hold numbers that are none (NaN or infinity).", file=str(self.file))
        return (self.alpha / self.rank) * (up @ down)


def holds_adapters(names: Iterable[str]) -> bool:
    """Whether tensors of these names are adapters or hold some."""
    return any(name.endswith(DOWN) for name in names)


def separated(
    tensors: Mapping[str, StoredTensor], alpha: float, file: Path
) -> tuple[dict[str, StoredTensor], dict[str, StoredAdapter]]:
    """A file's tensors under the names they have without adapters, and the adapters by the name of their map.

    Args:
        tensors: by their plain name.
        alpha: of the adapters.
        file: where they are from, for errors.

    Raises:
        InputError: an adapter lacks its other half, or the halves do not fit together.
    """
    stems = {name.removesuffix(end) for name in tensors for end in (DOWN, UP) if name.endswith(end)}
    adapters = {}
    for stem in sorted(stems):
        if absent := [end for end in (DOWN, UP) if stem + end not in tensors]:
            raise InputError(f"An adapter is incomplete: {stem}{absent[0]} is missing.", file=str(file))
        down, up = tensors[stem + DOWN], tensors[stem + UP]
        if len(down.shape) != 2 or len(up.shape) != 2 or down.shape[0] != up.shape[1] or not down.shape[0]:
            raise InputError(
                f"The halves of an adapter do not fit together: {stem}, {list(down.shape)} and {list(up.shape)}.",
                file=str(file),
            )
        adapters[stem] = StoredAdapter(down, up, alpha, file)
    plain = {}
    for name, tensor in tensors.items():
        stem, base, leaf = name.rpartition(BASE)
        if not name.endswith((DOWN, UP)):
            plain[f"{stem}.{leaf}" if base and stem in stems else name] = tensor
    return plain, adapters


def merged(tensors: Mapping[str, StoredTensor], adapters: Mapping[str, StoredAdapter]) -> dict[str, StoredTensor]:
    """The tensors with each adapter added to its matrix when that is read.

    Raises:
        InputError: an adapter's matrix is not there or has another shape.
    """
    result = dict(tensors)
    for stem, adapter in adapters.items():
        weight = tensors.get(f"{stem}.weight")
        shape = (adapter.up.shape[0], adapter.down.shape[1])
        if weight is None or weight.shape != shape:
            state = "has none of this name" if weight is None else f"has {list(weight.shape)} there"
            raise InputError(
                f"The adapters are of another model: {stem} is for a matrix of {list(shape)}, the base {state}.",
                file=str(adapter.file),
                cure="Name the checkpoint they were trained on.",
            )
        result[f"{stem}.weight"] = StoredTensor(shape, weight.is_floating, partial(_sum, weight, adapter))
    return result


def _sum(weight: StoredTensor, adapter: StoredAdapter) -> Tensor:
    matrix = weight.read()
    total: Tensor = (matrix.float() + adapter.difference()).to(matrix.dtype)
    return total
