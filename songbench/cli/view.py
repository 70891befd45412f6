"""``songbench view``: a run's page in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from songbench.cli.app import RUNS, app
from songbench.cli.options import RunName, Runs, StoreUrl

_HELP = """Show a run's page in the browser: listen to its songs, sort its leaderboard, look at any part of it.

The page is served to this machine only, until Ctrl-C. It is written first where it is missing or older than the run's \
record. Without a server: open report.html in the run's folder.

Examples:

    songbench view
    songbench view demo --port 8000 --no-open

More in docs/report.md.
"""


@app.command(help=_HELP, rich_help_panel=RUNS)
def view(
    run: RunName = None,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, metavar="N", help="Of the address; default: a free one.")
    ] = 0,
    no_open: Annotated[bool, typer.Option("--no-open", help="Say the address only.")] = False,
    runs: Runs = None,
    store: StoreUrl = None,
) -> None:
    """See `_HELP`."""
    import webbrowser

    from songbench.cli.page_server import PageServer
    from songbench.domain.errors import InputError
    from songbench.execution.run_folders import run_folder
    from songbench.reporting.report_files import PAGE

    folder = run_folder(run, runs)
    if _outdated(folder, PAGE):
        typer.echo(f"writing {folder / PAGE}", err=True)
        _write(folder.name, runs, store)
    try:
        server = PageServer(folder, PAGE, port)
    except OSError as error:
        raise InputError(
            f"The port {port} cannot be used: {error.strerror}.", field="port", cure="Without --port a free one is."
        ) from error
    with server:
        typer.echo(f"{folder.name}: {server.address}{PAGE}\nCtrl-C ends it.")
        if not no_open:
            webbrowser.open(f"{server.address}{PAGE}")
        try:
            server.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            typer.echo("ended", err=True)


def _outdated(folder: Path, page: str) -> bool:
    from songbench.execution.record import RECORD

    file = folder / page
    return not file.is_file() or file.stat().st_mtime < (folder / RECORD).stat().st_mtime


def _write(run: str, runs: str | None, store: str | None) -> None:
    """Write the run's report again, without printing it."""
    from songbench.execution.recorded import recorded
    from songbench.execution.store import Store
    from songbench.reporting.run_report import write_run_report

    experiment, _ = recorded(run, runs, store)
    write_run_report(experiment, Store(experiment.store))
