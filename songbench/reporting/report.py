"""Everything a run reports, as a folder of files that replace those of an earlier report one by one, each at once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from songbench.execution.checksums import write_listed
from songbench.reporting import export, figures, published, tables
from songbench.reporting.board import Leaderboard
from songbench.reporting.panels import FOLDER
from songbench.reporting.published import Published

OWNED = ("leaderboard.*", "scores.csv", "figures/*.png")
"""The files that are a report's own."""


def write_report(board: Leaderboard, folder: str | Path, elsewhere: Sequence[Published] = ()) -> list[Path]:
    """Write ``leaderboard.{txt,md,csv,json,tex}``, ``scores.csv``, ``figures/*.png`` and their list.

    Figures of an earlier report that this one has no column for are removed.

    Args:
        board: the leaderboard.
        folder: created when absent.
        elsewhere: published numbers, appended as blocks of their own to the text and the Markdown.

    Returns:
        The files, in the order written; the same leaderboard gives the same bytes.

    Raises:
        StoreWriteError: when they cannot be written.
    """
    folder = Path(folder)
    pictures = {column.name: f"figures/{_file_name(column.name)}.png" for column in figures.drawn(board)}
    texts = {
        "leaderboard.txt": tables.to_text(board) + published.to_text(elsewhere, tables.WIDTH),
        "leaderboard.md": tables.to_markdown(board, pictures) + published.to_markdown(elsewhere),
        "leaderboard.csv": export.to_csv(board),
        "leaderboard.json": export.to_json(board),
        "leaderboard.tex": tables.to_latex(board),
        "scores.csv": export.scores_to_csv(board),
    }
    contents = {name: text.encode() for name, text in texts.items()}
    contents |= {pictures[column.name]: figures.draw(board, column) for column in figures.drawn(board)}
    panels = sorted((folder / FOLDER).glob("*.json"))
    return write_listed(folder, contents, owned=OWNED, inputs=panels)


def _file_name(column: str) -> str:
    return re.sub(r"[^\w.-]+", "-", column)
