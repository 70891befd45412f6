"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

Suite: TypeAlias = Annotated[
    str | None, typer.Option("--suite", help="A registered suite (songbench suites) or a .jsonl file.")
]
Systems: TypeAlias = Annotated[
    str | None,
    typer.Option("--systems", help="Comma-separated: name, name:variant, imported:NAME=FOLDER (songbench systems)."),
]
Metrics: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--metrics", help="Comma-separated ids, bare names for all their backends, or presets (songbench metrics)."
    ),
]
Takes: TypeAlias = Annotated[int | None, typer.Option("--takes", help="Songs per prompt and system.")]
Seed: TypeAlias = Annotated[int | None, typer.Option("--seed", help="The seeds of all takes follow from it.")]
Name: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--name",
        help="Of the run and its folder; default: the suite's. More systems, metrics or takes under the name of an"
        " earlier run are added to it; whatever else differs is refused.",
    ),
]
StoreUrl: TypeAlias = Annotated[str | None, typer.Option("--store", help="Where results live: a folder or fsspec URL.")]
Published: TypeAlias = Annotated[
    str | None,
    typer.Option("--published", help="Comma-separated files of results/published to show below, in blocks apart."),
]
Runs: TypeAlias = Annotated[str | None, typer.Option("--runs", help="The folder of run folders.")]
Workers: TypeAlias = Annotated[int | None, typer.Option("--workers", help="Worker processes.")]
Overrides: TypeAlias = Annotated[
    list[str] | None, typer.Option("--set", help="Any setting, e.g. --set system.NAME.KEY=VALUE (repeatable).")
]
RetryFailed: TypeAlias = Annotated[bool, typer.Option("--retry-failed", help="Try again what is stored as failed.")]
DryRun: TypeAlias = Annotated[bool, typer.Option("--dry-run", help="Show what is stored, what is to do, the cost.")]
Replace: TypeAlias = Annotated[
    bool, typer.Option("--replace", help="Start the run of this name anew; nothing stored is lost.")
]
RunName: TypeAlias = Annotated[str, typer.Argument(help="The run's name, as under --runs.")]


def parts(text: str | None) -> list[str] | None:
    """The parts of a comma-separated value; None stays None."""
    return None if text is None else [name for part in text.split(",") if (name := part.strip())]
