"""What memory jobs need: what systems and metrics declare, else what follows from their weights."""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from songbench.contracts import registry
from songbench.contracts.memory import MemoryNeed, WithMemoryNeed
from songbench.contracts.metric import Metric
from songbench.contracts.system import System
from songbench.domain.errors import SongbenchError
from songbench.execution.plan import Job
from songbench.resources.memory import GIB
from songbench.resources.model_memory import WORKING_BYTES, need_of_weights, weights_of_card

PROCESS_BYTES = GIB // 2
"""Of a worker before it has any model: Python with numpy and torch (220 MiB on a CPU), a context on a CUDA device."""

WORKING_BYTES_WITHOUT_MODEL = GIB // 4
"""What anything without weights is taken to need, such as signal processing on songs of some minutes."""

LIKELY_SECONDS = 240.0
"""How long songs are taken to become of which the prompt does not say it."""

Basis: TypeAlias = Literal["declared", "card", "weights", "assumed"]
"""Where an estimate is from: the plug-in's word, its authors' figure on its card, its weights, or an assumption."""


@dataclass(frozen=True)
class MemoryEstimate:
    """What a job is taken to need.

    Attributes:
        need: of the model.
        basis: where that is from.
    """

    need: MemoryNeed
    basis: Basis

    @property
    def worker_bytes(self) -> int:
        """Of the worker that does the job."""
        return PROCESS_BYTES + self.need.total


_OUT_OF_MEMORY = re.compile(
    r"out ?of ?memory|\bMemoryError|can't allocate memory|unable to allocate|failed to allocate memory|bad_alloc", re.I
)
"""As a kill of a worker is told, and as Python, numpy, torch (on a CPU, on CUDA) and ONNX Runtime say it."""


def ran_out_of_memory(cause: str) -> bool:
    """Whether a failure says that there was no memory; a process that was killed for no known reason counts."""
    return bool(_OUT_OF_MEMORY.search(cause))


class JobMemory:
    """What jobs need. Each system and metric is built once, which is cheap by contract.

    Args:
        accelerator: whether workers compute on one.
    """

    def __init__(self, *, accelerator: bool) -> None:
        self._accelerator = accelerator
        self._plugins: dict[Hashable, System | Metric | None] = {}
        self._estimates: dict[Hashable, MemoryEstimate] = {}

    def of(self, job: Job) -> MemoryEstimate:
        """The estimate for a job; an assumption for one whose plug-in cannot be built, as the worker will report."""
        if job.kind == "asset":
            return MemoryEstimate(MemoryNeed(0, WORKING_BYTES), "assumed")
        songs = [song for item in job.items for song in item.data.get("songs", [item.data])]
        lengths = [song["prompt"].get("seconds") or LIKELY_SECONDS for song in songs]
        model = repr(sorted(job.common.items()))
        key = (job.kind, model, max(1, len(songs)), max(lengths, default=LIKELY_SECONDS))
        if key not in self._estimates:
            if model not in self._plugins:
                self._plugins[model] = _built(job.common)
            self._estimates[key] = estimate(self._plugins[model], *key[2:], accelerator=self._accelerator)
        return self._estimates[key]


def _built(common: dict[str, Any]) -> System | Metric | None:
    try:
        if "system" in common:
            return registry.build_system(common["system"], common["parameters"])
        return registry.build_metric(common["metric"], common["parameters"])
    except SongbenchError:
        return None


def estimate(plugin: System | Metric | None, songs: int, seconds: float, *, accelerator: bool) -> MemoryEstimate:
    """What a system or metric is taken to need.

    Args:
        plugin: which; None where there is none that could be asked.
        songs: handed over at once.
        seconds: of the longest of them.
        accelerator: whether it computes on one.
    """
    if plugin is None:
        return MemoryEstimate(MemoryNeed(0, WORKING_BYTES_WITHOUT_MODEL), "assumed")
    if isinstance(plugin, WithMemoryNeed):
        try:
            need = plugin.memory_need(songs, seconds)
        except Exception:  # whatever it is, it stands in the way of a guess only
            need = None
        if isinstance(need, MemoryNeed) and need.resident >= 0 and need.working >= 0:
            return MemoryEstimate(need, "declared")
    gib = getattr(plugin.card, "vram_gib", None)
    if gib and accelerator:
        return MemoryEstimate(MemoryNeed(int(gib * GIB), 0), "card")
    if models := weights_of_card(plugin.card.needs):
        return MemoryEstimate(need_of_weights(models), "weights")
    return MemoryEstimate(MemoryNeed(0, WORKING_BYTES_WITHOUT_MODEL), "assumed")
