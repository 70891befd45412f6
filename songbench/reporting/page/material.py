"""Everything that the report page of a run is made of, read once and handed to all of its parts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from songbench.contracts.metric import WordAligner
from songbench.domain.audio import AudioSource
from songbench.domain.song import Song
from songbench.execution.experiment import Experiment
from songbench.execution.record import RECORD
from songbench.execution.recorded import stored_assets, stored_songs
from songbench.execution.results import RunResults, SongId
from songbench.execution.store import Store
from songbench.reporting.board import Leaderboard
from songbench.reporting.listening_results import ListeningResult
from songbench.reporting.published import Published

PARTS = "report"
"""The folder beside it that holds styles, scripts, prompt pages, figures and songs."""


@dataclass(frozen=True, kw_only=True)
class PageMaterial:
    """What a report page shows.

    Attributes:
        name: of the run.
        board: the leaderboard.
        results: everything the run asked for and what came of it.
        songs: every song that was made; its audio is not loaded yet.
        assets: the audio of prompts, by prompt and name (`songbench.domain.prompt.ASSETS`).
        aligners: the metrics that align recognised words with lyrics, by id.
        record: the run's record; empty where there is none.
        published: numbers from papers, to be shown apart.
        listening_results: of the run's listening tests.
        store: where songs and features lie.
    """

    name: str
    board: Leaderboard
    results: RunResults
    songs: Mapping[SongId, Song]
    store: Store
    assets: Mapping[str, Mapping[str, AudioSource]] = field(default_factory=dict)
    aligners: Mapping[str, WordAligner] = field(default_factory=dict)
    record: Mapping[str, Any] = field(default_factory=dict)
    published: tuple[Published, ...] = ()
    listening_results: tuple[ListeningResult, ...] = ()


def page_material(
    experiment: Experiment,
    store: Store,
    results: RunResults,
    board: Leaderboard,
    published: Sequence[Published] = (),
    listening_results: Sequence[ListeningResult] = (),
) -> PageMaterial:
    """Read what the page needs beside the leaderboard.

    Args:
        experiment: the run.
        store: its store.
        results: what `songbench.execution.gather.gather` gave.
        board: the leaderboard of these results.
        published: numbers from papers.
        listening_results: of the run's listening tests.
    """
    songs = {name: song for name, (song, _) in stored_songs(experiment, store).items() if song is not None}
    aligners = {
        metric.id: metric.plugin for metric in experiment.ready_metrics if isinstance(metric.plugin, WordAligner)
    }
    return PageMaterial(
        name=experiment.name,
        board=board,
        results=results,
        songs=songs,
        assets=stored_assets(experiment, store),
        aligners=aligners,
        record=_record(experiment),
        published=tuple(published),
        listening_results=tuple(listening_results),
        store=store,
    )


def _record(experiment: Experiment) -> dict[str, Any]:
    try:
        record = json.loads((experiment.folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def prompt_place(prompt: str) -> str:
    """Where the page of a prompt lies, seen from the folder of the report's page; ids of prompts are names of files."""
    return f"{PARTS}/prompts/{prompt}.html"
