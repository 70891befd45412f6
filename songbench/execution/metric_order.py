"""In which order metrics are computed: those that ask the same model one after the other, so that it stays loaded."""

from __future__ import annotations

from collections.abc import Sequence

from songbench.execution.experiment import ConfiguredMetric
from songbench.resources import needs
from songbench.resources.weights import Weights


def computing_order(metrics: Sequence[ConfiguredMetric]) -> list[ConfiguredMetric]:
    """The metrics in their order, but each followed by those that share weights with it, the largest first.

    Tables keep the order in which metrics were asked for; this is that of the work alone.
    """
    sizes = {metric.id: _weights(metric) for metric in metrics}
    waiting, ordered = list(metrics), list[ConfiguredMetric]()
    while waiting:
        previous = sizes[ordered[-1].id] if ordered else {}
        # of equals, max gives the first
        ordered.append(max(waiting, key=lambda metric: _shared_bytes(previous, sizes[metric.id])))
        waiting.remove(ordered[-1])
    return ordered


def _weights(metric: ConfiguredMetric) -> dict[str, int]:
    """The bytes of each of the weights among a metric's needs."""
    return {need.name: need.size for need in needs.of_card(metric.card.needs) if isinstance(need, Weights)}


def _shared_bytes(first: dict[str, int], second: dict[str, int]) -> int:
    return sum(first[name] for name in first.keys() & second.keys())
