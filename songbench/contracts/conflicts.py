"""Which systems a metric cannot judge fairly: those that depend on the very model that judges.

Neither side names the other. A system's card says on which model families the system depends and how; a metric's card
says which families judge. Systems without a card here, whose songs are imported by name, stand in
``released_systems.yaml`` beside this file.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from songbench.contracts import registry
from songbench.contracts.cards import Dependence, MetricCard, SystemCard
from songbench.domain.errors import SongbenchError

RELEASED_SYSTEMS = Path(__file__).with_name("released_systems.yaml")


@dataclass(frozen=True)
class Conflict:
    """Systems that a metric cannot judge fairly, for one reason.

    Attributes:
        systems: names as in `SystemCard.name`, without variants.
        why: one clause, e.g. "conditioned on the same encoder".
    """

    systems: tuple[str, ...]
    why: str

    def __str__(self) -> str:
        return f"{', '.join(self.systems)} ({self.why})"


def conflicts_of(card: MetricCard) -> tuple[Conflict, ...]:
    """The conflicts of a metric with every system that is known: registered, or in the table of released ones.

    Args:
        card: of the metric.

    Returns:
        One entry per reason, in the order of the card's model families, of one family those of few systems first;
        empty for a metric without one. The same whether a system is registered or in the table.
    """
    if not card.models:
        return ()
    names = sorted({*_released(), *registry.names(registry.SYSTEMS)})
    dependences = {name: dependences_of(name) for name in names}
    families = (_conflicts(replace(card, models=(model,)), dependences) for model in card.models)

    def count(conflict: Conflict) -> int:
        return len(conflict.systems)

    return tuple(conflict for family in families for conflict in sorted(family, key=count))


def conflicts_among(card: MetricCard, systems: Iterable[SystemCard | str]) -> tuple[Conflict, ...]:
    """The conflicts of a metric with these systems only.

    Args:
        card: of the metric.
        systems: their cards, or names where nothing else is known of them; a variant (``name:variant``) depends on what
            its system depends on.

    Returns:
        One entry per reason; its names are those of `systems`, variants included.
    """
    if not card.models:
        return ()
    dependences = {}
    for system in systems:
        name, declared = (system, ()) if isinstance(system, str) else (system.name, system.depends_on)
        dependences[name] = declared or dependences_of(name)
    return _conflicts(card, dependences)


def metrics_in_conflict(card: SystemCard) -> dict[str, str]:
    """The registered metrics that cannot judge a system fairly, by id, each with the reason."""
    conflicts = {metric.id: conflicts_among(metric, [card]) for metric in _metric_cards()}
    return {metric: "; ".join(conflict.why for conflict in reasons) for metric, reasons in conflicts.items() if reasons}


def dependences_of(name: str) -> tuple[Dependence, ...]:
    """On which model families a system depends, by its name: as its own card says, else as the table of released ones.

    Args:
        name: with or without a variant.

    Returns:
        Empty when nothing is known, also for a registered system that cannot be built.
    """
    base = name.partition(":")[0]
    if base in registry.names(registry.SYSTEMS):
        return _declared(base)
    return _released().get(base, ())


@functools.cache
def _metric_cards() -> tuple[MetricCard, ...]:
    """Of every registered metric that can be built and has a model."""
    cards = []
    for name in registry.names(registry.METRICS):
        try:
            card = registry.build_metric(name).card
        except SongbenchError:  # whoever asks for that metric is told
            continue
        cards += [card] if card.models else []
    return tuple(cards)


@functools.cache
def _declared(name: str) -> tuple[Dependence, ...]:
    try:
        return registry.build_system(name).card.depends_on
    except SongbenchError:  # whoever asks for that system is told
        return ()


@functools.cache
def _released() -> Mapping[str, tuple[Dependence, ...]]:
    table = yaml.safe_load(RELEASED_SYSTEMS.read_text(encoding="utf-8"))
    return {
        name: tuple(Dependence(family, how) for family, how in families.items()) for name, families in table.items()
    }


def _conflicts(card: MetricCard, systems: Mapping[str, tuple[Dependence, ...]]) -> tuple[Conflict, ...]:
    names_by_reason: dict[str, list[str]] = {}
    for model in card.models:
        for name, dependences in systems.items():
            for dependence in dependences:
                if dependence.family == model.family:
                    reason = f"{dependence.how}, {model.part}" if model.part else dependence.how
                    names_by_reason.setdefault(reason, []).append(name)
    return tuple(Conflict(tuple(names), reason) for reason, names in names_by_reason.items())
