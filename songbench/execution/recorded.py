"""Runs that were done before: their experiment, rebuilt from the record, and the songs they stored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from songbench.domain.errors import InputError
from songbench.domain.song import Song
from songbench.execution.config import build_experiment
from songbench.execution.experiment import Experiment
from songbench.execution.plan import Planner
from songbench.execution.record import RECORD
from songbench.execution.results import SongId
from songbench.execution.songs import load_song
from songbench.execution.store import Store


def recorded(run: str, runs: str | None = None, store: str | None = None) -> tuple[Experiment, dict[str, Any]]:
    """The experiment of an earlier run, rebuilt from its record, and the record.

    Args:
        run: its name.
        runs: the folder of run folders; default: ``results/runs``.
        store: where its results live now, if not where the record says.

    Raises:
        InputError: when there is no such run, or its record is damaged.
    """
    folder = Path(runs or "results/runs")
    path = folder / run / RECORD
    if not path.is_file():
        known = sorted(one.parent.name for one in folder.glob(f"*/{RECORD}"))
        raise InputError(
            f"There is no run '{run}' in {folder}.", given=run, allowed=known, cure="--runs names the folder."
        )
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(
            f"The record is damaged ({error}).", file=str(path), cure="Run the experiment again."
        ) from None
    config = {**record["config"], "runs": str(folder)} | ({"store": store} if store else {})
    return build_experiment(config, systems_named=True), record


def stored_songs(experiment: Experiment, store: Store) -> dict[SongId, tuple[Song | None, str]]:
    """Every song the experiment asks for: the song as stored (audio not loaded yet) or None, and its key."""
    return {
        name: (load_song(store, key, request), key)
        for name, (_, request, key) in Planner(experiment, store).songs.items()
    }
