"""From an experiment and its store to the report of the run: gathered, computed and written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from songbench.execution.experiment import Experiment
from songbench.execution.gather import gather
from songbench.execution.results import RunResults
from songbench.execution.store import Store
from songbench.reporting.board import Leaderboard
from songbench.reporting.figures.gallery import DEFAULT_FORMATS
from songbench.reporting.leaderboard import build_leaderboard
from songbench.reporting.listening_results import load_listening_results
from songbench.reporting.page.material import page_material
from songbench.reporting.page.song_files import AudioMode
from songbench.reporting.published import Published, remembered
from songbench.reporting.report import write_report


class RunReport(NamedTuple):
    """A report that was written.

    Attributes:
        board: the leaderboard.
        results: what it was made from.
        paths: the files, without the songs of the page.
    """

    board: Leaderboard
    results: RunResults
    paths: list[Path]


def write_run_report(
    experiment: Experiment,
    store: Store,
    *,
    folder: Path | None = None,
    results: RunResults | None = None,
    facet: str | None = None,
    published: Sequence[Published] | None = None,
    figures: Sequence[str] = DEFAULT_FORMATS,
    audio: AudioMode | None = None,
) -> RunReport:
    """Write a run's report with its page.

    Args:
        experiment: the run.
        store: its store.
        folder: where to; None: the run's.
        results: what `songbench.execution.gather.gather` gave, where that was called already.
        facet: as of `songbench.reporting.leaderboard.build_leaderboard`.
        published: numbers from papers, shown apart; None: those that the run's report shows already.
        figures: their formats.
        audio: how songs come into the page; None: linked in the run's own folder from a store on this machine, where
            that takes no room, else not at all.

    Raises:
        SongbenchError: as `songbench.reporting.report.write_report`.
    """
    folder = experiment.folder if folder is None else folder
    results = gather(experiment, store) if results is None else results
    published = remembered(experiment.folder) if published is None else published
    rated = load_listening_results(experiment.folder)
    board = build_leaderboard(results, listening_results=rated, facet=facet, **experiment.statistics)
    material = page_material(experiment, store, results, board, published, rated)
    mode: AudioMode = audio or ("link" if store.local and folder == experiment.folder else "none")
    return RunReport(
        board, results, write_report(board, folder, published, figures=figures, material=material, audio=mode)
    )
