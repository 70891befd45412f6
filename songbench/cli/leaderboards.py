"""What several commands do at their end: print and write the leaderboard, and say by the exit code what failed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from songbench.cli.options import parts


def published_blocks(names: str | None) -> list[Any]:
    """Published numbers by the names of their files, comma-separated."""
    from songbench.reporting.published import load_published

    return [load_published(name) for name in parts(names) or ()]


def show_leaderboard(
    experiment: Any,
    store: Any,
    folder: Path,
    blocks: Sequence[Any] = (),
    *,
    quiet: bool = False,
    facet: str | None = None,
    figures: Sequence[str] | None = None,
    audio: str | None = None,
) -> None:
    """Print an experiment's leaderboard, write its report into a folder, exit with 1 when something failed."""
    from rich.console import Console
    from rich.markup import escape

    from songbench.reporting.figures.files import check_formats
    from songbench.reporting.figures.gallery import DEFAULT_FORMATS
    from songbench.reporting.page.material import PAGE
    from songbench.reporting.page.song_files import check_audio_mode
    from songbench.reporting.run_report import write_run_report
    from songbench.reporting.tables import print_leaderboard

    figures = DEFAULT_FORMATS if figures is None else figures
    check_formats(figures)
    mode = None if audio is None else check_audio_mode(audio)
    report = write_run_report(
        experiment, store, folder=folder, facet=facet, published=blocks, figures=figures, audio=mode
    )
    print_leaderboard(report.board, published=blocks)
    names = ", ".join(path.name for path in report.paths[:5])
    console = Console(stderr=True, quiet=quiet)
    console.print(f"{len(report.paths)} files in [bold]{folder}[/bold]: {names} …")
    view = f" or: songbench view {escape(experiment.name)}" if folder == experiment.folder else ""
    console.print(f"Listen and compare: open [bold]{folder / PAGE}[/bold]{view}", highlight=False, soft_wrap=True)
    exit_for_failures(report.results)


def exit_for_failures(results: Any) -> None:
    """Exit with 1 when songs or scores of a run failed."""
    from songbench.execution.gather import completion

    songs, scores = completion(results)
    failed = sum(group.failed for group in [*songs, *scores])
    if failed:
        typer.echo(f"{failed} songs or scores failed; they are counted, and --retry-failed tries them again.", err=True)
        raise typer.Exit(1)
