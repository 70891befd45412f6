"""A worker process as its parent sees it: started, asked, listened to, ended with everything it has started."""

from __future__ import annotations

import contextlib
import itertools
import os
import queue
import secrets
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, TypeAlias

from songbench.resources.processes.host import (
    Call,
    Error,
    Finished,
    Heartbeat,
    PartialResult,
    Ready,
    Result,
    decode,
    encode,
)
from songbench.resources.processes.log import WorkerLog

LONGEST = 64 << 20
"""Bytes of a line beyond which it is taken for garbage; arrays travel in files, so messages are small."""

LAST_WORDS_SECONDS = 2.0
"""How long what a dead process said may still be on its way."""

_numbers = itertools.count()


@dataclass(frozen=True)
class Garbage:
    """Something in the channel that is no message; nothing after it can be trusted.

    Libraries write to descriptors by number, and forked processes go on with what they inherited.

    Attributes:
        cause: in words, with its beginning.
    """

    cause: str


@dataclass(frozen=True)
class Closed:
    """The channel is closed: the process is dead, or of no more use."""


Answer: TypeAlias = Ready | PartialResult | Finished | Result | Error | Garbage | Closed
"""What can arrive from a worker process."""

Inbox: TypeAlias = "queue.Queue[tuple[int, Answer]]"
"""Answers with the number of the process that gave them."""


@dataclass
class _Pulse:
    """When a process last gave a sign of life, by the monotonic clock."""

    last_s: float


class WorkerProcess:
    """A running process that serves calls by `songbench.resources.processes.host`.

    It leads a process group of its own, so Ctrl-C reaches the parent alone, which then ends its workers in order.

    Args:
        command: the program with its arguments; the token of the channel is added as the last.
        variables: the environment variables it gets.
        log: takes what it prints.
        inbox: its answers go there; several processes may share one.

    Attributes:
        number: marks its answers; no two processes have the same.
        log: what it prints.

    Raises:
        OSError: when the program cannot be run.
    """

    def __init__(self, command: Sequence[str], *, variables: Mapping[str, str], log: WorkerLog, inbox: Inbox) -> None:
        self.number, self.log = next(_numbers), log
        self._token = secrets.token_hex(8)
        self._process = subprocess.Popen(
            [*command, self._token],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(variables),
            start_new_session=True,
        )
        self._ended = False
        self._ids = itertools.count()
        self._pulse = _Pulse(time.monotonic())
        assert self._process.stdout is not None and self._process.stderr is not None
        # The threads hold the streams, not this object or its owner, so that an unused worker can be collected.
        listening = (self._process.stdout, self._token, self.number, self._pulse, inbox)
        for work, arguments in ((_listen, listening), (log.take, (self._process.stderr,))):
            threading.Thread(target=work, args=arguments, daemon=True).start()

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    @property
    def silence_s(self) -> float:
        """Seconds since its last sign of life."""
        return time.monotonic() - self._pulse.last_s

    def call(self, method: str, arguments: Mapping[str, Any]) -> int:
        """Ask for a method; the first call builds the worker, of whatever name. Calls are served in order.

        Returns:
            The id that answers carry.

        Raises:
            ValueError: an argument holds NaN or infinity.
            TypeError: an argument is not JSON.
        """
        call = Call(next(self._ids), method, dict(arguments))
        line = encode(call, self._token).encode()
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # it died; the inbox says so
            self._process.stdin.write(line)
            self._process.stdin.flush()
        return call.id

    def cause_of_death(self) -> str:
        """Why its channel is closed, in words; waits a moment for its exit status."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(LAST_WORDS_SECONDS)
        status = self._process.poll()
        if status is None:
            return "the worker closed the channel of its answers"
        if status >= 0:
            return f"the worker ended with exit code {status}"
        name = signal.Signals(-status).name
        hint = " (out of memory?)" if name == "SIGKILL" else ""
        return f"the worker was ended by {name}{hint}"

    def end(self) -> None:
        """Kill it with everything it has started, in its process group or out of it."""
        if self._ended:  # then its number may belong to somebody else
            return
        self._ended = True
        if self.alive:
            import psutil

            with contextlib.suppress(psutil.Error):
                for child in psutil.Process(self._process.pid).children(recursive=True):
                    with contextlib.suppress(psutil.Error):
                        child.kill()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._close_calls()

    def close(self, grace_s: float = 10.0) -> None:
        """Let it end in order, so that it can remove what it has put aside, and kill whatever is left.

        The log goes, too, if nothing went wrong.
        """
        self._close_calls()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(grace_s)
        in_order = self._process.poll() == 0
        self.end()
        if in_order:
            self.log.remove()

    def _close_calls(self) -> None:
        with contextlib.suppress(OSError):
            assert self._process.stdin is not None
            self._process.stdin.close()


def _listen(stream: BinaryIO, token: str, number: int, pulse: _Pulse, inbox: Inbox) -> None:
    while line := stream.readline(LONGEST):
        text = line.decode("ascii", errors="replace")
        try:
            message = decode(text, token)
        except ValueError:
            if text.endswith("\n") or len(line) == LONGEST:  # else the last line of one that was killed while writing
                cause = f"something wrote into the channel of the worker's answers: {text[:80]!r}"
                inbox.put((number, Garbage(cause)))
            break
        pulse.last_s = time.monotonic()
        if not isinstance(message, Heartbeat):
            inbox.put((number, message))
    while stream.read(LONGEST):  # or it would wait for us to make room
        pass
    inbox.put((number, Closed()))
