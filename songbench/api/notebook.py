"""What a notebook shows of a leaderboard and of a comparison."""

from __future__ import annotations

import shutil
from dataclasses import replace
from os import PathLike
from pathlib import Path

from songbench.reporting.board import Leaderboard
from songbench.reporting.comparison import RunComparison
from songbench.reporting.comparison.blocks import answers, comparison_blocks
from songbench.reporting.comparison.files import write_comparison
from songbench.reporting.document.blocks import Heading
from songbench.reporting.document.html import to_fragment
from songbench.reporting.document.terminal import WIDTH, to_text
from songbench.reporting.tables import bare_tables, to_html_fragment


class LeaderboardView(Leaderboard):
    """A leaderboard that a notebook and a terminal show as its table."""

    def __repr__(self) -> str:
        width = min(shutil.get_terminal_size((WIDTH, 24)).columns, WIDTH)
        parts = ((Heading(table.title), replace(table, title="")) for table in bare_tables(self))
        return to_text([block for part in parts for block in part], width).rstrip("\n")

    def _repr_html_(self) -> str:
        return to_html_fragment(self)

    @classmethod
    def of(cls, board: Leaderboard) -> LeaderboardView:
        """The same leaderboard."""
        return cls(**vars(board))


class ComparisonView(RunComparison):
    """A comparison that a notebook shows as its answer and its table."""

    def __repr__(self) -> str:
        return " ".join(answers(self))

    def _repr_html_(self) -> str:
        return to_fragment(comparison_blocks(self))

    def save(self, path: str | PathLike[str]) -> None:
        """Write it as Markdown, HTML, LaTeX, text, CSV or JSON, by the ending of the file.

        Raises:
            InputError: its ending names no format.
        """
        write_comparison(self, Path(path))

    @classmethod
    def of(cls, comparison: RunComparison) -> ComparisonView:
        """The same comparison."""
        return cls(**vars(comparison))
