"""With which kind of style prompt a system's songs were made: between kinds some numbers compare unlike things."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

from songbench.contracts.cards import SystemCard
from songbench.domain.rendering import StyleUse
from songbench.domain.song import GenerationRecord
from songbench.execution.results import RunResults

Condition: TypeAlias = Literal["text", "audio", "both", "none", "mixed", "not known", ""]

CONDITIONS: Mapping[Condition, str] = {
    "text": "style as text",
    "audio": "style as audio",
    "both": "style as text and audio",
    "none": "no style",
    "mixed": "style as text in some songs, as audio in others",
    "not known": "style not known",
    "": "no song made",
}
"""Every condition of a system, in the order of its tables, in words."""


def style_of(record: GenerationRecord) -> StyleUse | None:
    """The kind of style that a song was really made from; None where that is not known, as of imported audio."""
    if record.rendering is not None:
        return record.rendering.style
    text, audio = ("style text" in record.conditions, "prompt audio" in record.conditions)
    if not record.conditions and record.seconds is None:
        return None
    return "both" if text and audio else "text" if text else "audio" if audio else "none"


def conditions_of(results: RunResults) -> dict[str, Condition]:
    """The condition of each system, by what the songs it made were really given.

    Songs that were given no style, as their prompts have none, do not make a system mixed.
    """
    styles: dict[str, list[StyleUse | None]] = {card.name: [] for card in results.systems}
    for song, record in results.generation.items():
        styles[song.system].append(style_of(record))
    return {system: _condition(uses) for system, uses in styles.items()}


def _condition(styles: Iterable[StyleUse | None]) -> Condition:
    uses = set(styles)
    kinds = list(uses - {"none"})
    if not uses:
        return ""
    if not kinds:
        return "none"
    return "mixed" if kinds[1:] else kinds[0] or "not known"


def differ(systems: Iterable[SystemCard], conditions: Mapping[str, Condition]) -> bool:
    """Whether competitors are known to have had different kinds of style, so that a table must say which had which."""
    kinds = {conditions[card.name] for card in systems if not card.sanity}
    return len(kinds - {"", "not known"}) > 1 or "mixed" in kinds


def by_condition(conditions: Mapping[str, Condition], names: Iterable[str]) -> dict[Condition, list[str]]:
    """Systems by their condition, in the order of `CONDITIONS`."""
    listed = list(names)
    groups = {condition: [name for name in listed if conditions[name] == condition] for condition in CONDITIONS}
    return {condition: group for condition, group in groups.items() if group}
