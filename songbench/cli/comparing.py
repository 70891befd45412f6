"""``songbench compare``: did a change help?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from songbench.cli import completion, json_output
from songbench.cli.app import RUNS, app
from songbench.cli.options import Json, Runs, StoreUrl, parts

_HELP = """Compare two runs, or two systems, on the prompts that both were given: did a change help?

Each competitor is compared with its namesake in the other run; RUN:SYSTEM names one. Differences are paired by \
prompt, and p is corrected by Holm's method over all of them. Where no difference could be shown, the table says how \
large one would have been found, and how many prompts would settle it.

Examples:

    songbench compare before after
    songbench compare demo:rulebased demo:reference
    songbench compare before after --columns per,ser --to comparison.md

More in docs/compare.md.
"""

_First: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="RUN_A",
        help="What is compared against, as before the change: RUN or RUN:SYSTEM.",
        show_default=False,
        autocompletion=completion.run_name,
    ),
]
_Second: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="RUN_B",
        help="What is compared, as after the change: RUN or RUN:SYSTEM.",
        show_default=False,
        autocompletion=completion.run_name,
    ),
]


@app.command(help=_HELP, rich_help_panel=RUNS)
def compare(
    first: _First,
    second: _Second,
    columns: Annotated[
        str | None,
        typer.Option(
            "--columns", metavar="NAMES", help="Comma-separated columns, metrics or fields; default: headline."
        ),
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FILE", help="Also write it: .md, .html, .tex, .txt, .csv or .json.")
    ] = None,
    runs: Runs = None,
    store: StoreUrl = None,
    json: Json = False,
) -> None:
    """See `_HELP`."""
    from songbench.api import compare as comparison_of
    from songbench.reporting.comparison.blocks import comparison_blocks
    from songbench.reporting.comparison.files import comparison_to_json, write_comparison
    from songbench.reporting.document.terminal import print_document

    comparison = comparison_of(first, second, columns=parts(columns), runs=runs, store=store)
    if json:
        json_output.show(comparison_to_json(comparison))
    else:
        print_document(comparison_blocks(comparison))
    if to:
        write_comparison(comparison, to)
        typer.echo(f"written to {to}", err=True)
