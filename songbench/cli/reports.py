"""Commands that look at a finished run: ``report``, ``status``, ``verify``; without a name, at the newest one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from songbench.cli import json_output
from songbench.cli.app import RUNS, app
from songbench.cli.leaderboards import NONE, published_blocks, show_leaderboard, show_paper_table
from songbench.cli.options import (
    BoldBest,
    Caption,
    Columns,
    Decimals,
    Facet,
    Figures,
    Json,
    Label,
    NoIntervals,
    NoLetters,
    Published,
    Quiet,
    Rows,
    RunName,
    Runs,
    StoreUrl,
    TableName,
    parts,
)


def folder_of(run: str | None, runs: str | None) -> Path:
    """The folder of the run that is named, or of the newest one, which is said on stderr."""
    from songbench.execution.run_folders import run_folder

    folder = run_folder(run, runs)
    if run is None:
        typer.echo(f"run '{folder.name}', the newest in {folder.parent}", err=True)
    return folder


_REPORT_HELP = """Print a run's leaderboard again and write its page, tables and figures.

With --to they go to another folder, together with the run's record. Formats: csv, html, json, md, tex, txt and those \
of installed packages (docs/leaderboard.md).

Examples:

    songbench report
    songbench report demo --to results/copy --audio mp3
    songbench report demo --facet language
    songbench report demo --figures svg,pdf
    songbench report demo --columns per,fad --facet language --bold-best

The last writes a table for a paper, tables/NAME.tex, .md, .csv and .json (docs/paper-tables.md), and leaves all else \
as it is.

More in docs/report.md.
"""


@app.command(help=_REPORT_HELP, rich_help_panel=RUNS)
def report(
    run: RunName = None,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FOLDER", help="Write here instead of the run's folder.")
    ] = None,
    facet: Facet = None,
    elsewhere: Published = None,
    figures: Figures = None,
    audio: Annotated[
        str | None,
        typer.Option(
            "--audio",
            metavar="link|copy|mp3|none",
            help="How songs come into the page. link: no room is taken on the store's disk; mp3: small, for hosts;"
            " default: link in the run's folder, none with --to and for stores elsewhere.",
        ),
    ] = None,
    no_page: Annotated[
        bool, typer.Option("--no-page", help="Write no page: for a run of many prompts it takes several MB.")
    ] = False,
    systems: Rows = None,
    columns: Columns = None,
    decimals: Decimals = None,
    no_intervals: NoIntervals = False,
    no_letters: NoLetters = False,
    bold_best: BoldBest = False,
    caption: Caption = None,
    label: Label = None,
    name: TableName = None,
    runs: Runs = None,
    store: StoreUrl = None,
    quiet: Quiet = False,
) -> None:
    """See `_REPORT_HELP`."""
    from songbench.execution.record import RECORD
    from songbench.execution.recorded import recorded
    from songbench.execution.store import Store
    from songbench.reporting.paper.specification import PaperTable
    from songbench.resources.files import write_atomically

    blocks = published_blocks(elsewhere)
    experiment, _ = recorded(folder_of(run, runs).name, runs, store)
    of_a_table = (systems, columns, decimals, no_intervals, no_letters, bold_best, caption, label, name)
    if any(option not in (None, False) for option in of_a_table):
        table = PaperTable(
            systems=tuple(parts(systems) or ()),
            columns=tuple(parts(columns) or ()),
            facet=None if facet == NONE else facet,
            decimals=decimals,
            intervals=not no_intervals,
            letters=not no_letters,
            bold_best=bold_best,
            caption=caption or "",
            label=label or "",
        )
        show_paper_table(
            experiment, table, to or experiment.folder, name, blocks, figures=parts(figures) or (), quiet=quiet
        )
        return
    if to:
        write_atomically(to / RECORD, (experiment.folder / RECORD).read_bytes())
    show_leaderboard(
        experiment,
        Store(experiment.store),
        to or experiment.folder,
        blocks,
        quiet=quiet,
        facet=facet,
        figures=parts(figures),
        audio=audio,
        page=not no_page,
    )


_STATUS_HELP = """Show how far a run is: songs and scores done, failed, open.

Examples:

    songbench status
    songbench status demo --json

More in docs/runs.md.
"""


@app.command(help=_STATUS_HELP, rich_help_panel=RUNS)
def status(run: RunName = None, runs: Runs = None, store: StoreUrl = None, json: Json = False) -> None:
    """See `_STATUS_HELP`."""
    from songbench.execution.gather import stored_completion
    from songbench.execution.recorded import recorded
    from songbench.execution.store import Store
    from songbench.reporting.console import status_table
    from songbench.reporting.document.terminal import print_document

    experiment, _ = recorded(folder_of(run, runs).name, runs, store)
    songs, scores = stored_completion(experiment, Store(experiment.store))
    if json:
        json_output.show(json_output.of_status(experiment.folder.name, songs, scores))
    else:
        print_document(status_table(songs, scores))


_VERIFY_HELP = """Read everything a run stored and wrote again, name what is damaged, and say what has changed since.

Exit codes: 0 all is whole · 1 something is named · 2 the run's record itself is damaged.

Examples:

    songbench verify
    songbench verify demo --again 2

More in docs/runs.md.
"""


@app.command(help=_VERIFY_HELP, rich_help_panel=RUNS)
def verify(
    run: RunName = None,
    again: Annotated[
        int, typer.Option("--again", min=0, metavar="N", help="Make N songs of each system again and compare.")
    ] = 0,
    runs: Runs = None,
    store: StoreUrl = None,
    discard: Annotated[
        bool, typer.Option("--discard", help="Remove what is damaged in the store; the next run makes it again.")
    ] = False,
    json: Json = False,
) -> None:
    """See `_VERIFY_HELP`."""
    from rich.console import Console

    from songbench.domain.errors import SongbenchError
    from songbench.execution.damage import discard_damage
    from songbench.execution.plan import Planner
    from songbench.execution.record import RECORD, make_record, read_record
    from songbench.execution.recorded import rebuilt, recorded_config
    from songbench.execution.store import Store
    from songbench.execution.verification import make_again
    from songbench.execution.verification import verify as check
    from songbench.reporting.console import show_verification

    folder = folder_of(run, runs)
    record = read_record(folder / RECORD, anew=True)
    opened = Store(store or recorded_config(record, folder)["store"])
    now: dict[str, Any] | str
    try:
        experiment = rebuilt(record, folder, store)
        now = make_record(experiment, Planner(experiment, opened))
    except SongbenchError as error:
        if again:
            raise
        now = str(error)
    verification = check(record, folder, opened, now)
    remade = make_again(experiment, opened, again) if again else []
    removed = discard_damage(list(verification.damaged), opened) if discard else None
    if json:
        json_output.show(json_output.of_verification(folder.name, verification, remade, removed))
    else:
        show_verification(Console(), folder.name, verification, remade, removed)
    if not verification.intact or any(song.verdict != "same" for song in remade):
        raise typer.Exit(1)
