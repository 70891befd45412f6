"""The command line itself: commands register here, those of other rooms and packages plug in."""

from __future__ import annotations

import atexit
import gc
import sys
from collections.abc import Callable

import typer

from songbench.domain.errors import DISK_FULL, SongbenchError, StoreWriteError

HELP = """Benchmark song generators: lyrics in, songs out, scores with honest uncertainty.

Start with [bold]songbench run[/bold]: it makes the songs that are missing, scores them, prints the leaderboard.
Everything finished is stored at once; stop it whenever you like and run the same command to go on.

Exit codes: 0 all done · 1 done, but some songs or scores failed (the leaderboard counts them) · 2 something given is
wrong · 3 the store is busy · 4 something asked for is not available here · 5 the store cannot be written · 130 stopped.
"""

app = typer.Typer(
    help=HELP, no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False, add_completion=False
)


def _plug_in(words: list[str]) -> None:
    """Add the command of another room or package, imported only when it is the one that was typed, or for help."""
    from songbench.contracts import registry

    known = registry.names(registry.COMMANDS)
    asked = next((word for word in words if not word.startswith("-")), None)
    for name in known if asked is None else [asked] if asked in known else []:
        try:
            command: typer.Typer | Callable[..., None] = registry.load(registry.COMMANDS, name)
        except registry.PluginError as error:
            if asked:
                raise
            typer.echo(f"note: {error}", err=True)  # help has to work whatever is installed
            continue
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)


def main() -> None:
    """Run the command line; errors that songbench raises on purpose are one message, not a traceback."""
    atexit.register(gc.freeze)  # else the end looks for cycles in every library: up to half a second, for nothing
    try:
        _plug_in(sys.argv[1:])
        app()
    except SongbenchError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        typer.echo(f"error: The disk is full ({error}). What was stored before is safe: free some space.", err=True)
        sys.exit(StoreWriteError.exit_code)
