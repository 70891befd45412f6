"""``songbench listen``: prepare, hold and analyse blind listening tests. A module per command, heavy imports inside."""

from __future__ import annotations

import typer

from listening_test.commands import bundle, create, export, invite, presets, report, serve, simulate

HELP = """Blind listening tests over the songs of a run: prepare one, hold it in the browser, read its report.

Examples:

    songbench listen create demo --protocol songbloom

    songbench listen serve listening/demo-songbloom

    songbench listen report listening/demo-songbloom

Nobody there yet? `simulate` lets a program answer, so that you see what the report will tell you.
"""

app = typer.Typer(help=HELP, no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False)

app.command(help=presets.HELP)(presets.presets)
app.command(help=create.HELP)(create.create)
app.command(help=serve.HELP)(serve.serve)
app.command(help=invite.HELP)(invite.invite)
app.command(help=bundle.HELP)(bundle.bundle)
app.command(help=export.HELP)(export.export)
app.command(help=simulate.HELP)(simulate.simulate)
app.command(help=report.HELP)(report.report)
