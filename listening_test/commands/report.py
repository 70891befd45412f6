"""``songbench listen report``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from listening_test.importers.options import DEFAULTS, Options
from songbench.cli.options import parts

if TYPE_CHECKING:
    from listening_test.reporting.assemble import SourceRun
    from listening_test.reporting.facts import Report
    from listening_test.reporting.placement import HeardSong

HELP = """Screen, analyse and report a listening test: console, files, figures, columns for the run's leaderboard.

Answers come from the server's database and from files. The report lies in FOLDER/report; the leaderboard of the run \
shows the columns SCALE@TEST from the next `songbench report RUN` on.

Examples:

    songbench listen report listening/demo-songbloom

    songbench listen report listening/demo-songbloom --answers returned/ --answers answers.jsonl

    songbench listen report listening/demo-songbloom --db postgresql://songbench@db.example.org/ratings

    songbench listen report --import webmushra:results/mushra.csv --to webmushra-report

    songbench listen report --import webmushra:old/mushra.csv --rater-columns email --to old-report

    songbench listen report --import musicarena:battles.jsonl --protocol preference --to arena-report
"""


def report(
    folder: Annotated[Path | None, typer.Argument(help="The prepared test.", show_default=False)] = None,
    db: Annotated[
        str | None, typer.Option("--db", help="As given to `serve`. Default: FOLDER/ratings.sqlite, if it is there.")
    ] = None,
    answers: Annotated[
        list[Path] | None,
        typer.Option("--answers", help="A file of answers (export, bundle, simulated.jsonl) or a folder; repeatable."),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option("--to", help="Write here. Default: FOLDER/report; simulated answers: FOLDER/report-simulated."),
    ] = None,
    audio: Annotated[
        bool,
        typer.Option("--audio/--no-audio", help="Players for the songs, where the report lies in the test's folder."),
    ] = True,
    leaderboard: Annotated[
        bool, typer.Option("--leaderboard/--no-leaderboard", help="Add columns to the leaderboard of the run.")
    ] = True,
    runs: Annotated[str | None, typer.Option("--runs", help="Folder of run folders. Default: as at `create`.")] = None,
    store: Annotated[str | None, typer.Option("--store", help="Where the run's results live now.")] = None,
    imported: Annotated[
        str | None,
        typer.Option("--import", help="Another tool's results: webmushra:FILE.csv, musicarena:FILE, p808:FILE.csv."),
    ] = None,
    protocol: Annotated[
        str | None, typer.Option("--protocol", help="With --import: a preset or file with scales and rules.")
    ] = None,
    rater_columns: Annotated[
        str | None,
        typer.Option("--rater-columns", help="With webmushra: columns that tell raters apart where no session does."),
    ] = None,
    include_rejected: Annotated[
        bool, typer.Option("--include-rejected", help="With p808: assignments that were not accepted count too.")
    ] = False,
) -> None:
    """See `HELP`."""
    from listening_test.preparation.folder import writable
    from listening_test.reporting.content import print_report
    from listening_test.reporting.write import write_report
    from songbench.domain.errors import InputError

    if (folder is None) == (imported is None):
        raise InputError(
            "Give the folder of a prepared test, or --import with another tool's results.",
            cure="Example: songbench listen report listening/demo-songbloom",
        )
    if protocol and not imported:
        raise InputError("The protocol of a prepared test is in its folder.", field="--protocol")
    options = Options(tuple(parts(rater_columns) or ()), include_rejected)
    if options != DEFAULTS and not imported:
        raise InputError(
            "This is for --import only.", field="--rater-columns" if rater_columns else "--include-rejected"
        )
    listening_report, run = (
        _of_test(folder, db, answers or [], runs, store) if folder else _of_import(imported or "", protocol, options)
    )
    place = to or (
        folder / ("report-simulated" if listening_report.simulated else "report")
        if folder
        else Path(listening_report.name)
    )
    writable(place, "--to")
    print_report(listening_report)
    paths = write_report(listening_report, place, _songs(folder, place) if folder and audio else ())
    typer.echo(f"\n{len(paths)} files in {place}: {', '.join(path.name for path in paths[:4])} …", err=True)
    if folder and leaderboard:
        _add_columns(listening_report, run)


def _songs(folder: Path, place: Path) -> tuple[HeardSong, ...]:
    from listening_test.prepared import load_key, load_test
    from listening_test.reporting.placement import heard_songs

    test = load_test(folder)
    return heard_songs(test, load_key(test), place)


def _of_test(
    folder: Path, db: str | None, answers: list[Path], runs: str | None, store: str | None
) -> tuple[Report, SourceRun | str]:
    from listening_test.analysis.analyse import analyse
    from listening_test.collected import collect
    from listening_test.prepared import load_key, load_test
    from listening_test.reporting.assemble import make_report, try_to_find_run
    from listening_test.reporting.sources import find_answers

    test = load_test(folder)
    key = load_key(test)
    collection = find_answers(test, db, answers)
    data = collect(test, key, collection.sheets, simulated=collection.simulated)
    run = try_to_find_run(key.run, runs or key.runs, store)
    return make_report(data, analyse(data), run, sources=collection.sources), run


def _of_import(source: str, protocol: str | None, options: Options) -> tuple[Report, SourceRun | str]:
    from listening_test.analysis.analyse import analyse
    from listening_test.importers import read_import
    from listening_test.protocol import load_protocol
    from listening_test.reporting.assemble import make_report

    imported = read_import(source, load_protocol(protocol) if protocol else None, options)
    why = "imported results belong to no run."
    analysed = analyse(imported.data)
    return make_report(imported.data, analysed, why, sources=(source,), places_known=imported.places_known), why


def _add_columns(listening_report: Report, run: SourceRun | str) -> None:
    from listening_test.reporting.listening_result import listening_result_of
    from songbench.reporting.listening_results import write_listening_result

    if isinstance(run, str) or not listening_report.included:
        why = run if isinstance(run, str) else "no rater passed the declared rules."
        typer.echo(f"No leaderboard columns: {why}", err=True)
        return
    path = write_listening_result(listening_result_of(listening_report), run.folder)
    typer.echo(f"Leaderboard columns in {path}; `songbench report {run.folder.name}` shows them.", err=True)
