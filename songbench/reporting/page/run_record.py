"""The run's record for people: what it ran on, with which settings, seeds and versions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from songbench.execution.hardware import in_words
from songbench.execution.record import RECORD
from songbench.reporting.document.blocks import Block, Fold, Fragment, Phrase, Table, TableColumn, TableRow, Text, table
from songbench.reporting.page.material import PageMaterial

_DIGITS = 12
"""Of a digest, as it is shown; the record has all of it."""


def record_blocks(material: PageMaterial) -> list[Block]:
    """What must be known to do the run again; the parts of it folded."""
    record, board = material.record, material.board
    if not record:
        return [Text("The run has no record.")]
    suite, config = record.get("suite", {}), record.get("config", {})
    facts: dict[str, Phrase] = {
        "run": material.name,
        "suite": f"{board.suite} (version {board.suite_version}, sha256 {str(suite.get('key', ''))[:_DIGITS]}…)",
        "prompts and takes": f"{board.prompts} × {board.takes}",
        "seed of the songs": str(config.get("seed", "")),
        "statistics": f"{100 * board.confidence:g} % intervals, {board.replicates} replicates, seed {board.seed}",
        "machine": _machine(record.get("hardware", {})),
        "platform": _platform(record.get("hardware", {})),
        "code": _code(record.get("code")),
        "everything": (Fragment(RECORD, link=RECORD),),
    }
    return [_facts({name: text for name, text in facts.items() if text}), *_folds(record)]


def _facts(facts: Mapping[str, Phrase]) -> Table:
    return Table(
        columns=(TableColumn(name=""), TableColumn(name="")),
        rows=tuple(TableRow((name, text)) for name, text in facts.items()),
    )


def _folds(record: Mapping[str, Any]) -> Iterator[Fold]:
    settings = dict(_flat(record.get("config", {})))
    yield Fold("Settings", (_facts({name: _text(value) for name, value in settings.items()}),))
    for title, part, singular in (("Systems", "systems", "system"), ("Metrics", "metrics", "metric")):
        rows = [
            (name, str(facts.get("version", "")), str(facts.get("package", "")), _text(facts.get("parameters") or ""))
            for name, facts in record.get(part, {}).items()
        ]
        yield Fold(f"{title} and their versions", (table("", (singular, "version", "package", "settings"), rows),))
    weights = [(name, _text(facts)) for name, facts in record.get("weights", {}).items()]
    if weights:
        yield Fold("Weights", (_facts(dict(weights)),))
    packages = list(record.get("packages", {}).items())
    if packages:
        yield Fold(f"{len(packages)} packages", (table("", ("package", "version"), packages),))


def _flat(settings: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={_text(part)}" for name, part in value.items())
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _machine(hardware: Mapping[str, Any]) -> str:
    try:
        memory = f", {hardware['memory_gib']} GiB" if hardware.get("memory_gib") else ""
        return in_words(hardware) + memory
    except LookupError:
        return ""


def _platform(hardware: Mapping[str, Any]) -> str:
    python = f", Python {hardware['python']}" if hardware.get("python") else ""
    return f"{hardware.get('platform', '')}{python}".removeprefix(", ")


def _code(code: object) -> str:
    if not isinstance(code, Mapping) or not code.get("commit"):
        return ""
    return f"{code['commit']}{' with changes' if code.get('changed') else ''}"
