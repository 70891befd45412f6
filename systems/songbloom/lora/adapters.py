"""Adapters on a model in memory: put on, trained, switched off, merged.

Shapes: R rank, I inputs and O outputs of a linear map (of a fused matrix: of one of its slices).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from songbench.domain.errors import InputError
from systems.songbloom.lora.config import LoraConfig
from systems.songbloom.lora.targets import Projection, projections_of

TABLES = ("sketch_embedding.", "sketch_lm.classifier.")
"""Parts that tokens of another codebook need to be trained whole."""

ADAPTERS = ".adapters."
"""What the names of their tensors hold in the state dict of a model."""

_FIXED = ("autoencoder.", "conditioning.blank")
"""What no training of SongBloom changes."""


class LowRankAdapter(nn.Module):
    """``scale · B A dropout(x)`` for one linear map; in float32, cast to the type of what it is applied to.

    Args:
        projection: whose.
        inputs: I.
        outputs: O.
        config: rank, alpha and dropout.
        device: of A and B.
    """

    def __init__(
        self, projection: Projection, inputs: int, outputs: int, config: LoraConfig, device: torch.device
    ) -> None:
        super().__init__()
        self.projection = projection
        self.scale = config.alpha / config.rank
        self.down = nn.Parameter(torch.zeros(config.rank, inputs, device=device))  # A
        self.up = nn.Parameter(torch.zeros(outputs, config.rank, device=device))  # B
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (..., I) to (..., O)."""
        inner = F.linear(self.dropout(x), self.down.to(x.dtype))
        return self.scale * F.linear(inner, self.up.to(inner.dtype))

    def difference(self) -> Tensor:
        """What merging adds to the matrix, (O, I), float32."""
        return self.scale * (self.up.detach().float() @ self.down.detach().float())


class AdaptedLinear(nn.Module):
    """A linear map with adapters on some of its slices; holds the very weights of the map it replaces.

    Attributes:
        weight: (slices · O, I).
        bias: (slices · O) or None.
        adapters: by the last part of upstream's name.
        active: whether they count.
    """

    def __init__(self, linear: nn.Linear, slices: int) -> None:
        super().__init__()
        self.weight, self.bias = linear.weight, linear.bias
        self.slices, self.active = slices, True
        self.adapters = nn.ModuleDict()

    def __iter__(self) -> Iterator[LowRankAdapter]:
        for adapter in self.adapters.values():
            assert isinstance(adapter, LowRankAdapter)
            yield adapter

    def forward(self, x: Tensor) -> Tensor:
        """Shape (..., I) to (..., slices · O)."""
        result = F.linear(x, self.weight, self.bias)
        if not self.active:
            return result
        pieces = list(result.chunk(self.slices, dim=-1))
        for adapter in self:
            number = adapter.projection.number
            pieces[number] = pieces[number] + adapter(x)
        return torch.cat(pieces, dim=-1) if len(pieces) > 1 else pieces[0]

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        """The same map without adapters; the weights are changed in place."""
        for adapter in self:
            rows = self.weight.chunk(self.slices)[adapter.projection.number]
            rows.copy_(rows.float() + adapter.difference())
        with torch.device("meta"):
            linear = nn.Linear(self.weight.shape[1], self.weight.shape[0], bias=self.bias is not None)
        linear.weight, linear.bias = self.weight, self.bias
        return linear


@dataclass(frozen=True)
class AdaptedState:
    """What a model with adapters remembers.

    Attributes:
        config: how it is adapted.
        originals: tables that are trained whole, by their name, as they were before.
    """

    config: LoraConfig
    originals: dict[str, Tensor] = field(default_factory=dict)


def add_adapters(
    model: nn.Module, config: LoraConfig, generator: torch.Generator | None = None
) -> tuple[Projection, ...]:
    """Put adapters on a model, in place, and make only what `config` says trainable.

    A is drawn from U(-1/√I, 1/√I) (what upstream's Kaiming initialisation comes to), B is zero, so that nothing
    changes at first.

    Args:
        model: a `systems.songbloom.model.SongBloom` with plain weights.
        config: what to adapt.
        generator: of A, on the CPU.

    Returns:
        The linear maps that are adapted now.

    Raises:
        InputError: it has adapters already, is packed for decoding, a target means nothing, or a table would be both
            adapted and trained whole.
    """
    if adapted_state(model):
        raise InputError("This model has adapters already.", cure="Merge them first.")
    projections = projections_of(model, config.targets)
    names = _trained_whole(model, config)
    if config.train == "tables" and (twice := [one.path for one in projections if one.path.startswith(TABLES)]):
        raise InputError(f"{twice[0]} would be adapted and trained whole.", field="targets", cure="Choose one of both.")
    model.requires_grad_(False)
    _attach(model, projections, config)
    for adapter in _adapters(model):
        bound = 1 / math.sqrt(adapter.down.shape[1])
        values = torch.empty(adapter.down.shape).uniform_(-bound, bound, generator=generator)
        adapter.down.data.copy_(values)
    for name in names:
        model.get_parameter(name).requires_grad_(True)
    tables = names if config.train == "tables" else ()
    originals = {name: model.get_parameter(name).detach().clone() for name in tables}
    object.__setattr__(model, _STATE, AdaptedState(config, originals))
    return projections


_STATE = "_adapted_state"


def adapted_state(model: nn.Module) -> AdaptedState | None:
    """How a model is adapted; None: it is not."""
    return getattr(model, _STATE, None)


def _attach(model: nn.Module, projections: Sequence[Projection], config: LoraConfig) -> None:
    for projection in projections:
        linear = model.get_submodule(projection.path)
        if isinstance(linear, nn.Linear):
            adapted = AdaptedLinear(linear, projection.slices)
            _replace(model, projection.path, adapted)
        else:
            assert isinstance(linear, AdaptedLinear)
            adapted = linear
        outputs, inputs = adapted.weight.shape
        leaf = projection.name.rpartition(".")[2]
        adapter = LowRankAdapter(projection, inputs, outputs // projection.slices, config, adapted.weight.device)
        adapted.adapters[leaf] = adapter.train(model.training)


def _replace(model: nn.Module, path: str, module: nn.Module) -> None:
    parent, _, leaf = path.rpartition(".")
    module.train(model.training)
    model.get_submodule(parent)._modules[leaf] = module


def _trained_whole(model: nn.Module, config: LoraConfig) -> tuple[str, ...]:
    if config.train == "adapters":
        return ()
    names = [name for name, _ in model.named_parameters() if not name.startswith(_FIXED) and ADAPTERS not in name]
    return tuple(name for name in names if config.train == "all" or name.startswith(TABLES))


def _adapted(model: nn.Module) -> list[tuple[str, AdaptedLinear]]:
    return [(path, module) for path, module in model.named_modules() if isinstance(module, AdaptedLinear)]


def _adapters(model: nn.Module) -> list[LowRankAdapter]:
    return [adapter for _, adapted in _adapted(model) for adapter in adapted]


def adapters_of(model: nn.Module) -> dict[str, LowRankAdapter]:
    """The adapters of a model by upstream's name of the linear map; empty: it has none."""
    return {adapter.projection.name: adapter for adapter in _adapters(model)}


def whole_parameters(model: nn.Module) -> dict[str, nn.Parameter]:
    """What is trained whole beside the adapters, by its name here."""
    state = adapted_state(model)
    return {name: model.get_parameter(name) for name in _trained_whole(model, state.config)} if state else {}


def adapter_parameters(model: nn.Module) -> list[nn.Parameter]:
    """What an optimiser changes: A and B of every adapter, then what is trained whole."""
    pairs = [parameter for adapter in _adapters(model) for parameter in (adapter.down, adapter.up)]
    return [*pairs, *whole_parameters(model).values()]


@contextmanager
def adapters_off(model: nn.Module) -> Iterator[None]:
    """Inside, the model is the one that was adapted (the reference of preference training), tables included.

    Raises:
        InputError: everything is trained, so that the original is nowhere.
    """
    state = adapted_state(model)
    if state and state.config.train == "all":
        raise InputError(
            "With train=all the model as it was before is not kept.", field="train", cure="Load it a second time."
        )
    adapted = {module: module.active for _, module in _adapted(model)}
    tables = {name: model.get_parameter(name) for name in (state.originals if state else {})}
    trained = {name: table.data for name, table in tables.items()}
    try:
        for module in adapted:
            module.active = False
        for name, table in tables.items():
            assert state is not None
            table.data = state.originals[name]
        yield
    finally:
        for module, active in adapted.items():
            module.active = active
        for name, table in tables.items():
            table.data = trained[name]


def merge_adapters(model: nn.Module) -> None:
    """Add the adapters to the matrices they belong to and remove them, in place; does nothing where there are none."""
    for path, adapted in _adapted(model):
        _replace(model, path, adapted.merged())
    object.__setattr__(model, _STATE, None)
