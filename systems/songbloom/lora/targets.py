"""Which rows of which of the model's matrices a name of a linear map means."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from songbench.domain.errors import InputError
from systems.layers.packing import PackedLinear
from systems.songbloom.checkpoint_names import Origin


@dataclass(frozen=True)
class Projection:
    """A linear map as upstream has it: some rows of a matrix of the model.

    Attributes:
        name: upstream's dotted name, such as ``ar_transformer.layers.0.self_attn.q_proj``.
        path: of the module here, such as ``sketch_lm.layers.0.attention.qkv``.
        number: its place among the slices of that module.
        slices: how many there are, all of the same number of rows.
    """

    name: str
    path: str
    number: int
    slices: int


def projections(model: nn.Module) -> tuple[Projection, ...]:
    """All linear maps outside the autoencoder.

    Raises:
        InputError: the model was prepared for decoding on a CPU, which packs its weights.
    """
    maps = []
    for path, module in model.named_modules():
        if isinstance(module, PackedLinear):
            raise InputError(
                "This model was prepared for decoding, so its weights are packed.", cure="Load it again to adapt it."
            )
        if not isinstance(module, nn.Linear) or path.startswith("autoencoder."):
            continue
        names = [name.removesuffix(".weight") for name in Origin.of(f"{path}.weight", module.weight.ndim).names]
        maps += [Projection(name, path, number, len(names)) for number, name in enumerate(names)]
    return tuple(maps)


def matches(projection: Projection, targets: Sequence[str]) -> bool:
    """Whether a target is a part of one of its names."""
    return any(target in projection.name or target in projection.path for target in targets)


def projections_of(model: nn.Module, targets: Sequence[str]) -> tuple[Projection, ...]:
    """The linear maps that any of the targets means.

    Raises:
        InputError: a target means none of them; or as for `projections`.
    """
    maps = projections(model)
    for target in targets:
        if not any(matches(one, [target]) for one in maps):
            kinds = dict.fromkeys(re.sub(r"^.*\.(?=[a-z]\w*(\.\d+)?$)", "", one.name) for one in maps)
            raise InputError(
                f"No linear map is called '{target}'.", field="targets", value=target, allowed=tuple(kinds)
            )
    return tuple(one for one in maps if matches(one, targets))
