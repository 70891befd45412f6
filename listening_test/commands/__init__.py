"""``songbench listen``: prepare, hold and analyse blind listening tests. A module per command, heavy imports inside."""

from __future__ import annotations

import typer

from listening_test.commands.presets import presets

HELP = """Blind listening tests over the songs of a run.

    songbench listen create demo --protocol songbloom      prepare a test: audio, hidden checks, assignment

    songbench listen serve listening/demo-songbloom        hold it in the browser

    songbench listen report listening/demo-songbloom       screen, analyse, write tables and plots
"""

app = typer.Typer(help=HELP, no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False)

app.command()(presets)
