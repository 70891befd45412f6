"""Commands that list what there is."""

from __future__ import annotations

from typing import Annotated

import typer

from songbench.cli import completion
from songbench.cli.app import THINGS, app
from songbench.cli.options import Json, Track

_SYSTEMS_HELP = """List the systems that can enter a run, and what is missing for those that cannot.

Examples:

    songbench systems
    songbench systems rulebased
    songbench systems --wide
    songbench systems --track v2a
    songbench systems --json

More in docs/systems.md.
"""


@app.command(help=_SYSTEMS_HELP, rich_help_panel=THINGS)
def systems(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="Show the whole card of this system (NAME or NAME:VARIANT), with its pitfalls.",
            autocompletion=completion.system_name,
        ),
    ] = None,
    wide: Annotated[
        bool, typer.Option("--wide", help="Compare them: style, lyrics, length, output, seed, licences, pins …")
    ] = False,
    track: Track = None,
    json: Json = False,
) -> None:
    """See `_SYSTEMS_HELP`."""
    from songbench.cli import json_output
    from songbench.contracts import registry
    from songbench.execution.tracks import systems_of_track
    from songbench.reporting.console import systems_listing
    from songbench.reporting.document.terminal import print_document
    from songbench.reporting.system_cards import card_document, cards_of, comparison

    if json:
        json_output.show(json_output.of_systems([name] if name else systems_of_track(track), listing=not name))
    elif name:
        print_document(card_document(registry.build_system(name).card))
    elif wide:
        print_document(comparison(cards_of(systems_of_track(track))))
    else:
        print_document(systems_listing(systems_of_track(track)))


_METRICS_HELP = """List the metrics with their backends, and what is missing for those that cannot run here.

Examples:

    songbench metrics
    songbench metrics per
    songbench metrics fad@musicnn --json
    songbench metrics --track v2a

More in docs/metrics.md.
"""


@app.command(help=_METRICS_HELP, rich_help_panel=THINGS)
def metrics(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="Show the whole card: of one id, of all backends of a bare name, or of a preset.",
            autocompletion=completion.metric_name,
        ),
    ] = None,
    track: Track = None,
    json: Json = False,
) -> None:
    """See `_METRICS_HELP`."""
    from songbench.cli import json_output
    from songbench.contracts import registry
    from songbench.execution.config import metric_presets, metric_selection
    from songbench.execution.tracks import registered_metrics
    from songbench.reporting.console import card_table, metrics_listing, presets_listing
    from songbench.reporting.document.terminal import print_document

    identifiers = metric_selection([name]) if name else registered_metrics(track)
    if json:
        json_output.show(json_output.of_metrics(identifiers, listing=not name))
    elif name:
        for identifier in identifiers:
            print_document(card_table(registry.build_metric(identifier).card))
    else:
        selections = {preset: metric_selection([preset]) for preset in metric_presets()}
        print_document([*metrics_listing(identifiers), *presets_listing(selections, identifiers)])
