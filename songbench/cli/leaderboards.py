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

    from songbench.execution.gather import gather
    from songbench.reporting.figures.files import check_formats
    from songbench.reporting.figures.gallery import DEFAULT_FORMATS
    from songbench.reporting.leaderboard import build_leaderboard
    from songbench.reporting.listening_results import load_listening_results
    from songbench.reporting.page.material import PAGE, page_material
    from songbench.reporting.page.song_files import check_audio_mode
    from songbench.reporting.report import write_report
    from songbench.reporting.tables import print_leaderboard

    figures = DEFAULT_FORMATS if figures is None else figures
    check_formats(figures)
    mode = check_audio_mode(audio or default_audio(experiment, store, folder))
    listening_results = load_listening_results(experiment.folder)
    results = gather(experiment, store)
    board = build_leaderboard(results, listening_results=listening_results, facet=facet, **experiment.statistics)
    material = page_material(experiment, store, results, board, blocks, listening_results)
    paths = write_report(board, folder, blocks, figures=figures, material=material, audio=mode)
    print_leaderboard(board, published=blocks)
    names = ", ".join(path.name for path in paths[:5])
    console = Console(stderr=True, quiet=quiet)
    console.print(f"{len(paths)} files in [bold]{folder}[/bold]: {names} …")
    view = f" or: songbench view {escape(experiment.name)}" if folder == experiment.folder else ""
    console.print(f"Listen and compare: open [bold]{folder / PAGE}[/bold]{view}", highlight=False, soft_wrap=True)
    exit_for_failures(experiment, store)


def default_audio(experiment: Any, store: Any, folder: Path) -> str:
    """Songs are linked where that takes no room: in the run's own folder, from a store on this machine."""
    return "link" if store.local and folder == experiment.folder else "none"


def exit_for_failures(experiment: Any, store: Any) -> None:
    """Exit with 1 when songs or scores failed."""
    from songbench.execution.gather import completion, gather

    songs, scores = completion(gather(experiment, store))
    failed = sum(group.failed for group in [*songs, *scores])
    if failed:
        typer.echo(f"{failed} songs or scores failed; they are counted, and --retry-failed tries them again.", err=True)
        raise typer.Exit(1)
