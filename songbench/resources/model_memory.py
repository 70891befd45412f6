"""What a model needs of the memory, by the size of its weights."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from songbench.contracts.memory import MemoryNeed
from songbench.resources import needs, weights
from songbench.resources.memory import GIB
from songbench.resources.weights import Weights

WORKING_BYTES = 3 * GIB // 4
"""What a model of which nobody has measured it is taken to need beside its weights."""

WEIGHT_FACTOR = 2
"""Bytes in memory per byte of a file of weights: half precision on the disk is single precision on a CPU."""


def weights_of_card(names: Iterable[str]) -> list[Weights]:
    """The weights among the needs of a card."""
    return [need for need in needs.of_card(names) if isinstance(need, Weights)]


def need_of_weights(models: Sequence[Weights]) -> MemoryNeed:
    """What follows from weights: all of them may be loaded, and work one after the other.

    Args:
        models: at least one.
    """
    loaded = [WEIGHT_FACTOR * weights.as_recorded(model).size for model in models]
    working = [
        WORKING_BYTES if model.peak_bytes is None else max(0, model.peak_bytes - size)
        for model, size in zip(models, loaded, strict=True)
    ]
    return MemoryNeed(sum(loaded), max(working))
