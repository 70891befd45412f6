"""What a notebook shows of a leaderboard and of a comparison."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from songbench.reporting.board import Leaderboard
from songbench.reporting.comparison import RunComparison
from songbench.reporting.comparison.blocks import answers, comparison_blocks
from songbench.reporting.comparison.files import write_comparison
from songbench.reporting.document.html import to_fragment
from songbench.reporting.tables import to_html_fragment


class LeaderboardView(Leaderboard):
    """A leaderboard that a notebook shows as its table."""

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
