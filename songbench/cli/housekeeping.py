"""``songbench remove`` and ``songbench gc``: be rid of a run, of a system's results, of what no run needs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from songbench.cli import completion, json_output
from songbench.cli.app import RUNS, app
from songbench.cli.confirmation import confirmed
from songbench.cli.options import Json, Runs

_STORE = "results/store"
_NOTHING_REMOVED = "Nothing was removed."

_REMOVE_HELP = """Remove a run, or all that is stored of a system: shown first, and you are asked.

A run: what songbench wrote into its folder. The store is left alone, as other runs may rest on it, and the command \
that made the run writes its folder again without computing anything; 'songbench gc' frees what no other run needs. \
Results of listening tests and your own files stay, too.

A system: its songs, their scores, and features and audio that nothing else needs. Runs that rest on them are named, \
and only --yes removes them all the same; continue such a run, and the songs are made again.

Examples:

    songbench remove demo --yes
    songbench remove --system rulebased

More in docs/runs.md.
"""

StoreOption = Annotated[
    str | None, typer.Option("--store", metavar="URL", help=f"The store; default: {_STORE}.", show_default=False)
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@app.command(help=_REMOVE_HELP, rich_help_panel=RUNS)
def remove(
    run: Annotated[
        str | None,
        typer.Argument(metavar="RUN", help="The run's name.", show_default=False, autocompletion=completion.run_name),
    ] = None,
    system: Annotated[
        str | None,
        typer.Option(
            "--system",
            metavar="NAME",
            help="Instead: all that is stored of this system.",
            autocompletion=completion.run_system_name,
        ),
    ] = None,
    runs: Runs = None,
    store: StoreOption = None,
    yes: Yes = False,
) -> None:
    """See `_REMOVE_HELP`."""
    from songbench.domain.errors import InputError

    if (run is None) == (system is None):
        raise InputError("Name a run, or a system with --system NAME.", cure="'songbench runs' lists the runs.")
    if system is not None:
        _remove_system(system, runs, store or _STORE, yes=yes)
    elif run is not None:
        _remove_run(run, runs, yes=yes)


def _remove_run(run: str, runs: str | None, *, yes: bool) -> None:
    from songbench.execution.housekeeping.sizes import sized_summaries
    from songbench.execution.run_folders import remove_run, run_files, run_folder, run_names
    from songbench.resources.weights import in_words

    folder = run_folder(run, runs)
    sizes = sized_summaries([run_folder(name, runs) for name in run_names(runs)])
    unshared = next(size.unshared for summary, size in sizes if summary.folder == folder)
    paths = run_files(folder)
    facts = [path.stat() for path in paths]
    size = in_words(sum(file.st_size for file in facts if file.st_nlink == 1))  # links to songs free nothing
    typer.echo(f"{folder}: {len(paths)} files ({size}): {_listed(paths, folder)}", err=True)
    if not yes and not confirmed(f"Remove the run '{run}'? Nothing in the store is touched."):
        typer.echo(_NOTHING_REMOVED, err=True)
        return
    remaining = remove_run(folder)
    typer.echo(f"removed the run '{run}'")
    if unshared:
        typer.echo(
            f"left in the store: {in_words(unshared)} that no other run of the folder needs (songbench gc)", err=True
        )
    if remaining:
        typer.echo(f"left in {folder}: {_listed(remaining, folder)}", err=True)


def _listed(paths: list[Any], folder: Any) -> str:
    names = [path.relative_to(folder).as_posix() for path in paths]
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")


def _remove_system(system: str, runs: str | None, url: str, *, yes: bool) -> None:
    from songbench.cli.run_tables import files_table
    from songbench.domain.errors import InputError
    from songbench.execution.housekeeping.systems import remove_system, system_files
    from songbench.reporting.document.terminal import print_document
    from songbench.resources.weights import in_words

    store, folders, extractors = _store(url), _folders([runs] if runs else None), _of_reports()
    files = system_files(store, system, folders, extractors)
    if not files.parts:
        raise InputError(
            f"Nothing is stored of a system '{system}' in {url}.", field="system", value=system, allowed=files.systems
        )
    print_document([files_table(f"{system} in {url}", files.parts)])
    if files.runs and not yes:
        raise InputError(
            f"Runs rest on it: {', '.join(files.runs)}.",
            cure="--yes removes it all the same; a run that is continued makes its songs again.",
        )
    elif not yes and not confirmed(f"Remove all that is stored of '{system}'?"):
        typer.echo(_NOTHING_REMOVED, err=True)
        return
    freed = remove_system(store, system, files, folders, extractors)
    typer.echo(f"removed what was stored of '{system}' ({in_words(freed)})")


_GC_HELP = """Remove what no run needs from the store: shown first by kind and size, and you are asked.

Needed is all that the runs in the folders given with --runs rest on, unfinished runs included. Name every folder with \
runs on this store. Prompt audio that an installed suite needs again stays unless --no-keep-assets is given. While a \
run works on the store nothing is removed.

Examples:

    songbench gc --dry-run
    songbench gc --runs results/runs --runs elsewhere/runs

More in docs/runs.md.
"""


@app.command(help=_GC_HELP, rich_help_panel=RUNS)
def gc(
    store: StoreOption = None,
    runs: Annotated[
        list[str] | None,
        typer.Option(
            "--runs",
            metavar="FOLDER",
            help="A folder of run folders (repeatable); default: results/runs.",
            show_default=False,
        ),
    ] = None,
    keep_assets: Annotated[
        bool,
        typer.Option("--keep-assets/--no-keep-assets", help="Leave prompt audio that an installed suite needs again."),
    ] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be removed, and stop.")] = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """See `_GC_HELP`."""
    from songbench.cli.run_tables import files_table
    from songbench.domain.errors import InputError
    from songbench.execution.housekeeping.garbage import garbage, remove_garbage
    from songbench.execution.run_folders import run_names
    from songbench.reporting.document.terminal import print_document
    from songbench.resources.weights import in_words

    url = store or _STORE
    opened, folders, extractors = _store(url), _folders(runs), _of_reports()
    # 1. what goes and what stays
    parts = garbage(opened, folders, keep_assets=keep_assets, extractors=extractors)
    if json:
        json_output.show(json_output.of_files(parts))
    elif parts:
        print_document([files_table(f"what no run needs in {url}", parts)])
    going = [part for part in parts if not part.reason]
    if not going:
        typer.echo("Runs need everything that is stored." if not parts else "Nothing is to be removed.", err=True)
    if dry_run or not going:
        return
    # 2. whether that is meant
    if not any(run_names(folder) for folder in folders):
        message = f"There is no run in {', '.join(map(str, folders))}, so nothing in the store counts as needed."
        if yes and not runs:
            raise InputError(message, cure="Name the folders of its runs with --runs.")
        typer.echo(f"note: {message}", err=True)
    if not yes and not confirmed(f"Remove {in_words(sum(part.bytes for part in going))}?"):
        typer.echo(_NOTHING_REMOVED, err=True)
        return
    # 3. by now, with the store held
    freed = remove_garbage(opened, going, folders, keep_assets=keep_assets, extractors=extractors)
    typer.echo(f"freed {in_words(freed)}", err=json)


def _store(url: str) -> Any:
    """A store that is there.

    Raises:
        InputError: it holds nothing, which is not what somebody wants who removes something.
    """
    from songbench.domain.errors import InputError
    from songbench.execution.store import Store

    store = Store(url)
    if not store.files():
        raise InputError(f"There is nothing in the store '{url}'.", field="store", cure="--store names it.")
    return store


def _of_reports() -> list[Any]:
    """What reports derive from the audio of songs."""
    from songbench.reporting.page.song_picture import SongPictures

    return [SongPictures()]


def _folders(runs: Sequence[str] | None) -> list[Path]:
    """The folders of run folders that are named.

    Raises:
        InputError: one is not there, so that runs which count would be overlooked.
    """
    from songbench.domain.errors import InputError
    from songbench.execution.run_folders import RUNS as DEFAULT

    for folder in runs or ():
        if not Path(folder).is_dir():
            raise InputError(f"There is no folder '{folder}'.", field="runs")
    return [Path(folder) for folder in runs or [DEFAULT]]
