"""``songbench listen presets``."""

from __future__ import annotations

from typing import Annotated

import typer

HELP = """List the protocols that ship, or print one as a file to start from.

Examples:

    songbench listen presets

    songbench listen presets songbloom > our-lab.yaml
"""


def presets(
    name: Annotated[str | None, typer.Argument(help="Print this one in full, as a file to start from.")] = None,
) -> None:
    """See `HELP`."""
    from rich.console import Console
    from rich.table import Table

    from listening_test.protocol import load_protocol, preset_names
    from listening_test.protocol.loading import preset_text

    if name:
        typer.echo(preset_text(name), nl=False)
        return
    table = Table("preset", "form", "scales", "source", box=None, pad_edge=False)
    for preset in preset_names():
        protocol = load_protocol(preset)
        source = protocol.source.partition(" (")[0]
        table.add_row(preset, protocol.form, " ".join(scale.id for scale in protocol.scales), source)
    Console().print(table)
