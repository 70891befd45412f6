"""The parent's side of a worker: starts it, asks it, notices when something is wrong with it, ends it."""

from __future__ import annotations

import contextlib
import itertools
import os
import queue
import signal
import subprocess
import threading
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, TypeAlias

from songbench.domain.errors import UnavailableError
from songbench.domain.hashing import Json
from songbench.resources.environments import host
from songbench.resources.environments.environment import Environment, availability, environments_folder, python_of
from songbench.resources.environments.errors import IsolationError
from songbench.resources.environments.printed import Printed
from songbench.resources.environments.protocol import Error, Garbage, News, Ready, Request, Result, encode, read_news
from songbench.resources.environments.surroundings import for_worker

TIMEOUT_SECONDS = 1800.0
SILENCE_SECONDS = 60.0
_CLOSE_SECONDS = 10.0
_WORDS_SECONDS = 0.05
_LAST_WORDS_SECONDS = 0.5
_LOOK_SECONDS = 2.0
_NO_SETTINGS: Mapping[str, Json] = {}

_News: TypeAlias = "queue.Queue[News | None]"
_numbers = itertools.count()


class _LostError(Exception):
    """The process is gone or no longer makes sense; another one may do better."""


class IsolatedWorker:
    """A long-lived process of an environment's Python, serving the methods of a worker script.

    The process is started by the first call and kept until `close`, or until this object is no longer used. It ends by
    itself when this process does. A worker that dies during a call, or writes something else than messages, is replaced
    and the call repeated; one that hangs is ended with all it has started. So methods must give the same answer when
    they are called again.

    Args:
        environment: whose Python runs it.
        script: a file that defines ``class Worker``: ``__init__(self, settings)`` and public methods that take JSON as
            keyword arguments and return JSON. It must not import songbench. Audio and arrays pass as files.
        settings: handed to the worker when it is built.
        timeout_s: how long a call, or the building of the worker, may take.
        silence_s: how long the process may give no sign of life; it does so every second unless something blocks all
            of Python.
        restarts: how often a call is repeated with a new process.
    """

    def __init__(
        self,
        environment: Environment,
        script: Path,
        settings: Mapping[str, Json] = _NO_SETTINGS,
        *,
        timeout_s: float = TIMEOUT_SECONDS,
        silence_s: float = SILENCE_SECONDS,
        restarts: int = 1,
    ) -> None:
        self.environment, self.script, self.settings = environment, Path(script), dict(settings)
        self._timeout_s, self._silence_s, self._restarts = timeout_s, silence_s, restarts
        self._process: _Process | None = None
        self._ready: Ready | None = None
        self._ids = itertools.count(host.START + 1)
        self._turn = threading.Lock()

    def call(self, method: str, /, **arguments: Json) -> Json:
        """Call a method of the worker, starting it when it does not run.

        Raises:
            UnavailableError: the environment is not set up; the message says how to get it.
            IsolationError: it raised an exception (then it goes on living), has no such method, took too long, gave no
                sign of life, or died more often than it may.
            ValueError: an argument holds NaN or infinity.
            TypeError: an argument is not JSON.
        """
        encode(Request(host.START, method, dict(arguments)))  # what cannot be sent is the caller's mistake
        with self._turn:
            for left in range(self._restarts, -1, -1):
                try:
                    return self._started().ask(Request(next(self._ids), method, dict(arguments)), self._limits)
                except _LostError as lost:
                    process, self._process = self._process, None
                    detail = process.end() if process else ""
                    if left == 0:
                        tries = f" ({self._restarts + 1} tries)" if self._restarts else ""
                        raise IsolationError(f"{self._limits.name(method)}: {lost}{tries}", detail) from None
                except IsolationError:
                    if self._process and not self._process.alive:
                        self._process = None
                    raise
        raise AssertionError("the last try returns or raises")

    @property
    def python(self) -> str | None:
        """The version of Python that serves, None before the first call."""
        return self._ready.python if self._ready else None

    @property
    def packages(self) -> Mapping[str, str]:
        """The versions, there, of the packages the environment pins; empty before the first call."""
        return self._ready.packages if self._ready else {}

    def close(self) -> None:
        """End the process; the next call would start another."""
        with self._turn:
            process, self._process = self._process, None
            if process:
                process.close()

    def __enter__(self) -> IsolatedWorker:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    @property
    def _limits(self) -> _Limits:
        return _Limits(self.environment.name, self._timeout_s, self._silence_s)

    def _started(self) -> _Process:
        if self._process is None:
            python = python_of(self.environment)
            if python is None:
                missing = availability(self.environment)
                raise UnavailableError(f"{missing.reason}. To get it: {missing.cure}")
            self._process = process = _Process(python, self.script, self.environment)
            weakref.finalize(self, process.close)
            self._ready = process.build(self.settings, self._limits)
        return self._process


@dataclass(frozen=True)
class _Limits:
    """How long to wait, and for whom, as errors name it."""

    environment: str
    timeout_s: float
    silence_s: float

    def name(self, method: str) -> str:
        return f"environment '{self.environment}', {method}"


class _Process:
    """One running process."""

    def __init__(self, python: Path, script: Path, environment: Environment) -> None:
        place = environments_folder() / "logs"
        self._printed = Printed(place, f"{environment.name}-{os.getpid()}-{next(_numbers)}")
        try:
            self._process = subprocess.Popen(
                [str(python), "-I", "-X", "utf8", host.__file__, str(script.resolve()), *environment.packages],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=for_worker(python),
                start_new_session=True,  # so that it can be ended with all it has started
            )
        except OSError as error:
            raise IsolationError(f"environment '{environment.name}': {python} cannot be run: {error}") from error
        self._over = False
        self._news: _News = queue.Queue()
        assert self._process.stdout is not None and self._process.stderr is not None
        # The threads hold the streams, not this object or its owner, so that an unused worker can be collected.
        for work, arguments in (
            (_listen, (self._process.stdout, self._news)),
            (self._printed.take, (self._process.stderr,)),
        ):
            threading.Thread(target=work, args=arguments, daemon=True).start()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def build(self, settings: Mapping[str, Json], limits: _Limits) -> Ready:
        """Have the worker built.

        Raises:
            IsolationError: it cannot be built; the process is gone then.
        """
        answer = self._exchange(Request(host.START, "start", dict(settings)), limits)
        assert isinstance(answer, Ready)
        return answer

    def ask(self, request: Request, limits: _Limits) -> Json:
        answer = self._exchange(request, limits)
        assert isinstance(answer, Result)
        value: Json = answer.value
        return value

    def _exchange(self, request: Request, limits: _Limits) -> Ready | Result:
        """Send a request and wait for its answer.

        Raises:
            _LostError: the process is gone, or no longer makes sense.
            IsolationError: an exception over there, or it hangs and was ended.
        """
        name = limits.name(request.method)
        with contextlib.suppress(OSError):  # it died; the news say so
            assert self._process.stdin is not None
            self._process.stdin.write(encode(request).encode() + b"\n")
            self._process.stdin.flush()
        begun = heard = time.monotonic()
        while True:
            now = time.monotonic()
            if now - begun >= limits.timeout_s:
                raise IsolationError(f"{name}: no answer after {limits.timeout_s:g} s; it was ended", self.end())
            if now - heard >= limits.silence_s:
                raise IsolationError(f"{name}: no sign of life for {limits.silence_s:g} s; it was ended", self.end())
            left = min(begun + limits.timeout_s, heard + limits.silence_s) - now
            try:
                news = self._news.get(timeout=min(left, _LOOK_SECONDS))
            except queue.Empty:
                if not self.alive and now - heard > _LOOK_SECONDS:  # what it has started holds its channel open
                    raise _LostError(_death(self._process.wait())) from None
                continue
            heard = time.monotonic()
            if news is None:
                raise _LostError(_death(self._process.wait()))
            if isinstance(news, Garbage):
                raise _LostError(f"something over there wrote into the channel of the protocol: {news.begins}")
            if isinstance(news, Error) and news.id == request.id:
                printed = self.end() if request.id == host.START else self._printed.tail(_WORDS_SECONDS)
                cause = f"{name}: {news.type}: {news.message}".splitlines()[0][:300]
                raise IsolationError(cause, news.traceback + printed)
            if isinstance(news, Ready | Result) and getattr(news, "id", host.START) == request.id:
                return news

    def end(self) -> str:
        """Kill it with everything it has started; returns the end of what it printed."""
        if not self._over:  # afterwards its number may belong to somebody else
            self._over = True
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._let_go()
        return self._printed.tail(_LAST_WORDS_SECONDS)

    def close(self) -> None:
        """Let it end in order, so that it can remove what it has put aside, and kill whatever is left."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_CLOSE_SECONDS)
        clean = self._process.poll() == 0
        self.end()
        if clean:
            self._printed.forget()

    def _let_go(self) -> None:
        with contextlib.suppress(OSError):
            assert self._process.stdin is not None
            self._process.stdin.close()


def _listen(stream: BinaryIO, news: _News) -> None:
    for one in read_news(stream):
        news.put(one)
    news.put(None)


def _death(status: int) -> str:
    if status >= 0:
        return f"the process ended with exit code {status}"
    name = signal.Signals(-status).name
    hint = " (out of memory?)" if name == "SIGKILL" else ""
    return f"the process was ended by {name}{hint}"
