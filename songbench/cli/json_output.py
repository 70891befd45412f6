"""What ``--json`` prints: the same facts as the tables, as one JSON value with plain names."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from songbench.domain.errors import SongbenchError

if TYPE_CHECKING:
    from songbench.contracts.cards import Availability
    from songbench.execution.doctor import Check
    from songbench.execution.gather import Completion
    from songbench.execution.housekeeping.contents import StoredFiles
    from songbench.execution.housekeeping.sizes import RunSize
    from songbench.execution.run_folders import RunSummary
    from songbench.execution.verification import Remade, Verification

Facts = dict[str, Any]
"""A JSON object."""


def show(value: object) -> None:
    """Print a value as JSON to stdout."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def of_systems(names: Iterable[str], *, listing: bool) -> list[Facts]:
    """Cards of systems with their state.

    Args:
        names: registered.
        listing: of everything, where a broken plug-in has ``state: broken``; of single names it is an error.

    Raises:
        SongbenchError: for an unknown or broken system, unless in a listing.
    """
    from songbench.contracts import registry
    from songbench.reporting.system_cards import further_facts

    def facts(name: str) -> Facts:
        system = registry.build_system(name)
        return {**asdict(system.card), "name": name, **further_facts(system.card), **_state(system.availability())}

    return _all_facts(names, facts, listing=listing)


def of_metrics(identifiers: Iterable[str], *, listing: bool) -> list[Facts]:
    """Cards of metrics with their state; arguments and errors as those of `of_systems`."""
    from songbench.contracts import registry
    from songbench.resources import needs

    def facts(identifier: str) -> Facts:
        metric = registry.build_metric(identifier)
        return {"id": identifier, **asdict(metric.card), **_state(needs.of_metric(identifier, metric))}

    return _all_facts(identifiers, facts, listing=listing, key="id")


def of_suites(names: Iterable[str]) -> list[Facts]:
    """Registered suites without their prompts."""
    from songbench.execution.experiment import find_suite

    def facts(name: str) -> Facts:
        suite = find_suite(name)
        return {
            "name": name,
            "version": suite.version,
            "track": suite.track,
            "prompts": len(suite.prompts),
            "licence": suite.licence,
            "description": suite.description,
            "state": "ready",
        }

    return _all_facts(names, facts, listing=True)


def of_suite(source: str) -> Facts:
    """One suite with its prompts, their statistics and what looks odd in them."""
    from songbench.domain.lyric_similarity import similarity_remarks
    from songbench.domain.suite_statistics import suite_statistics
    from songbench.execution.experiment import find_suite

    suite = find_suite(source)
    return {
        "name": suite.name,
        "version": suite.version,
        "track": suite.track,
        "licence": suite.licence,
        "description": suite.description,
        "prompts": [prompt.words_to_json() for prompt in suite.prompts],
        "statistics": asdict(suite_statistics(suite.prompts)),
        "remarks": [*suite.remarks, *similarity_remarks(suite.prompts)],
    }


def of_runs(rows: Sequence[tuple[RunSummary, RunSize]]) -> list[Facts]:
    """Runs, as they are listed, with their sizes in bytes."""
    names = {"recorded_at": "written", "generated": "done"}
    return [
        {"name": summary.name}
        | {names.get(name, name): value for name, value in asdict(summary).items()}
        | {"written": summary.recorded_at.isoformat()}
        | {"bytes": {"folder": size.folder, "store": size.store, "unshared": size.unshared}}
        for summary, size in rows
    ]


def of_status(run: str, songs: Sequence[Completion], scores: Sequence[Completion]) -> Facts:
    """How far a run is: songs per system, scores per metric."""

    def facts(kind: str, completion: Completion) -> Facts:
        return {
            kind: completion.name,
            "done": completion.succeeded,
            "failed": completion.failed,
            "unsupported": completion.unsupported,
            "open": completion.remaining,
            "total": completion.total,
        }

    return {
        "run": run,
        "songs": [facts("system", completion) for completion in songs],
        "scores": [facts("metric", completion) for completion in scores],
    }


def of_verification(run: str, verification: Verification, remade: Sequence[Remade], removed: int | None) -> Facts:
    """What still holds of a run."""
    return {
        "run": run,
        "whole": verification.intact,
        **asdict(verification),
        "changed": [{"what": what, "then": then, "now": now} for what, then, now in verification.changed],
        "made_again": [{**song.name._asdict(), "verdict": song.verdict} for song in remade],
        "removed": removed,
    }


def of_files(parts: Sequence[StoredFiles]) -> list[Facts]:
    """Files of a store by kind: how many, how large, and why they stay if they do."""
    return [
        {"kind": part.kind, "files": len(part.sizes), "bytes": part.bytes, "stays": part.reason or None}
        for part in parts
    ]


def of_checks(checks: Iterable[Check]) -> list[Facts]:
    """Findings of ``songbench doctor``."""
    return [asdict(check) for check in checks]


def _state(availability: Availability) -> Facts:
    if availability.ready:
        return {"state": "ready"}
    return {"state": "unavailable", "reason": availability.reason, "cure": availability.cure}


def _all_facts(
    names: Iterable[str], facts: Callable[[str], Mapping[str, Any]], *, listing: bool, key: str = "name"
) -> list[Facts]:
    rows: list[Facts] = []
    for name in names:
        try:
            rows.append(dict(facts(name)))
        except SongbenchError as error:
            if not listing:
                raise
            rows.append({key: name, "state": "broken", "reason": str(error)})
    return rows
