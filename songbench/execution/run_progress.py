"""Who is told how far a run is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from songbench.execution.jobs import Event


class RunProgress(Protocol):
    """Who is told what happens; the command line draws bars. Several stages may be at work side by side."""

    def stage(self, title: str, total: int, completed: int) -> None:
        """A stage begins with `completed` of `total` items stored already, or these numbers have changed."""

    def item(self, title: str, label: str, event: Event) -> None:
        """An item of a stage is settled, by this run or by another one on the same store."""

    def end(self, title: str) -> None:
        """A stage is over."""

    def waiting(self, sessions: Mapping[str, int]) -> None:
        """How many items are left to others, by who works on them; nobody any longer when it is empty."""


class NoProgress:
    """Tells nobody."""

    def stage(self, title: str, total: int, completed: int) -> None:
        """Nothing."""

    def item(self, title: str, label: str, event: Event) -> None:
        """Nothing."""

    def end(self, title: str) -> None:
        """Nothing."""

    def waiting(self, sessions: Mapping[str, int]) -> None:
        """Nothing."""
