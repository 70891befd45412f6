"""The command line itself: commands register here, those of other rooms and packages plug in."""

from __future__ import annotations

import atexit
import gc
import sys
from typing import Annotated

import typer

from songbench.cli.group import CommandGroup
from songbench.domain.errors import DISK_FULL, SongbenchError, StoreWriteError

HELP = """Benchmark song generators: lyrics in, songs out, scores with honest uncertainty.

Start with [bold]songbench run[/bold]: it makes the songs that are missing, scores them, prints the leaderboard. \
Everything finished is stored at once; stop it whenever you like and run the same command to go on. Results go to \
stdout, everything else to stderr.

Exit codes: 0 all done · 1 done, but some songs or scores failed (the leaderboard counts them) · 2 something given is \
wrong · 3 the store is busy · 4 something asked for is not available here · 5 the store cannot be written · \
130 stopped.

Example: songbench run --systems rulebased,noise --metrics audio
"""

RUNS = "Runs"
"""The panel of ``--help`` with the commands that make runs and look at them."""
THINGS = "What there is"
"""The panel with the commands that list and prepare systems, metrics and suites."""

_NEW_OBJECTS = 10_000
"""After so many Python looks for cycles: by its own 700, a tenth of a short command is spent on modules, which stay."""

app = typer.Typer(
    cls=CommandGroup,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _show_version(requested: bool) -> None:
    if requested:
        from songbench import __version__

        typer.echo(f"songbench {__version__}")
        raise typer.Exit


@app.callback(help=HELP)
def options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version and exit.")
    ] = False,
) -> None:
    """See `HELP`."""


def main() -> None:
    """Run the command line; errors that songbench raises on purpose are one message, not a traceback."""
    gc.set_threshold(_NEW_OBJECTS)
    atexit.register(gc.freeze)  # else the end looks for cycles in every library: up to half a second, for nothing
    try:
        app(prog_name="songbench")
    except SongbenchError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        typer.echo(f"error: The disk is full ({error}). What was stored before is safe: free some space.", err=True)
        sys.exit(StoreWriteError.exit_code)
