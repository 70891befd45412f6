"""Completion of names in the shell: systems, metrics, suites, runs. Nothing is built, as a shell waits for it.

Install it with ``songbench --install-completion``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import typer

RECORDS = "*/record.json"
"""The files of a folder of runs that tell which there are."""


def system_names(incomplete: str) -> list[str]:
    """Comma-separated systems."""
    from songbench.contracts import registry

    return _in_list(incomplete, registry.names(registry.SYSTEMS))


def system_name(incomplete: str) -> list[str]:
    """One system."""
    from songbench.contracts import registry

    return _beginning(incomplete, registry.names(registry.SYSTEMS))


def metric_names(incomplete: str) -> list[str]:
    """Comma-separated metrics: presets, bare names, ids."""
    presets = (file.name.removesuffix(".yaml") for file in _presets() if file.name.endswith(".yaml"))
    return _in_list(incomplete, [*sorted(presets), *_metrics()])


def metric_name(incomplete: str) -> list[str]:
    """One metric: a bare name or an id."""
    return _beginning(incomplete, _metrics())


def need_name(incomplete: str) -> list[str]:
    """What ``songbench setup`` takes."""
    from songbench.contracts import registry

    groups = (registry.SYSTEMS, registry.ENVIRONMENTS, registry.CHECKOUTS, registry.WEIGHTS)
    names = {name for group in groups for name in registry.names(group)}
    return _beginning(incomplete, [*sorted(names), *_metrics()])


def suite_name(incomplete: str) -> list[str]:
    """A registered suite, or a file of the working folder."""
    from songbench.contracts import registry

    files = (str(path) for path in Path().glob(f"{incomplete}*.jsonl") if not incomplete.startswith("/"))
    return [*_beginning(incomplete, registry.names(registry.SUITES)), *sorted(files)]


def track_name(incomplete: str) -> list[str]:
    """A track."""
    from songbench.domain.prompt import TRACKS

    return _beginning(incomplete, TRACKS)


def importer_name(incomplete: str) -> list[str]:
    """A project whose lyrics can be imported."""
    from songbench.domain.foreign import SOURCES

    return _beginning(incomplete, SOURCES)


def run_name(ctx: typer.Context, incomplete: str) -> list[str]:
    """A run of the folder that ``--runs`` names."""
    folder = Path(ctx.params.get("runs") or "results/runs")
    return _beginning(incomplete, sorted(path.parent.name for path in folder.glob(RECORDS)))


def run_system_name(ctx: typer.Context, incomplete: str) -> list[str]:
    """A system of the runs in the folder that ``--runs`` names."""
    return _beginning(incomplete, _of_records(ctx, "systems"))


def run_prompt_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Comma-separated prompts of the run that is named, or of all runs of the folder."""
    return _in_list(incomplete, _of_records(ctx, "prompts"))


def run_system_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """The same, comma-separated."""
    return _in_list(incomplete, _of_records(ctx, "systems"))


def export_name(incomplete: str) -> list[str]:
    """What ``songbench export --to`` takes."""
    from songbench.contracts import registry

    return _beginning(incomplete, sorted({"csv", "parquet", "hf", *registry.names(registry.SINKS)}))


def _of_records(ctx: typer.Context, part: str) -> list[str]:
    """The names in a part of the records of runs: of the run that is named, or of all in the folder."""
    run = ctx.params.get("run")
    names: set[str] = set()
    for path in Path(ctx.params.get("runs") or "results/runs").glob(f"{run}/record.json" if run else RECORDS):
        with suppress(OSError, ValueError, LookupError, TypeError, AttributeError):
            names |= json.loads(path.read_bytes())[part].keys()
    return sorted(names)


def published_names(incomplete: str) -> list[str]:
    """Comma-separated files of published numbers."""
    return _in_list(incomplete, sorted(path.stem for path in Path("results/published").glob("*.csv")))


def _metrics() -> list[str]:
    from songbench.contracts import registry

    ids = registry.names(registry.METRICS)
    return list(dict.fromkeys([*(identifier.partition("@")[0] for identifier in ids), *ids]))


def _presets() -> Iterable[Path]:
    return (Path(__file__).parents[1] / "conf/metric").iterdir()


def _beginning(incomplete: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def _in_list(incomplete: str, names: Iterable[str]) -> list[str]:
    """The names that fit the last part of a comma-separated list and are not in it yet, each with what is before."""
    before, comma, last = incomplete.rpartition(",")
    listed = before.split(",")
    return [f"{before}{comma}{name}" for name in _beginning(last, names) if name not in listed]
