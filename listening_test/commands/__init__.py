"""``songbench listen``: prepare, hold and analyse blind listening tests. A module per command, heavy imports inside."""

from __future__ import annotations

from importlib.util import find_spec

import typer

from listening_test.commands import bundle, create, export, invite, panel, presets, report, serve, simulate
from songbench.domain.errors import UnavailableError

HELP = """Blind listening tests over the songs of a run: prepare one, hold it in the browser, read its report.

Examples:

    songbench listen create demo --protocol songbloom

    songbench listen serve listening/demo-songbloom

    songbench listen report listening/demo-songbloom

Nobody there yet? `simulate` lets a program answer, so that you see what the report will tell you.
"""

PACKAGES = ("pydantic", "sqlalchemy", "gradio", "fastapi", "uvicorn")

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False)


@app.callback(help=HELP)
def check_packages() -> None:
    """Say how to get what listening tests stand on, before a command stumbles over it.

    Raises:
        UnavailableError: naming the packages that are not installed.
    """
    absent = [name for name in PACKAGES if find_spec(name) is None]
    if absent:
        raise UnavailableError(
            f"Listening tests need {', '.join(absent)}, not installed here: pip install 'songbench[listening]'."
        )


app.command(help=presets.HELP)(presets.presets)
app.command(help=create.HELP)(create.create)
app.command(help=serve.HELP)(serve.serve)
app.command(help=invite.HELP)(invite.invite)
app.command(help=panel.HELP)(panel.panel)
app.command(help=bundle.HELP)(bundle.bundle)
app.command(help=export.HELP)(export.export)
app.command(help=simulate.HELP)(simulate.simulate)
app.command(help=report.HELP)(report.report)
