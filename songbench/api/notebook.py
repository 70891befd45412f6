"""What a notebook shows of a leaderboard."""

from __future__ import annotations

from songbench.reporting.board import Leaderboard
from songbench.reporting.tables import to_html_fragment


class LeaderboardView(Leaderboard):
    """A leaderboard that a notebook shows as its table."""

    def _repr_html_(self) -> str:
        return to_html_fragment(self)

    @classmethod
    def of(cls, board: Leaderboard) -> LeaderboardView:
        """The same leaderboard."""
        return cls(**vars(board))
