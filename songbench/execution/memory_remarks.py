"""What people should know of memory before a run begins."""

from __future__ import annotations

from songbench.contracts.metric import Metric, SetMetric
from songbench.contracts.system import System
from songbench.execution.engine.local import LocalSettings
from songbench.execution.experiment import Experiment
from songbench.execution.hardware import accelerator_bytes, accelerators
from songbench.execution.memory_needs import LIKELY_SECONDS, Basis, estimate
from songbench.resources.memory import available_bytes
from songbench.resources.weights import in_words

_BASES: dict[Basis, str] = {
    "declared": "as it says itself",
    "card": "as its authors say",
    "weights": "by the size of its weights",
    "assumed": "as is assumed of any",
}


def memory_remarks(experiment: Experiment) -> list[str]:
    """The systems and metrics that need more memory than all workers of this machine may take together, a line each."""
    settings = experiment.engine
    if not isinstance(settings, LocalSettings):
        return []
    devices = accelerators()
    free = [accelerator_bytes(device) for device in devices] or [available_bytes()]
    capacity = settings.memory_bytes or max((size for size in free if size is not None), default=None)
    if capacity is None:
        return []
    prompts = experiment.suite.prompts
    seconds = max((prompt.seconds or LIKELY_SECONDS for prompt in prompts), default=LIKELY_SECONDS)
    remarks = []
    plugins: list[tuple[str, System | Metric]] = [(system.name, system.plugin) for system in experiment.systems]
    plugins += [(metric.id, metric.plugin) for metric in experiment.ready_metrics]
    for name, plugin in plugins:
        songs = len(prompts) * experiment.takes if isinstance(plugin, SetMetric) else 1
        need = estimate(plugin, songs, seconds, accelerator=bool(devices))
        if need.worker_bytes > capacity:
            remarks.append(
                f"{name} needs about {in_words(need.worker_bytes)} of memory"
                f" ({_BASES[need.basis]}), and there are {in_words(capacity)}: nothing runs beside it, and it may be"
                " ended by the operating system"
            )
    return remarks
