"""What a worker answers: one line of ASCII each, begun by a word that only it and its engine know.

Libraries write to descriptors by number, and forked processes go on with what they inherited: whatever is not one of
these lines is no answer.
"""

from __future__ import annotations

import json
import typing
from dataclasses import asdict, dataclass
from typing import TypeAlias

from songbench.execution.jobs import Event

_STATUSES = typing.get_args(typing.get_type_hints(Event)["status"])


@dataclass(frozen=True)
class Ready:
    """The worker waits for its first job."""


@dataclass(frozen=True)
class End:
    """The job is over; every item has had its event."""


@dataclass(frozen=True)
class Fatal:
    """Results cannot be stored: nothing sensible can go on.

    Attributes:
        text: why, for people.
    """

    text: str


Message: TypeAlias = Ready | End | Fatal | Event
"""What can arrive from a worker."""

_KINDS: dict[str, type[Ready | End | Fatal | Event]] = {
    "ready": Ready,
    "end": End,
    "fatal": Fatal,
    "event": Event,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def encode(message: Message, token: str) -> str:
    """The line, with its end."""
    return f"{token} {json.dumps({'message': _NAMES[type(message)], **asdict(message)})}\n"


def decode(row: str, token: str) -> Message:
    """The message in a line.

    Raises:
        ValueError: when it is none.
    """
    head, _, body = row.partition(" ")
    try:
        if head != token or not row.endswith("\n"):
            raise ValueError("not one of ours")
        said = json.loads(body)
        message = _KINDS[said.pop("message")](**said)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"no message: {row[:80]!r}") from error
    if isinstance(message, Event):
        texts = (message.key, message.cause, message.detail)
        if message.status not in _STATUSES or not all(isinstance(one, str) for one in texts):
            raise ValueError(f"no event: {row[:80]!r}")
    return message
