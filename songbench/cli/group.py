"""The group of all commands: those of other rooms and packages are loaded when they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperGroup

from songbench.domain.errors import nearest

MORE = "More"
"""The panel of ``--help`` with the commands that other rooms and packages add."""


class CommandGroup(TyperGroup):
    """Commands of this package, then those that others declare as entry points ``songbench.commands``."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of all commands, without importing any."""
        from songbench.contracts import registry

        return list(dict.fromkeys([*super().list_commands(ctx), *registry.names(registry.COMMANDS)]))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command by its name; None where there is none, or where it is broken, which is a note.

        Help has to work whatever is installed.
        """
        from songbench.contracts import registry

        try:
            return self._command(ctx, cmd_name)
        except registry.PluginError as error:
            if not ctx.resilient_parsing:
                typer.echo(f"note: {error}", err=True)
            return None

    def get_params(self, ctx: Any) -> Any:
        """The options of the command line itself."""
        parameters = super().get_params(ctx)
        for parameter in parameters:
            _hide_flag_type(parameter)
        return parameters

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Which command is called; an unknown one is refused with the nearest name.

        Raises:
            PluginError: when the command cannot be loaded.
        """
        name = args[0]
        names = self.list_commands(ctx)
        if name not in names and not name.startswith("-") and not ctx.resilient_parsing:
            match = nearest(name, names)
            hint = f"Did you mean '{match}'?" if match else "'songbench --help' lists them."
            ctx.fail(f"No such command '{name}'. {hint}")
        self._command(ctx, name)
        return super().resolve_command(ctx, args)

    def _command(self, ctx: Any, name: str) -> Any:
        from songbench.contracts import registry

        if name not in self.commands and name in registry.names(registry.COMMANDS):
            self.commands[name] = _as_command(registry.load(registry.COMMANDS, name), name)
        command = self.commands.get(name)
        if command is not None:
            _hide_flag_types(command, ctx)
        return command


def _as_command(plugin: typer.Typer | Callable[..., None], name: str) -> Any:
    """A Typer application as a group of commands, or a function as one command."""
    holder = typer.Typer(add_completion=False, rich_markup_mode="rich")
    if isinstance(plugin, typer.Typer):
        holder.add_typer(plugin, name=name, rich_help_panel=MORE)
    else:
        holder.command(name, rich_help_panel=MORE)(plugin)
    return typer.main.get_group(holder).commands[name]


def _hide_flag_types(command: Any, parent: Any) -> None:
    """Leave out of a command's help, and of those below it, that a flag is a Boolean."""
    context = typer.Context(command, parent=parent, info_name=command.name)
    for parameter in command.get_params(context):
        _hide_flag_type(parameter)
    for inner in getattr(command, "commands", {}).values():
        _hide_flag_types(inner, context)


def _hide_flag_type(parameter: Any) -> None:
    if getattr(parameter, "is_flag", False):
        parameter.metavar = ""
