"""Runs from Python: the command line's options by the same names, and the same rules.

Nothing here prints. What the command line shows as a note is a warning, what it refuses raises `SongbenchError`.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from songbench.api.loaded_run import Run
from songbench.api.options import Location, checked_options

if TYPE_CHECKING:
    from songbench.execution.experiment import Experiment
    from songbench.execution.gather import Completion
    from songbench.execution.runner import Runner
    from songbench.execution.store import Store


@checked_options
def run(
    *,
    suite: Location | None = None,
    systems: Sequence[str] | None = None,
    metrics: Sequence[str] | None = None,
    takes: int | None = None,
    seed: int | None = None,
    name: str | None = None,
    store: Location | None = None,
    runs: Location | None = None,
    workers: int | None = None,
    overrides: Sequence[str] | None = None,
    retry_failed: bool = False,
    replace: bool = False,
    facet: str | None = None,
) -> Run:
    """Make the missing songs, score them, write the report into the run's folder and return the run.

    A name stands for one question, as on the command line: more systems, metrics or takes are added to an earlier run
    of that name, which a warning says, and whatever else differs is refused. What is left out, None, is as the
    defaults of ``songbench run``.

    Args:
        suite: a registered suite or the path of a ``.jsonl`` file.
        systems: ``name``, ``name:variant`` or ``imported:NAME=FOLDER``.
        metrics: ids, bare names for all their backends, or presets.
        takes: songs per prompt and system, 1 to 10,000.
        seed: all seeds follow from it, 0 to 2⁶³ - 1.
        name: of the run and its folder; default: the suite's.
        store: where results live, a folder or any fsspec URL.
        runs: the folder of run folders.
        workers: worker processes, 1 to 1,024.
        overrides: any other setting, as after ``--set``.
        retry_failed: try again what is stored as failed.
        replace: start the run of this name anew; nothing stored is lost.
        facet: the report also has a table for each part of the run: by ``language``, ``section_plan``, ``condition``
            (the kind of style that systems were given) or any tag of the suite, such as ``genre``.

    Returns:
        The run: its leaderboard, scores, songs and transcripts, as `songbench.load_run` gives them.

    Raises:
        InputError: something given is wrong; the message names the nearest that is right.
        UnavailableError: a system, or a metric that is named, cannot run here; the message says how to get it.
        StoreBusyError: another run is writing to the store.
        StoreError: the store cannot be read or written.

    Example::

        run = songbench.run(systems=["rulebased", "noise"], metrics=["audio"], name="from-python")
        print(run.leaderboard().to_frame())
    """
    from songbench.reporting.facets import check_facet

    experiment, store_of_run, runner = _prepared(
        suite=suite,
        systems=systems,
        metrics=metrics,
        takes=takes,
        seed=seed,
        name=name,
        store=store,
        runs=runs,
        workers=workers,
        overrides=overrides,
        retry_failed=retry_failed,
        replace=replace,
    )
    check_facet(experiment.suite, facet)
    runner.run()
    return _reported(experiment, store_of_run, facet)


@checked_options
def generate(
    *,
    suite: Location | None = None,
    systems: Sequence[str] | None = None,
    takes: int | None = None,
    seed: int | None = None,
    name: str | None = None,
    store: Location | None = None,
    runs: Location | None = None,
    workers: int | None = None,
    overrides: Sequence[str] | None = None,
    retry_failed: bool = False,
    replace: bool = False,
) -> list[Completion]:
    """Make the missing songs only; `score` or `run` score them later.

    Args:
        suite: this and all others are as for `run`.
        systems: see `run`.
        takes: see `run`.
        seed: see `run`.
        name: see `run`.
        store: see `run`.
        runs: see `run`.
        workers: see `run`.
        overrides: see `run`.
        retry_failed: see `run`.
        replace: see `run`.

    Returns:
        For each system how many songs there are, how many failed, are unsupported and were asked for.

    Raises:
        SongbenchError: as `run`.

    Example::

        songbench.generate(systems=["rulebased"], takes=2)
    """
    from songbench.execution.gather import completion, gather

    experiment, store_of_run, runner = _prepared(
        suite=suite,
        systems=systems,
        takes=takes,
        seed=seed,
        name=name,
        store=store,
        runs=runs,
        workers=workers,
        overrides=overrides,
        retry_failed=retry_failed,
        replace=replace,
    )
    runner.run(score=False)
    songs, _ = completion(gather(experiment, store_of_run))
    return songs


@checked_options
def score(
    *,
    suite: Location | None = None,
    systems: Sequence[str] | None = None,
    metrics: Sequence[str] | None = None,
    takes: int | None = None,
    seed: int | None = None,
    name: str | None = None,
    store: Location | None = None,
    runs: Location | None = None,
    workers: int | None = None,
    overrides: Sequence[str] | None = None,
    retry_failed: bool = False,
    replace: bool = False,
    facet: str | None = None,
) -> Run:
    """Score the stored songs without making new ones, and return the run, as `run`.

    Args:
        suite: this and all others are as for `run`.
        systems: see `run`.
        metrics: see `run`.
        takes: see `run`.
        seed: see `run`.
        name: see `run`.
        store: see `run`.
        runs: see `run`.
        workers: see `run`.
        overrides: see `run`.
        retry_failed: see `run`.
        replace: see `run`.
        facet: see `run`.

    Returns:
        As `run`; songs that were not made count as missing.

    Raises:
        SongbenchError: as `run`.

    Example::

        scores = songbench.score(systems=["rulebased"], takes=2, metrics=["audio"]).scores
    """
    from songbench.reporting.facets import check_facet

    experiment, store_of_run, runner = _prepared(
        suite=suite,
        systems=systems,
        metrics=metrics,
        takes=takes,
        seed=seed,
        name=name,
        store=store,
        runs=runs,
        workers=workers,
        overrides=overrides,
        retry_failed=retry_failed,
        replace=replace,
    )
    check_facet(experiment.suite, facet)
    runner.run(generate=False)
    return _reported(experiment, store_of_run, facet)


def _prepared(*, retry_failed: bool, replace: bool, **options: Any) -> tuple[Experiment, Store, Runner]:
    """What the options ask for, with what an earlier run of its name has already, its store, and what runs it."""
    from songbench.execution.config import plan_experiment
    from songbench.execution.run_names import continued
    from songbench.execution.runner import Runner
    from songbench.execution.store import Store

    planned = plan_experiment(**options)
    experiment = continued(planned, anew=replace)
    for remark in experiment.remarks[len(planned.remarks) :]:
        warnings.warn(remark, stacklevel=4)
    store = Store(experiment.store)
    return experiment, store, Runner(experiment, store, retry_failed=retry_failed, anew=replace)


def _reported(experiment: Experiment, store: Store, facet: str | None) -> Run:
    from songbench.reporting.run_report import write_run_report

    loaded = Run(experiment, store)
    write_run_report(experiment, store, results=loaded.results, facet=facet)
    return loaded
