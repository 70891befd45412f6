"""Comparisons of runs and systems."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from songbench.api.loaded_run import Run
from songbench.api.loading import load_run
from songbench.api.options import Location, checked_options

if TYPE_CHECKING:
    from songbench.api.notebook import ComparisonView


@checked_options
def compare(
    first: str | Run,
    second: str | Run,
    *,
    columns: Sequence[str] | None = None,
    runs: Location | None = None,
    store: Location | None = None,
) -> ComparisonView:
    """Did a change help? Two runs, or systems of them, paired on the prompts that both were given.

    Args:
        first: what is compared against: a run as `songbench.load_run` gives it, or the name of one; ``RUN:SYSTEM`` for
            one of its systems.
        second: what is compared. Of two runs without a system, each competitor is compared with its namesake.
        columns: names of columns, metrics or fields; None: those that have a place in tables.
        runs: the folder of run folders; None: ``results/runs``.
        store: where results live now, if not where the records say.

    Returns:
        Differences with intervals, p corrected by Holm's method over all of them, what could have been found; a
        notebook shows answer and table, ``to_frame()`` gives a pandas frame.

    Raises:
        InputError: there is no such run, system or column, naming the nearest; or it cannot be told which are meant.

    Example::

        comparison = songbench.compare("before", "after")
        comparison.to_frame()[["column", "difference", "verdict"]]
    """
    from songbench.execution.run_folders import named_system

    sides: list[tuple[Run, str | None]] = []
    for name in (first, second):
        if isinstance(name, Run):
            sides.append((name, None))
            continue
        run, system = named_system(name, None if runs is None else str(runs))
        sides.append((load_run(run, runs=runs, store=store), system))
    (first_run, first_system), (second_run, second_system) = sides
    return first_run.compared_with(second_run, first_system, second_system, columns=columns)
