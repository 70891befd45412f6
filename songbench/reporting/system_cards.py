"""What the cards of systems say: all of them side by side, and each in full.

``python -m songbench.reporting.system_cards > docs/systems-table.md`` writes the page of songbench's own systems.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields

from songbench.contracts import registry
from songbench.contracts.cards import SEED_RULES, VOCAL_RULES, SystemCard
from songbench.contracts.conflicts import metrics_in_conflict
from songbench.domain.errors import SongbenchError
from songbench.domain.hashing import Json
from songbench.reporting.document.blocks import (
    Block,
    Fragment,
    Heading,
    Listing,
    Phrase,
    Table,
    TableColumn,
    TableRow,
    Text,
)
from songbench.reporting.document.markdown import to_markdown
from songbench.resources.environments import Environment

PINS = ("torch", "transformers", "numpy")
"""Packages whose versions decide which systems cannot share an environment."""
MOST_LANGUAGES = 8
_NAMES = {"vram_gib": "VRAM (GiB)"}
_OWN_PACKAGE = "songbench "


def comparison(cards: Mapping[str, SystemCard]) -> list[Block]:
    """Systems side by side: what each takes and gives, then what it is built on and how it was tried.

    Args:
        cards: by the name under which a system is called; sanity systems are left out, as they take nothing.
    """
    competitors = {name: card for name, card in cards.items() if not card.sanity}
    return [
        _table("What systems take and give", {name: _interface(card) for name, card in competitors.items()}),
        _table("What systems stand on", {name: _ground(card) for name, card in competitors.items()}),
    ]


def cards_of(names: Iterable[str]) -> dict[str, SystemCard]:
    """The cards of registered systems by name, without those of broken plug-ins."""
    cards = {}
    for name in names:
        try:
            cards[name] = registry.build_system(name).card
        except SongbenchError:  # the listing without --wide names it
            continue
    return cards


def card_document(card: SystemCard) -> list[Block]:
    """Everything one card says: facts first, then rules for lyrics, what goes wrong in silence, who cannot judge it."""
    apart = {"lyric_rules", "pitfalls", "depends_on", "verified"}
    rows = [
        (_NAMES.get(field.name, field.name.replace("_", " ")), _fact(getattr(card, field.name)))
        for field in fields(card)
        if field.name not in apart and getattr(card, field.name) not in ("", (), None)
    ]
    rows += [(f"environment {name}", _environment(environment)) for name, environment in _environments(card).items()]
    conflicts = [f"{metric}: {why}" for metric, why in metrics_in_conflict(card).items()]
    facts: list[Block] = [
        Table(
            columns=(TableColumn(name=""), TableColumn(name="")),
            rows=tuple(TableRow(((Fragment(name, "strong"),), text)) for name, text in rows),
        )
    ]
    return [
        *facts,
        *_section("Lyrics", card.lyric_rules),
        *_section("Pitfalls", _pitfalls(card)),
        *_section("Depends on", [str(dependence) for dependence in card.depends_on]),
        *_section("Not judged fairly by", conflicts),
        *_section("Verified against", [card.verified] if card.verified else []),
    ]


def further_facts(card: SystemCard) -> dict[str, Json]:
    """What follows from a card for a program: the pins of its environments, the metrics that cannot judge it fairly."""
    return {
        "environments": {
            name: {"python": environment.python, "pins": dict(_pins(environment))}
            for name, environment in _environments(card).items()
        },
        "not_judged_fairly_by": dict(metrics_in_conflict(card)),
    }


# -- the columns ---------------------------------------------------------------------------------------------------


def _interface(card: SystemCard) -> dict[str, str]:
    return {
        "style": _style(card),
        "languages": _languages(card.languages),
        "seed": card.seed_rule,
        "length": card.length_rule or ("" if card.max_seconds is None else f"up to {card.max_seconds:g} s"),
        "lyrics": " ".join(card.lyric_rules),
        "vocal": card.vocal_rule,
        "output": card.output or ("" if card.sample_rate is None else f"{card.sample_rate / 1000:g} kHz"),
        "stems": ", ".join(card.stems),
    }


def _ground(card: SystemCard) -> dict[str, str]:
    return {
        "source": re.sub(r"(@[0-9a-f]{7})[0-9a-f]+$", r"\1", card.upstream),
        "VRAM": "" if card.vram_gib is None else f"{card.vram_gib:g} GiB",
        "licence: code": card.code_licence or card.licence,
        "weights": card.weights_licence,
        "Python, pins": "; ".join(map(_environment, _environments(card).values())),
        "not judged fairly by": ", ".join(metrics_in_conflict(card)),
        "verified against": card.verified,
    }


def _style(card: SystemCard) -> str:
    if card.style_rule or not card.conditions:
        return card.style_rule
    kinds = {"style text": "text", "prompt audio": "audio"}
    return " and ".join(kind for condition, kind in kinds.items() if condition in card.conditions) or "none"


def _languages(languages: Sequence[str]) -> str:
    more = len(languages) - MOST_LANGUAGES
    return (", ".join(languages[:MOST_LANGUAGES]) or "any") + (f" and {more} more" if more > 0 else "")


def _environments(card: SystemCard) -> dict[str, Environment]:
    """The environments among a card's needs."""
    names = set(registry.names(registry.ENVIRONMENTS))
    return {name: registry.load(registry.ENVIRONMENTS, name) for name in card.needs if name in names}


def _environment(environment: Environment) -> str:
    return ", ".join([f"Python {environment.python}", *(f"{name} {pin}" for name, pin in _pins(environment))])


def _pins(environment: Environment) -> list[tuple[str, str]]:
    requirements = [requirement for step in environment.all_steps for requirement in step.requirements]
    pins = {}
    for requirement in requirements:
        if match := re.match(r"([A-Za-z0-9._-]+)\s*((?:[<>=!~]=?|===).*?)\s*(?:;|$)", requirement):
            pins[match[1].lower()] = match[2].removeprefix("==").strip()
    return [(name, pins[name]) for name in PINS if name in pins]


# -- blocks --------------------------------------------------------------------------------------------------------


def _table(title: str, rows: Mapping[str, Mapping[str, str]]) -> Table:
    """A table of the columns that any of the systems fills."""
    columns = dict.fromkeys(name for facts in rows.values() for name, text in facts.items() if text)
    return Table(
        title=title,
        columns=(TableColumn(name="system"), *(TableColumn(name=name) for name in columns)),
        rows=tuple(TableRow((name, *(facts[column] for column in columns))) for name, facts in rows.items()),
    )


def _fact(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    rule = {**SEED_RULES, **VOCAL_RULES}.get(value) if isinstance(value, str) else None
    return f"{value}: {rule}" if rule else f"{value:g}" if isinstance(value, float) else str(value)


def _pitfalls(card: SystemCard) -> list[Phrase]:
    return [(Fragment(f"{pitfall.pitfall} → "), Fragment(pitfall.handling, "good")) for pitfall in card.pitfalls]


def _section(title: str, lines: Sequence[Phrase]) -> list[Block]:
    return [Heading(title), Listing(tuple(lines))] if lines else []


# -- the page ------------------------------------------------------------------------------------------------------


def page() -> str:
    """The page of songbench's own systems, as Markdown."""
    names = [
        name
        for name in registry.names(registry.SYSTEMS)
        if registry.package_of(registry.SYSTEMS, name).startswith(_OWN_PACKAGE)
    ]
    cards = cards_of(names)
    blocks: list[Block] = [
        Heading("Systems side by side", level=1),
        Text(
            (
                Fragment("Written from the cards by "),
                Fragment("python -m songbench.reporting.system_cards", "code"),
                Fragment("; "),
                Fragment("songbench systems --wide", "code"),
                Fragment(" prints the same, with the systems of other installed packages. Empty: not said."),
            )
        ),
        *comparison(cards),
        Heading("Pitfalls"),
    ]
    for name, card in cards.items():
        if card.pitfalls:
            blocks += [Heading(name, level=3), Listing(tuple(_pitfalls(card)))]
    return to_markdown(blocks)


if __name__ == "__main__":
    sys.stdout.write(page())
