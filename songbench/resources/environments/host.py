"""The child side: serves one worker script to the process that started it.

This file runs in an environment that has no songbench, under whatever Python (3.8 or later) that environment has, so it
imports the standard library only. The parent imports the messages from here, so that both sides mean the same.

Started as ``python -I host.py SCRIPT PACKAGE…``. The real stdin and stdout carry one JSON message per line; everything
else that prints goes to stderr. The script defines ``class Worker``, built with the settings that arrive first; then
each request calls one of its public methods. When stdin ends, this process ends, with all it has started.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import json
import os
import platform
import queue
import signal
import sys
import threading
import time
import traceback
from dataclasses import dataclass
from typing import IO, Any

START = 0
"""The id of the request that builds the worker; its arguments are the settings."""

HEARTBEAT_SECONDS = 1.0
_GRACE_SECONDS = 5.0


@dataclass(frozen=True)
class Request:
    """Asks for a method.

    Attributes:
        id: echoed by the answer; `START` builds the worker.
        method: a public method of the worker.
        arguments: its keyword arguments.
    """

    id: int
    method: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Ready:
    """The worker is built.

    Attributes:
        python: its version, e.g. ``3.11.2``.
        packages: versions of the packages that were asked about; those that are not installed are left out.
    """

    python: str
    packages: dict[str, str]


@dataclass(frozen=True)
class Result:
    """What a method returned."""

    id: int
    value: Any


@dataclass(frozen=True)
class Error:
    """What a method, or the building of the worker, raised.

    Attributes:
        id: of the request.
        type: name of the exception's class.
        message: its text.
        traceback: with the worker's own frames.
    """

    id: int
    type: str
    message: str
    traceback: str


@dataclass(frozen=True)
class Heartbeat:
    """Sent every second whatever the worker does, so that silence means trouble."""

    id: int


KINDS = {kind.__name__.lower(): kind for kind in (Request, Ready, Result, Error, Heartbeat)}
"""The messages by the name they carry."""


def encode(message: Any) -> str:
    """One line of ASCII without its end.

    Raises:
        ValueError: for NaN or infinity, which JSON cannot hold.
        TypeError: for anything else it cannot hold.
    """
    said = {"kind": type(message).__name__.lower()}
    said.update({field.name: getattr(message, field.name) for field in dataclasses.fields(message)})
    return json.dumps(said, allow_nan=False)


def decode(row: str) -> Any:
    """The message in a line.

    Raises:
        ValueError: when it is none.
    """
    try:
        said = json.loads(row)
        kind = KINDS[said.pop("kind")]
        return kind(**said)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"no message: {row[:200]!r}") from error


class _Channel:
    """The real stdin and stdout, under numbers that nobody else knows.

    What libraries print goes to stderr, and programs they start find an empty input instead of our requests. A forked
    process does not inherit them: it would hold them open when we are gone, and one that went on in our code would end
    at its first answer.
    """

    def __init__(self) -> None:
        self.requests: IO[str] = os.fdopen(os.dup(0), encoding="ascii", newline="\n")
        self._answers: IO[str] = os.fdopen(os.dup(1), "w", encoding="ascii", newline="\n")
        self._lock = threading.Lock()
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        self._process = os.getpid()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._let_go)

    def _let_go(self) -> None:
        for stream in (self.requests, self._answers):
            os.close(stream.fileno())

    def send(self, message: Any) -> None:
        if os.getpid() != self._process:
            os._exit(1)
        row = encode(message)
        with self._lock:
            self._answers.write(row + "\n")
            self._answers.flush()


class _Host:
    def __init__(self, script: str, packages: list[str]) -> None:
        self._script, self._packages = script, packages
        self._channel = _Channel()
        self._requests: queue.Queue[Request | None] = queue.Queue()
        self._busy = START
        self._idle = False

    def serve(self) -> None:
        for work in (self._read, self._beat):
            threading.Thread(target=work, daemon=True).start()
        first = self._requests.get()
        if first is None:
            return
        worker = self._answer(first, lambda: _load(self._script)(first.arguments), lambda _: self._ready())
        while worker is not None:
            request = self._requests.get()
            if request is None:
                return
            self._busy, self._idle = request.id, False
            self._answer(request, _bound(worker, request), lambda value, id=request.id: Result(id, value))

    def _answer(self, request: Request, work: Any, said: Any) -> Any:
        """Do the work and send what it gave; a library that calls `exit` has failed, too."""
        try:
            value = work()
            self._idle = True  # before the answer: whoever has it may close our input
            self._channel.send(said(value))
            return value
        except (Exception, SystemExit) as error:
            self._idle = True
            self._channel.send(Error(request.id, type(error).__name__, str(error), traceback.format_exc()))
            return None

    def _ready(self) -> Ready:
        return Ready(platform.python_version(), _versions(self._packages))

    def _read(self) -> None:
        for row in self._channel.requests:
            self._requests.put(decode(row))
        self._requests.put(None)
        if self._idle:  # then it ends in order, unless something hangs
            time.sleep(_GRACE_SECONDS)
        _die()

    def _beat(self) -> None:
        parent = os.getppid()
        with contextlib.suppress(OSError):
            while os.getppid() == parent:
                self._channel.send(Heartbeat(self._busy))
                time.sleep(HEARTBEAT_SECONDS)
        _die()  # the parent is gone, but something it had started holds our input open


def _bound(worker: Any, request: Request) -> Any:
    """The call that a request asks for, to be made later, so that what is wrong with it is reported with the rest."""

    def call() -> Any:
        known = sorted(name for name in dir(worker) if not name.startswith("_") and callable(getattr(worker, name)))
        if request.method not in known:
            raise AttributeError(f"the worker has no method '{request.method}'; it has {', '.join(known) or 'none'}")
        return getattr(worker, request.method)(**request.arguments)

    return call


def _load(script: str) -> Any:
    """The class `Worker` of a script. Its folder is not searched for imports: names there may be those of packages."""
    spec = importlib.util.spec_from_file_location("songbench_worker_script", script)
    if spec is None or spec.loader is None:
        raise ImportError(f"{script} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.Worker


def _versions(packages: list[str]) -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _die() -> None:
    """End at once, with all children; only the leader of a process group may take the group along."""
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)


if __name__ == "__main__":
    _Host(sys.argv[1], sys.argv[2:]).serve()
