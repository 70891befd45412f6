"""From an experiment and its store to the report of the run: gathered, computed and written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, cast

from songbench.execution.experiment import Experiment
from songbench.execution.gather import failure_count, gather
from songbench.execution.results import RunResults
from songbench.execution.store import Store
from songbench.reporting.board import Leaderboard
from songbench.reporting.facets import facet_names
from songbench.reporting.figures.files import DEFAULT_FORMATS
from songbench.reporting.leaderboard import build_leaderboard
from songbench.reporting.listening_results import load_listening_results
from songbench.reporting.page.material import page_material
from songbench.reporting.page.song_files import AudioMode
from songbench.reporting.published import Published, remembered
from songbench.reporting.report import write_report
from songbench.reporting.report_state import audio_mode, report_state
from songbench.reporting.tables import terminal_blocks
from songbench.resources.garbage import no_search, search_among_new


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
    other_facets: bool = True,
    published: Sequence[Published] | None = None,
    figures: Sequence[str] = DEFAULT_FORMATS,
    audio: AudioMode | None = None,
    page: bool = True,
) -> RunReport:
    """Write a run's report.

    Args:
        experiment: the run.
        store: its store.
        folder: where to; None: the run's.
        results: what `songbench.execution.gather.gather` gave, where that was called already.
        facet: as of `songbench.reporting.leaderboard.build_leaderboard`.
        other_facets: also write the parts by facets that earlier reports in the folder were asked for.
        published: numbers from papers, shown apart; None: those that the run's report shows already.
        figures: their formats.
        audio: how songs come into the page; None: linked in the run's own folder from a store on this machine, where
            that takes no room, else not at all.
        page: whether it has a page at all.

    Raises:
        SongbenchError: as `songbench.reporting.report.write_report`.
    """
    folder = experiment.folder if folder is None else folder
    published = remembered(experiment.folder) if published is None else published
    rated = load_listening_results(experiment.folder)
    with no_search():
        results = gather(experiment, store) if results is None else results
        board = build_leaderboard(results, listening_results=rated, facet=facet, **experiment.statistics)
        earlier_facets = [name for name in facets_in(folder) if name in facet_names(results)] if other_facets else []
        other_parts = [
            build_leaderboard(results, listening_results=rated, facet=name, **experiment.statistics)
            for name in earlier_facets
            if name != facet
        ]
        material = page_material(experiment, store, results, board, published, rated) if page else None
    with search_among_new():
        paths = write_report(
            board,
            folder,
            published,
            figures=figures,
            other_parts=other_parts,
            material=material,
            audio=cast(AudioMode, audio_mode(experiment, store, folder, audio)),
            remembered_basis=folder == experiment.folder,
        )
    state = report_state(
        experiment,
        store,
        folder,
        published,
        facet=facet,
        other_facets=other_facets,
        figures=figures,
        audio=audio,
        page=page,
    )
    state.note(terminal_blocks(board, published), failure_count(results))
    return RunReport(board, results, paths)


def facets_in(folder: Path) -> tuple[str, ...]:
    """The facets by whose parts there are leaderboards in the folder of a report."""
    facets = []
    for path in sorted(folder.glob("leaderboard.*.json")):
        try:
            facets.append(json.loads(path.read_text(encoding="utf-8"))["facet"])
        except (OSError, ValueError, LookupError, TypeError):
            continue  # of another package's format, or damaged, which `songbench verify` says
    return tuple(dict.fromkeys(facet for facet in facets if isinstance(facet, str)))
