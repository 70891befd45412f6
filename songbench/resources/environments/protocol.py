"""The parent's side of the wire: the messages, read from a stream that may carry anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, TypeAlias

from songbench.resources.environments.host import Error, Heartbeat, Ready, Request, Result, decode, encode

__all__ = ["Error", "Garbage", "Heartbeat", "News", "Ready", "Request", "Result", "encode", "read_news"]

LONGEST = 64 << 20
"""Bytes of a line beyond which it is taken for garbage; arrays travel in files, so messages are small."""


@dataclass(frozen=True)
class Garbage:
    """Something on the wire that is no message, as when a library writes to file descriptors by number."""

    begins: str


News: TypeAlias = Ready | Result | Error | Heartbeat | Garbage
"""What can arrive from a worker."""


def read_news(stream: BinaryIO) -> Iterator[News]:
    """What arrives until the stream ends; nothing after the first garbage, as nothing after it can be trusted.

    Args:
        stream: the worker's stdout, in bytes.
    """
    while row := stream.readline(LONGEST):
        try:
            message = decode(row.decode("ascii"))
        except ValueError:  # UnicodeDecodeError is one
            message = None
        if not isinstance(message, Ready | Result | Error | Heartbeat):
            yield Garbage(repr(row[:80]))
            return
        yield message
