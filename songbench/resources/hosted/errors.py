"""What went wrong with a service, so that it can be tried again, recorded or cured."""

from __future__ import annotations

from typing import Literal, TypeAlias

from songbench.domain.errors import SongbenchError

Trouble: TypeAlias = Literal[
    "key", "quota", "content", "input", "rate", "server", "unreached", "unknown outcome", "unknown task", "failed",
    "answer", "late", "stopped",
]  # fmt: skip
"""Kinds of trouble: the key or the account's rights; credit is used up; words or style were refused; the request is
malformed; too many requests; the service is broken or overloaded; it was never reached; nobody knows whether it took a
request; it no longer knows a task; it gave the task up; its answer cannot be used; it takes too long; the run ended."""


class ServiceError(SongbenchError):
    """A service refused, failed or gave something that cannot be used.

    Args:
        trouble: of which kind.
        message: one clause for a table. It never holds the key.
        wait_s: how long the service asks to wait before the next try, or None.
    """

    def __init__(self, trouble: Trouble, message: str, *, wait_s: float | None = None) -> None:
        """Keep the parts."""
        self.trouble, self.wait_s = trouble, wait_s
        super().__init__(message)


_BY_STATUS: dict[int, Trouble] = {
    401: "key",
    402: "quota",
    403: "key",
    404: "unknown task",
    408: "server",
    429: "rate",
    451: "content",
}


def error_of_status(status: int, message: str) -> ServiceError | None:
    """What an HTTP status means where a service says nothing more precise.

    Args:
        status: of the answer; below 400: no error.
        message: the service's own words, "" where it says nothing.
    """
    if status < 400:
        return None
    trouble = _BY_STATUS.get(status, "server" if status >= 500 else "input")
    return ServiceError(trouble, f"HTTP {status}" + (f": {message}" if message else ""))
