"""The child's side of a worker process: serves one object to the process that started it.

This file also runs in environments that have no songbench, under whatever Python (3.8 or later) they have, so it
imports the standard library only. The parent imports the messages from here, so that both sides mean the same.

Started as ``python host.py SCRIPT PACKAGE… TOKEN``, or from a module of ours that calls `serve`. The real stdin and
stdout carry one message per line, begun by the token; everything else that prints goes to stderr. The script defines
``class Worker``, built with the settings that arrive first; then each call asks for one of its public methods. A method
that is a generator answers in parts. When stdin ends, this process ends, with all it has started.
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
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO, Any

START = 0
"""The id of the call that builds the worker; its arguments are the settings."""

HEARTBEAT_SECONDS = 1.0
_GRACE_SECONDS = 5.0


@dataclass(frozen=True)
class Call:
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
        id: `START`.
        python: its version, e.g. ``3.11.2``.
        packages: versions of the packages that were asked about; those that are not installed are left out.
    """

    id: int
    python: str
    packages: dict[str, str]


@dataclass(frozen=True)
class PartialResult:
    """What a generator yielded; more follows."""

    id: int
    value: Any


@dataclass(frozen=True)
class Finished:
    """A generator has yielded its last."""

    id: int


@dataclass(frozen=True)
class Result:
    """What a method returned."""

    id: int
    value: Any


@dataclass(frozen=True)
class Error:
    """What a method, or the building of the worker, raised.

    Attributes:
        id: of the call.
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


KINDS = {kind.__name__.lower(): kind for kind in (Call, Ready, PartialResult, Finished, Result, Error, Heartbeat)}
"""The messages by the name they carry."""

_JSON_TYPES = {"int": int, "str": str, "dict[str, Any]": dict, "dict[str, str]": dict}


def encode(message: Any, token: str) -> str:
    """One line of ASCII, with its end.

    Raises:
        ValueError: for NaN or infinity, which JSON cannot hold.
        TypeError: for anything else it cannot hold.
    """
    content = {"kind": type(message).__name__.lower()}
    content.update({field.name: getattr(message, field.name) for field in dataclasses.fields(message)})
    return f"{token} {json.dumps(content, allow_nan=False)}\n"


def decode(line: str, token: str) -> Any:
    """The message in a line.

    Raises:
        ValueError: when it is none.
    """
    head, _, body = line.partition(" ")
    try:
        if head != token or not line.endswith("\n"):
            raise ValueError("not a line of this channel")
        content = json.loads(body)
        message = KINDS[content.pop("kind")](**content)
        for field in dataclasses.fields(message):
            if not isinstance(getattr(message, field.name), _JSON_TYPES.get(str(field.type), object)):
                raise TypeError(field.name)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"no message: {line[:200]!r}") from error
    return message


def serve(load: Callable[[], Any], token: str, packages: Sequence[str] = ()) -> None:
    """Serve until the parent closes our input.

    Args:
        load: gives the class of the worker; called when the settings are there.
        token: begins every line of the channel.
        packages: whose versions the parent wants to know.
    """
    _Host(load, token, packages).serve()


class _Channel:
    """The real stdin and stdout, under numbers that nobody else knows.

    What libraries print goes to stderr, and programs they start find an empty input instead of our calls. A forked
    process does not inherit them: it would hold them open when we are gone, and one that went on in our code would end
    at its first answer.
    """

    def __init__(self, token: str) -> None:
        self.calls: IO[str] = os.fdopen(os.dup(0), encoding="ascii", newline="\n")
        self._answers = os.dup(1)
        self._pipe = os.fstat(self._answers)
        self._token, self._process, self._lock = token, os.getpid(), threading.Lock()
        empty = os.open(os.devnull, os.O_RDONLY)
        os.dup2(empty, 0)
        os.close(empty)
        os.dup2(2, 1)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._close)

    def _close(self) -> None:
        for descriptor in (self.calls.fileno(), self._answers):
            os.close(descriptor)

    def receive(self, line: str) -> Any:
        """The message in a line of `calls`."""
        return decode(line, self._token)

    def send(self, message: Any) -> None:
        """Write a message.

        Raises:
            OSError: the channel is closed, perhaps by a library that closed descriptors by number.
            ValueError: as `encode`.
            TypeError: as `encode`.
        """
        if os.getpid() != self._process:
            os._exit(1)
        line = encode(message, self._token).encode()
        with self._lock:
            if not os.path.samestat(os.fstat(self._answers), self._pipe):
                raise OSError("the number of the channel belongs to another file now")
            while line:
                line = line[os.write(self._answers, line) :]


class _Host:
    def __init__(self, load: Callable[[], Any], token: str, packages: Sequence[str]) -> None:
        self._load, self._packages = load, packages
        self._channel = _Channel(token)
        self._calls: queue.Queue[Call | None] = queue.Queue()
        self._worker: Any = None
        self._busy = START
        self._idle = False

    def serve(self) -> None:
        for work in (self._read, self._beat):
            threading.Thread(target=work, daemon=True).start()
        call = self._calls.get()
        if call is None or not self._answer(call, self._build):
            return
        while True:
            call = self._calls.get()
            if call is None:
                return
            self._busy, self._idle = call.id, False
            self._answer(call, self._run)

    def _answer(self, call: Call, work: Callable[[Call], Any]) -> bool:
        """Do the work and send what it gave; returns whether it succeeded. A library that calls `exit` has failed."""
        try:
            answer = work(call)
            self._idle = True  # before the answer: whoever has it may close our input
            self._channel.send(answer)
            return True
        except (Exception, SystemExit) as error:
            self._idle = True
            self._channel.send(Error(call.id, type(error).__name__, str(error), traceback.format_exc()))
            return False

    def _build(self, call: Call) -> Ready:
        self._worker = self._load()(call.arguments)
        return Ready(call.id, platform.python_version(), _versions(self._packages))

    def _run(self, call: Call) -> Any:
        worker = self._worker
        methods = sorted(name for name in dir(worker) if not name.startswith("_") and callable(getattr(worker, name)))
        if call.method not in methods:
            raise AttributeError(f"the worker has no method '{call.method}'; it has {', '.join(methods) or 'none'}")
        value = getattr(worker, call.method)(**call.arguments)
        if not isinstance(value, types.GeneratorType):
            return Result(call.id, value)
        for part in value:
            self._channel.send(PartialResult(call.id, part))
        return Finished(call.id)

    def _read(self) -> None:
        for line in self._channel.calls:
            self._calls.put(self._channel.receive(line))
        self._calls.put(None)
        if self._idle:  # then it ends in order, unless something hangs
            time.sleep(_GRACE_SECONDS)
        _die()

    def _beat(self) -> None:
        parent = os.getppid()
        while os.getppid() == parent:
            with contextlib.suppress(OSError):  # what closed it may still be at work; the next answer ends this process
                self._channel.send(Heartbeat(self._busy))
            time.sleep(HEARTBEAT_SECONDS)
        _die()  # the parent is gone, but something it had started holds our input open


def _load_script(script: str) -> Any:
    """The class `Worker` of a script. Its folder is not searched for imports: names there may be those of packages."""
    spec = importlib.util.spec_from_file_location("songbench_worker_script", script)
    if spec is None or spec.loader is None:
        raise ImportError(f"{script} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.Worker


def _versions(packages: Sequence[str]) -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    versions = {}
    for package in packages:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


def _die() -> None:
    """End at once, with all children; only the leader of a process group may take the group along."""
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)


if __name__ == "__main__":
    serve(lambda: _load_script(sys.argv[1]), sys.argv[-1], sys.argv[2:-1])
