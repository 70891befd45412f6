"""What can go wrong with an environment or with a worker in it."""

from __future__ import annotations

from songbench.domain.errors import SongbenchError
from songbench.domain.song import Failure


class SetupError(SongbenchError):
    """An environment could not be made; the message names the log and what to do."""


class IsolationError(SongbenchError):
    """A worker of another environment could not do what it was asked.

    Attributes:
        cause: one line, naming environment and method.
        detail: the worker's traceback and the end of what it printed.
    """

    def __init__(self, cause: str, detail: str = "") -> None:
        super().__init__(f"{cause}\n{detail}" if detail else cause)
        self.cause, self.detail = cause, detail

    def failure(self, stage: str) -> Failure:
        """The same as data: ``feature``, ``score`` or ``generate`` failed of this cause."""
        return Failure(stage, self.cause, self.detail)
