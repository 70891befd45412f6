"""``songbench listen invite``."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Annotated

import typer

HELP = """Print invitations: one link per rater, each with a seat of its own.

The same number always gives the same link. A rater can use it again, on any device, to go on. `--first` makes more \
later. Whoever has a link can take its seat, so send each to one person only.

Examples:

    songbench listen invite listening/demo-songbloom --count 20 --public-url https://listen.example.org

    songbench listen invite listening/demo-songbloom --count 5 --first 20 --csv more.csv
"""


def invite(
    folder: Annotated[Path, typer.Argument(help="The prepared test.")],
    count: Annotated[int, typer.Option("--count", min=1, max=10_000, help="How many.")],
    first: Annotated[int, typer.Option("--first", min=0, max=900_000, help="The number of the first.")] = 0,
    public_url: Annotated[
        str, typer.Option("--public-url", help="Where raters reach the server.")
    ] = "http://127.0.0.1:7860/",
    to: Annotated[Path | None, typer.Option("--csv", help="Write number, seat and link to this file.")] = None,
) -> None:
    """See `HELP`."""
    from listening_test.collection.export import write_out
    from listening_test.collection.serving import public_address
    from listening_test.collection.tokens import Signer, load_secret
    from listening_test.prepared import load_test

    test = load_test(folder)
    signer = Signer(load_secret(folder), test.digest())
    at = public_address(public_url)
    rows = [
        (number, number % len(test.seats), f"{at}?invitation={signer.invitation(number)}")
        for number in range(first, first + count)
    ]
    if to:
        write_out(to, _table(rows), "--csv")
        typer.echo(f"{count} invitations in {to}")
    else:
        for _, _, link in rows:
            typer.echo(link)
    if first + count > len(test.seats):
        typer.echo(
            f"The test was balanced for {len(test.seats)} raters; from number {len(test.seats)} on seats come again.",
            err=True,
        )


def _table(rows: list[tuple[int, int, str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([("invitation", "seat", "link"), *rows])
    return text.getvalue()
