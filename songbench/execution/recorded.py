"""Runs that were done before: their experiment, rebuilt from the record, and the songs they stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from songbench.domain.audio import AudioSource
from songbench.domain.song import Song
from songbench.execution.config import build_experiment
from songbench.execution.experiment import Experiment
from songbench.execution.places import located
from songbench.execution.plan import Planner
from songbench.execution.record import RECORD, read_record
from songbench.execution.recorded_keys import RecordedKeys
from songbench.execution.results import SongId
from songbench.execution.run_folders import run_folder
from songbench.execution.songs import asset_source, load_song
from songbench.execution.store import Store


def recorded(run: str | None, runs: str | None = None, store: str | None = None) -> tuple[Experiment, dict[str, Any]]:
    """The experiment of an earlier run, rebuilt from its record to be read, and the record.

    Systems and metrics that are not on this machine are no obstacle: what they made and said is found by the record.

    Args:
        run: its name; None: the newest run.
        runs: the folder of run folders; None: ``results/runs``.
        store: where its results live now, if not where the record says.

    Raises:
        InputError: when there is no such run, or its record is damaged.
    """
    folder = run_folder(run, runs)
    record = read_record(folder / RECORD)
    return rebuilt(record, folder, store, reading=True), record


def rebuilt(record: dict[str, Any], folder: Path, store: str | None = None, *, reading: bool = False) -> Experiment:
    """The experiment that a record tells of, its paths seen from the present working folder.

    Args:
        record: of the run.
        folder: of the run.
        store: where its results live now, if not where the record says.
        reading: whether it is only read, so that its systems need not run here.

    Raises:
        SongbenchError: when its suite is gone or, unless it is only read, a system cannot run here.
    """
    config = {**recorded_config(record, folder), "runs": str(folder.parent), "name": folder.name}
    config |= {"store": store} if store else {}
    recorded_keys = RecordedKeys(record) if reading else None
    return build_experiment(
        config, systems_named=True, metrics_named=True, file=str(folder / RECORD), recorded_keys=recorded_keys
    )


def recorded_config(record: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The configuration of a record, its paths seen from the present working folder."""
    return located(record["config"], record["paths"], folder)


def stored_songs(experiment: Experiment, store: Store) -> dict[SongId, tuple[Song | None, str | None]]:
    """Every song the experiment asks for: the song as stored (audio not loaded yet) or None, and its key.

    An unsupported song, which is never made, has no key.
    """
    planner = Planner(experiment, store)
    songs: dict[SongId, tuple[Song | None, str | None]] = dict.fromkeys(planner.requests, (None, None))
    return songs | {name: (load_song(store, key, request), key) for name, (_, request, key) in planner.songs.items()}


def stored_assets(experiment: Experiment, store: Store) -> dict[str, dict[str, AudioSource]]:
    """The audio of the suite's prompts, by prompt and name (`songbench.domain.prompt.ASSETS`).

    What a prompt does not have, or what is not in the store, is left out.
    """
    planner = Planner(experiment, store)
    sources: dict[str, dict[str, AudioSource]] = {}
    for prompt in experiment.suite.prompts:
        sources[prompt.id] = {}
        for name in prompt.assets:
            try:
                source = asset_source(store, prompt, name, planner.asset_keys[prompt.id])
            except FileNotFoundError:
                continue
            if source is not None:
                sources[prompt.id][name] = source
    return sources
