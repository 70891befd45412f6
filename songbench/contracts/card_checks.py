"""Whether a plug-in's card says what a card has to say, before anything is planned or tabled from it."""

from __future__ import annotations

import typing
from collections import Counter
from collections.abc import Iterator
from typing import Any

from songbench.contracts.cards import (
    ASPECTS,
    SEED_RULES,
    VOCAL_RULES,
    Dependence,
    Direction,
    Field,
    MetricCard,
    ModelFamily,
    Pitfall,
    SystemCard,
)

DIRECTIONS = typing.get_args(Direction)


def faults_of_system(card: object) -> list[str]:
    """What is wrong with a `SystemCard`, one clause each; empty when nothing is."""
    if not isinstance(card, SystemCard):
        return [f"it is a {type(card).__name__}, no SystemCard"]
    return [
        *_texts(card, "name", "version"),
        *_tuples(card, "languages", "conditions", "needs", "tracks", "track_variants", "lyric_rules", "stems"),
        *_amounts(card, "max_seconds", "sample_rate", "vram_gib"),
        *_all_of(card, "depends_on", Dependence),
        *_all_of(card, "pitfalls", Pitfall),
        *([] if card.seed_rule in SEED_RULES else [f"seed_rule is {card.seed_rule!r}, not one of {SEED_RULES}"]),
        *([] if card.vocal_rule in VOCAL_RULES else [f"vocal_rule is {card.vocal_rule!r}, not one of {VOCAL_RULES}"]),
    ]


def faults_of_metric(card: object) -> list[str]:
    """What is wrong with a `MetricCard`, one clause each; empty when nothing is."""
    if not isinstance(card, MetricCard):
        return [f"it is a {type(card).__name__}, no MetricCard"]
    faults = [*_texts(card, "name", "version"), *_tuples(card, "needs", "languages", "tracks", "hears")]
    faults += [*_aspects("hears", card.hears), *_all_of(card, "models", ModelFamily)]
    backend, fields = vars(card)["backend"], vars(card)["fields"]
    if not isinstance(backend, str) or not (backend.isprintable() and backend == backend.strip()):
        faults.append(f"backend is {backend!r}")
    fields = fields if isinstance(fields, tuple | list) else ()
    if not fields or not all(isinstance(field, Field) for field in fields):
        return [*faults, "fields hold no Field, or something else"]
    names = Counter(field.name for field in fields)
    faults += [f"the field {name!r} is there twice" for name, count in names.items() if count > 1]
    return [*faults, *(f"field {field.name!r}: {fault}" for field in fields for fault in _faults_of_field(field))]


def _faults_of_field(field: Field) -> Iterator[str]:
    yield from _texts(field, "name")
    if field.direction not in DIRECTIONS:
        yield f"direction is {field.direction!r}, not {', '.join(DIRECTIONS)}"
    bounds = [bound for bound in (field.low, field.high) if bound is not None]
    if not all(_is_number(bound) for bound in bounds):
        yield f"its range is {field.low!r} to {field.high!r}"
    elif len(bounds) == 2 and not bounds[0] < bounds[1]:
        yield f"its lowest value {field.low} is not below its highest, {field.high}"
    if type(field.decimals) is not int or not 0 <= field.decimals <= 15:
        yield f"decimals is {field.decimals!r}"
    yield from _aspects("hears", field.hears or ())


def _texts(card: Any, *names: str) -> Iterator[str]:
    for name in names:
        value = getattr(card, name)
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            yield f"{name} is {value!r}"


def _tuples(card: Any, *names: str) -> Iterator[str]:
    for name in names:
        value = getattr(card, name)
        if not isinstance(value, tuple | list) or not all(isinstance(text, str) for text in value):
            yield f"{name} is {value!r}, no tuple of texts"


def _all_of(card: Any, name: str, kind: type) -> Iterator[str]:
    value = getattr(card, name)
    if not isinstance(value, tuple | list) or not all(isinstance(part, kind) for part in value):
        yield f"{name} is {value!r}, no tuple of {kind.__name__}"


def _amounts(card: Any, *names: str) -> Iterator[str]:
    for name in names:
        value = getattr(card, name)
        if value is not None and not (_is_number(value) and value > 0):
            yield f"{name} is {value!r}"


def _aspects(name: str, aspects: object) -> Iterator[str]:
    for aspect in aspects if isinstance(aspects, tuple | list) else ():
        if aspect not in ASPECTS:
            yield f"{name} says {aspect!r}, not one of {', '.join(ASPECTS)}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf")
