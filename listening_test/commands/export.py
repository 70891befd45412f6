"""``songbench listen export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

HELP = """Write the answers of a database to a file: one JSON object per rater, blind, as `listen report` reads it.

The server may go on meanwhile; what is acknowledged is in the file.

Example:

    songbench listen export listening/demo-songbloom --to answers.jsonl
"""


def export(
    folder: Annotated[Path, typer.Argument(help="The prepared test.")],
    to: Annotated[Path, typer.Option("--to", help="The file.")],
    db: Annotated[str | None, typer.Option("--db", help="As given to `serve`. Default: FOLDER/ratings.sqlite.")] = None,
) -> None:
    """See `HELP`."""
    from listening_test.collection.export import lines, read_answers, write_out
    from listening_test.prepared import load_test

    sheets = read_answers(load_test(folder), db)
    write_out(to, lines(sheets), "--to")
    finished = sum(sheet.finished is not None for sheet in sheets)
    typer.echo(f"{len(sheets)} raters, {finished} of them finished, in {to}")
