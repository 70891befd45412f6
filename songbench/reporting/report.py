"""Everything a run reports, as a folder of files that replace those of an earlier report one by one, each at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from songbench.contracts import registry
from songbench.contracts.registry import PluginError
from songbench.domain.errors import SongbenchError
from songbench.execution.checksums import write_listed
from songbench.reporting import export, figures, formats
from songbench.reporting.board import Leaderboard
from songbench.reporting.listening_results import FOLDER
from songbench.reporting.published import Published

OWNED = ("leaderboard.*", "scores.csv", "figures/*.png")
"""The files that are a report's own."""


def write_report(board: Leaderboard, folder: str | Path, published: Sequence[Published] = ()) -> list[Path]:
    """Write ``leaderboard.NAME`` in every format, ``scores.csv``, ``figures/*.png`` and their list.

    Figures of an earlier report that this one has no column for are removed.

    Args:
        board: the leaderboard.
        folder: created when absent.
        published: numbers from papers, appended apart to what people read.

    Returns:
        The files, in the order written; the same leaderboard gives the same bytes.

    Raises:
        StoreWriteError: when they cannot be written.
        PluginError: when a format of another package is broken; the other files are written all the same.
        SongbenchError: when songbench's own formats are not found, because it changed since it was installed.
    """
    names = registry.names(registry.REPORTS)
    if not names:
        raise SongbenchError("songbench was installed before it had report formats. Install it again: pip install -e .")
    folder = Path(folder)
    images = {column.name: figures.draw(board, column) for column in figures.columns_with_figure(board)}
    report = formats.LeaderboardReport(board=board, published=tuple(published), images=images)
    contents: dict[str, bytes] = {}
    faults: list[PluginError] = []
    for name in names:
        try:
            contents[f"leaderboard.{name}"] = formats.render(name, report)
        except PluginError as fault:
            faults.append(fault)
    contents["scores.csv"] = export.scores_to_csv(board).encode()
    contents |= {f"figures/{figures.file_name(name)}.png": image for name, image in images.items()}
    inputs = sorted((folder / FOLDER).glob("*.json"))
    paths = write_listed(folder, contents, owned=OWNED, inputs=inputs)
    if faults:
        raise faults[0]
    return paths
