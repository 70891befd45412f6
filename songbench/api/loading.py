"""Runs that were made before."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from songbench.api.loaded_run import Run
from songbench.api.options import Location, checked_options

if TYPE_CHECKING:
    from songbench.execution.run_folders import RunSummary


@checked_options
def load_run(name: Location | None = None, *, runs: Location | None = None, store: Location | None = None) -> Run:
    """An earlier run, from what is stored; nothing is computed or written.

    Its systems and metrics need not be on this machine, only its folder, its store and its suite.

    Args:
        name: the run's, or the path of its folder; None: the newest.
        runs: the folder of run folders; None: ``results/runs``.
        store: where its results live now, if not where its record says.

    Returns:
        The run.

    Raises:
        InputError: there is no such run, naming those that exist; or its record is damaged.

    Example::

        run = songbench.load_run("demo")
        per = run.scores.query("field == 'per' and not sanity").groupby(["system", "language"])["value"].mean()
    """
    from songbench.execution.record import RECORD
    from songbench.execution.recorded import recorded
    from songbench.execution.store import Store

    if runs is None and name is not None and (Path(name) / RECORD).is_file():
        folder = Path(name).absolute()
        name, runs = folder.name, folder.parent
    texts = [None if place is None else str(place) for place in (name, runs, store)]
    experiment, _ = recorded(*texts)
    return Run(experiment, Store(experiment.store))


def runs(folder: Location | None = None) -> list[RunSummary]:
    """The runs of a folder, newest first: name, suite, systems, metrics, and how many songs are done.

    Args:
        folder: of run folders; None: ``results/runs``.

    Returns:
        One summary per run; empty where there is none.

    Example::

        names = [summary.name for summary in songbench.runs()]
    """
    from songbench.execution.run_folders import run_folder, run_names, summarise

    place = None if folder is None else str(folder)
    return [summarise(run_folder(name, place)) for name in run_names(place)]
