"""``songbench export``: a run's songs, tables and figures for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from songbench.cli import completion
from songbench.cli.app import RUNS, app
from songbench.cli.options import Quiet, RunName, Runs, StoreUrl, parts
from songbench.cli.reports import folder_of

_HELP = """Export a run: songs as files, scores as tables or as a data set, figures to an experiment tracker.

--songs FOLDER writes audio under readable names with lyrics, records, licences and a manifest for each system, which \
'--systems imported:NAME=FOLDER/SYSTEM' reads back. It can be stopped and taken up again.

--to parquet and --to csv write tables of scores, songs and transcripts to --out FOLDER; --to hf writes a data set \
with audio and a card, which datasets.load_dataset opens. Other names are sinks: wandb, mlflow, tensorboard and those \
of installed packages.

Examples:

    songbench export demo --songs build/songs --format mp3
    songbench export demo --to parquet --out build/tables
    songbench export demo --to tensorboard --out build/tensorboard

More in docs/export.md.
"""


@app.command(help=_HELP, rich_help_panel=RUNS)
def export(
    run: RunName = None,
    songs: Annotated[
        Path | None, typer.Option("--songs", metavar="FOLDER", help="Write the songs as files below this folder.")
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="FORMAT|SINK",
            help="parquet, csv, hf, wandb, mlflow, tensorboard, or of another package.",
            autocompletion=completion.export_name,
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="Where --to writes, if it writes files.")
    ] = None,
    encoding: Annotated[
        str, typer.Option("--format", metavar="flac|wav|mp3", help="Of the songs' files; flac: as stored.")
    ] = "flac",
    systems: Annotated[
        str | None,
        typer.Option(
            "--systems",
            metavar="NAMES",
            help="Only these systems, comma-separated.",
            autocompletion=completion.run_system_names,
        ),
    ] = None,
    prompts: Annotated[
        str | None,
        typer.Option(
            "--prompts",
            metavar="IDS",
            help="Only these prompts, comma-separated.",
            autocompletion=completion.run_prompt_names,
        ),
    ] = None,
    audio: Annotated[
        int, typer.Option("--audio", min=0, metavar="N", help="Send N songs of each system along to a sink.")
    ] = 0,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting of the sink (repeatable; docs/export.md)."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that no export wrote.")] = False,
    runs: Runs = None,
    store: StoreUrl = None,
    quiet: Quiet = False,
) -> None:
    """See `_HELP`."""
    from songbench.domain.errors import InputError
    from songbench.execution.recorded import recorded
    from songbench.execution.store import Store
    from songbench.exporting.formats import check_target
    from songbench.exporting.material import RunExport
    from songbench.exporting.songs import check_encoding

    # 1. before anything is read
    if songs is None and to is None:
        raise InputError("Say what to export: --songs FOLDER, or --to with a format or a sink.")
    checked_encoding = check_encoding(encoding)
    target = None if to is None else check_target(to, out=out, settings=settings or ())
    # 2. the run
    experiment, record = recorded(folder_of(run, runs).name, runs, store)
    material = RunExport(experiment, Store(experiment.store), record, systems=parts(systems), prompts=parts(prompts))
    # 3. where it goes
    if songs is not None:
        _export_songs(material, songs, checked_encoding, force=force, quiet=quiet)
    if target is not None:
        for line in target.write(material, audio=audio, force=force):
            typer.echo(line)


def _export_songs(material: Any, folder: Path, encoding: Any, *, force: bool, quiet: bool) -> None:
    from rich.console import Console
    from rich.progress import Progress

    from songbench.exporting.songs import export_songs

    with Progress(console=Console(stderr=True, quiet=quiet), transient=True) as progress:
        bar = progress.add_task("songs", total=len(material.songs))
        exported = export_songs(
            material, folder, encoding=encoding, force=force, progress=lambda song: progress.advance(bar)
        )
    lying = f", {exported.unchanged} there already" if exported.unchanged else ""
    typer.echo(f"{folder}: {exported.new} songs written{lying}")
    for system, place in exported.systems.items() if not quiet else ():
        typer.echo(f"  {system}: --systems imported:NAME={place}", err=True)
    for fault in exported.faults:
        typer.echo(f"not exported: {fault}", err=True)
    if exported.faults:
        raise typer.Exit(1)
