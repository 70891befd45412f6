"""``songbench suites``: list them, show one, import lyrics of other projects."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from songbench.cli.app import app

_SHOW = "show"


class _ShowByDefault(TyperGroup):
    """A group whose first word, where it is none of its commands, is what to show."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        if args and args[0] not in self.commands:
            args = [_SHOW, *args]
        return super().resolve_command(ctx, args)


suites = typer.Typer(cls=_ShowByDefault, invoke_without_command=True, rich_markup_mode="rich", no_args_is_help=False)
app.add_typer(suites, name="suites")


@suites.callback()
def listing(context: typer.Context) -> None:
    """List the suites, check and show one (songbench suites NAME or FILE), or import lyrics of other projects."""
    if context.invoked_subcommand is None:
        from rich.console import Console

        from songbench.reporting.console import suites_listing

        Console().print(suites_listing())


@suites.command(_SHOW, hidden=True)
def show(name: Annotated[str, typer.Argument(help="A registered suite or a file.")]) -> None:
    """Check a suite and show its prompts, the lines as they will be sung, and what looks odd."""
    from rich.console import Console

    from songbench.execution.experiment import find_suite
    from songbench.reporting.lyric_sheet import suite_sheet

    Console().print(suite_sheet(find_suite(name)))
