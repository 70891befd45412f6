"""What several commands do at their end: print and write the leaderboard, and say by the exit code what failed."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from songbench.cli.options import parts

NONE = "none"
"""In the place of published numbers or a facet: show none any more."""


def published_blocks(names: str | None) -> list[Any] | None:
    """Published numbers by the names of their files, comma-separated; None: those that the report shows already.

    Raises:
        InputError: there are no such numbers, or two files have one name.
    """
    from songbench.domain.errors import InputError
    from songbench.reporting.published import load_published

    if names is None:
        return None
    listed = parts(names) or []
    if listed == [NONE]:
        return []
    blocks = [load_published(name) for name in dict.fromkeys(listed)]
    if len({block.name for block in blocks}) < len(blocks):
        raise InputError("Two of these files have the same name.", field="--published", cure="Rename one of them.")
    return blocks


def show_leaderboard(
    experiment: Any,
    store: Any,
    folder: Path,
    blocks: Sequence[Any] | None = None,
    *,
    quiet: bool = False,
    facet: str | None = None,
    figures: Sequence[str] | None = None,
    audio: str | None = None,
    page: bool = True,
    renew: bool = True,
) -> None:
    """Print an experiment's leaderboard, write its report into a folder, exit with 1 when something failed.

    Args:
        experiment: the run.
        store: its store.
        folder: of the report.
        blocks: published numbers to show below; None: those that the report shows already.
        quiet: say nothing beside the leaderboard.
        facet: by which the leaderboard is told apart into parts.
        figures: formats of the figures; None: the usual ones.
        audio: how songs come into the page; None: as is usual.
        page: whether the report has a page.
        renew: write it again even where it would be the same (`songbench.reporting.report_state`).
    """
    from rich.console import Console
    from rich.markup import escape

    from songbench.execution.run_folders import RUNS
    from songbench.reporting.document.terminal import print_document
    from songbench.reporting.figures.files import DEFAULT_FORMATS, check_formats
    from songbench.reporting.published import remembered
    from songbench.reporting.report_files import PAGE
    from songbench.reporting.report_state import report_state

    blocks = remembered(experiment.folder) if blocks is None else blocks
    options: dict[str, Any] = {
        "facet": None if facet == NONE else facet,
        "other_facets": facet != NONE,
        "figures": DEFAULT_FORMATS if figures is None else figures,
        "audio": audio,
        "page": page,
    }
    check_formats(options["figures"])
    console = Console(stderr=True, quiet=quiet)
    standing = None if renew else report_state(experiment, store, folder, blocks, **options).standing()
    if standing is None:
        from songbench.execution.gather import failure_count
        from songbench.reporting.page.song_files import check_audio_mode
        from songbench.reporting.run_report import write_run_report
        from songbench.reporting.tables import print_leaderboard

        if audio is not None:
            check_audio_mode(audio)
        report = write_run_report(experiment, store, folder=folder, published=blocks, **options)
        print_leaderboard(report.board, published=blocks)
        names = ", ".join(path.name for path in report.paths[:5])
        console.print(f"{len(report.paths)} files in [bold]{folder}[/bold]: {names} …")
        failed = failure_count(report.results)
    else:
        print_document(standing.document)
        console.print(f"The report in [bold]{folder}[/bold] stays as it is: nothing that it rests on has changed.")
        failed = standing.failed
    if page:
        words = ["songbench", "view", experiment.name]
        words += [] if experiment.runs == Path(RUNS) else ["--runs", str(experiment.runs)]
        view = f" or: {escape(shlex.join(words))}" if folder == experiment.folder else ""
        console.print(f"Listen and compare: open [bold]{folder / PAGE}[/bold]{view}", highlight=False, soft_wrap=True)
    exit_for_failures(failed)


def show_paper_table(
    experiment: Any,
    table: Any,
    folder: Path,
    name: str | None,
    blocks: Sequence[Any] | None,
    *,
    figures: Sequence[str] = (),
    quiet: bool = False,
) -> None:
    """Print a table for a paper and write its files into the folder of a report."""
    from rich.console import Console

    from songbench.execution.gather import gather
    from songbench.execution.store import Store
    from songbench.reporting.document.terminal import print_document
    from songbench.reporting.listening_results import load_listening_results
    from songbench.reporting.paper.files import write_paper_table
    from songbench.reporting.paper.layout import paper_block, paper_board
    from songbench.reporting.published import published_blocks as blocks_of
    from songbench.reporting.published import remembered

    published = remembered(experiment.folder) if blocks is None else blocks
    board = paper_board(
        gather(experiment, Store(experiment.store)),
        table,
        listening_results=load_listening_results(experiment.folder),
        **experiment.statistics,
    )
    paths = write_paper_table(board, table, folder, name=name, published=published, figures=figures)
    print_document([paper_block(board, table), *blocks_of(published)])
    listed = ", ".join(str(path.relative_to(folder)) for path in paths)
    Console(stderr=True, quiet=quiet).print(f"in [bold]{folder}[/bold]: {listed}", highlight=False, soft_wrap=True)


def exit_for_failures(failed: int) -> None:
    """Exit with 1 when songs or scores of a run failed, and say how many."""
    if failed:
        typer.echo(f"{failed} songs or scores failed; they are counted, and --retry-failed tries them again.", err=True)
        raise typer.Exit(1)
