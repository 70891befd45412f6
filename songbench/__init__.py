"""songbench: benchmark and evaluation harness for song generators.

The command line, from Python::

    import songbench

    board = songbench.run(systems=["rulebased", "imported:suno-v5=downloads"], metrics=["per", "audio"])
    frame = board.to_frame()  # one row per system and number
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from songbench.reporting.board import Leaderboard

__version__ = "0.1.0"


def run(*, retry_failed: bool = False, replace: bool = False, **options: Any) -> Leaderboard:
    """Make the missing songs, score them and return the leaderboard, which is also written to the run's folder.

    A name (default: the suite's) stands for one question, as on the command line: more systems, metrics or takes are
    added to an earlier run of that name, which a warning says, and whatever else differs is refused.

    Args:
        retry_failed: try again what is stored as failed.
        replace: start the run of this name anew; nothing stored is lost.
        options: ``suite``, ``systems``, ``metrics``, ``takes``, ``seed``, ``name``, ``store``, ``runs``, ``workers``,
            ``overrides``, as on the command line, with lists where that takes commas.

    Raises:
        SongbenchError: as the command line, which prints it.
    """
    from songbench.execution.config import check_options, plan_experiment
    from songbench.execution.gather import gather
    from songbench.execution.run_names import continued
    from songbench.execution.runner import Runner
    from songbench.execution.store import Store
    from songbench.reporting.leaderboard import build_leaderboard
    from songbench.reporting.panels import load_panels
    from songbench.reporting.report import write_report

    check_options(options, retry_failed=retry_failed, replace=replace)
    asked = plan_experiment(**options)
    experiment = continued(asked, anew=replace)
    for remark in experiment.remarks[len(asked.remarks) :]:
        warnings.warn(remark, stacklevel=2)
    store = Store(experiment.store)
    Runner(experiment, store, retry_failed=retry_failed, anew=replace).run()
    panels = load_panels(experiment.folder)
    board = build_leaderboard(gather(experiment, store), panels=panels, **experiment.statistics)
    write_report(board, experiment.folder)
    return board
