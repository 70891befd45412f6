"""``songbench listen bundle``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

HELP = """Make a folder that holds the test without a server.

Raters open its index.html by a double click, from a USB stick or from any web server, and send back the file of \
answers that it saves:

    songbench listen bundle listening/demo-songbloom --to ~/test --zip

    songbench listen report listening/demo-songbloom --answers ~/answers

The folder holds sounds and pages under opaque names; nothing in it says which system made a song.
"""


def bundle(
    folder: Annotated[Path, typer.Argument(help="The prepared test, made by: songbench listen create.")],
    to: Annotated[Path | None, typer.Option(help="Where to; by default FOLDER-bundle.", show_default=False)] = None,
    archive: Annotated[bool, typer.Option("--zip", help="Make an archive beside it too.")] = False,
) -> None:
    """See `HELP`."""
    from listening_test.bundle import write_bundle
    from listening_test.preparation.folder import writable
    from listening_test.prepared import load_test

    test = load_test(folder)
    place = to or folder.resolve().with_name(f"{folder.resolve().name}-bundle")
    writable(place.parent, "--to")
    paths = write_bundle(test, place, archive=archive)
    size = sum(path.stat().st_size for path in paths[0].rglob("*") if path.is_file()) / 1e6
    seats, languages = len(test.seats), ", ".join(test.protocol.languages)
    typer.echo(f"{paths[0]}: {seats} seats, {languages}, {size:.1f} MB")
    for path in paths[1:]:
        typer.echo(f"{path}: the same as an archive, {path.stat().st_size / 1e6:.1f} MB")
    typer.echo(
        f"Raters open index.html; give each another seat, index.html?seat=0 to ?seat={seats - 1}; see README.txt.\n"
        f"With the files they send back: songbench listen report {folder} --answers THEIR-FOLDER"
    )
