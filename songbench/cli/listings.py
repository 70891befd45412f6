"""Commands that list what there is."""

from __future__ import annotations

from typing import Annotated

import typer

from songbench.cli.app import app


@app.command()
def systems(name: Annotated[str | None, typer.Argument(help="Show the whole card of one.")] = None) -> None:
    """List the systems that can enter a run, and what is missing for those that cannot."""
    from rich.console import Console

    from songbench.contracts import registry
    from songbench.reporting.console import card_table, systems_listing

    Console().print(card_table(registry.build_system(name).card) if name else systems_listing())


@app.command()
def metrics(name: Annotated[str | None, typer.Argument(help="Show the whole card of one.")] = None) -> None:
    """List the metrics with their backends, and what is missing for those that cannot run here."""
    from rich.console import Console

    from songbench.contracts import registry
    from songbench.reporting.console import card_table, metrics_listing

    for identifier in registry.metric_ids(name) if name else []:
        Console().print(card_table(registry.build_metric(identifier).card))
    if not name:
        Console().print(metrics_listing())
