"""``songbench listen``: prepare, hold and analyse blind listening tests. A module per command, heavy imports inside."""

from __future__ import annotations

import typer

from listening_test.commands.bundle import bundle
from listening_test.commands.create import HELP as CREATE_HELP
from listening_test.commands.create import create
from listening_test.commands.export import HELP as EXPORT_HELP
from listening_test.commands.export import export
from listening_test.commands.invite import HELP as INVITE_HELP
from listening_test.commands.invite import invite
from listening_test.commands.presets import presets
from listening_test.commands.report import HELP as REPORT_HELP
from listening_test.commands.report import report
from listening_test.commands.serve import HELP as SERVE_HELP
from listening_test.commands.serve import serve
from listening_test.commands.simulate import HELP as SIMULATE_HELP
from listening_test.commands.simulate import simulate

HELP = """Blind listening tests over the songs of a run.

    songbench listen create demo --protocol songbloom      prepare a test: audio, hidden checks, assignment

    songbench listen serve listening/demo-songbloom        hold it in the browser

    songbench listen report listening/demo-songbloom       screen, analyse, write tables and plots
"""

app = typer.Typer(help=HELP, no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False)

app.command()(presets)
app.command(help=CREATE_HELP)(create)
app.command()(bundle)
app.command(help=SERVE_HELP)(serve)
app.command(help=INVITE_HELP)(invite)
app.command(help=EXPORT_HELP)(export)
app.command(help=REPORT_HELP)(report)
app.command(help=SIMULATE_HELP)(simulate)
