"""``songbench runs``: list the runs with their sizes, show what one is and what became of its songs."""

from __future__ import annotations

from typing import Annotated

import typer

from songbench.cli import json_output
from songbench.cli.app import RUNS, app
from songbench.cli.options import Json, RunName, Runs, StoreUrl

_HELP = """List the runs, newest first, with their sizes; show what one is.

Sizes are of the run's folder, of what it rests on in its store, and of how much of that no other run of the folder \
rests on. 'songbench remove' removes a run, 'songbench gc' what no run needs.

Examples:

    songbench runs
    songbench runs show demo
    songbench runs songs demo

More in docs/runs.md.
"""

runs_app = typer.Typer(help=_HELP, invoke_without_command=True, rich_markup_mode="rich", no_args_is_help=False)
app.add_typer(runs_app, name="runs", rich_help_panel=RUNS)


@runs_app.callback(help=_HELP)
def listing(context: typer.Context, runs: Runs = None, json: Json = False) -> None:
    """See `_HELP`."""
    if context.invoked_subcommand is None:
        _list(runs, json=json)


@runs_app.command("list")
def list_runs(runs: Runs = None, json: Json = False) -> None:
    """List the runs, newest first, as songbench runs alone does.

    Example: songbench runs list --json
    """
    _list(runs, json=json)


def _list(runs: str | None, *, json: bool) -> None:
    from songbench.cli.run_tables import runs_table
    from songbench.execution import run_folders
    from songbench.execution.housekeeping.sizes import sized_summaries
    from songbench.reporting.document.terminal import print_document

    rows = sized_summaries([run_folders.run_folder(name, runs) for name in run_folders.run_names(runs)])
    if json:
        json_output.show(json_output.of_runs(rows))
    elif rows:
        print_document([runs_table(rows)])
    else:
        typer.echo(
            f"There is no run in {runs or run_folders.RUNS}. 'songbench run' makes one; --runs names the folder."
        )


@runs_app.command()
def show(run: RunName = None, runs: Runs = None, json: Json = False) -> None:
    """Show what a run is: suite, systems, metrics, where its results are.

    Example: songbench runs show demo
    """
    from songbench.cli.run_tables import run_table
    from songbench.execution.housekeeping.sizes import sized_summaries
    from songbench.execution.run_folders import run_files, run_folder, run_names
    from songbench.reporting.document.terminal import print_document

    folder = run_folder(run, runs)
    rows = sized_summaries([run_folder(name, runs) for name in run_names(runs)])
    summary, size = next(row for row in rows if row[0].folder == folder)
    if json:
        json_output.show(json_output.of_runs([(summary, size)])[0])
    else:
        print_document([run_table(summary, size, run_files(folder))])


_SONGS_HELP = """Show the songs of a run: what became of each, and what its system was really given.

With --prompt each song is shown whole: lyrics as given, invented times, settings, seed. The files songs.csv and \
songs.json of the run's folder hold the same of all songs.

Examples:

    songbench runs songs demo --system rulebased
    songbench runs songs demo --prompt en-pop-window

More in docs/runs.md.
"""


@runs_app.command(help=_SONGS_HELP)
def songs(
    run: RunName = None,
    system: Annotated[str | None, typer.Option("--system", metavar="NAME", help="Of this system only.")] = None,
    prompt: Annotated[str | None, typer.Option("--prompt", metavar="ID", help="Of this prompt only, whole.")] = None,
    runs: Runs = None,
    store: StoreUrl = None,
    json: Json = False,
) -> None:
    """See `_SONGS_HELP`."""
    from songbench.execution.gather import gather
    from songbench.execution.recorded import recorded
    from songbench.execution.run_folders import run_folder
    from songbench.execution.store import Store
    from songbench.reporting.document.terminal import print_document
    from songbench.reporting.songs import song_rows, song_sheet, song_to_json, songs_table

    experiment, _ = recorded(run_folder(run, runs).name, runs, store)
    _check_name("system", system, [one.name for one in experiment.systems])
    _check_name("prompt", prompt, [one.id for one in experiment.suite.prompts])
    rows = [
        row
        for row in song_rows(gather(experiment, Store(experiment.store)))
        if system in (None, row.song.system) and prompt in (None, row.song.prompt)
    ]
    if json:
        json_output.show(list(map(song_to_json, rows)))
    elif prompt:
        print_document([block for row in rows for block in song_sheet(row)])
    else:
        print_document([songs_table(rows)])


def _check_name(option: str, name: str | None, names: list[str]) -> None:
    """Refuse a name that the run does not have, with the nearest."""
    from songbench.domain.errors import InputError

    if name is not None and name not in names:
        raise InputError(f"The run has no {option} '{name}'.", field=option, value=name, allowed=names)
