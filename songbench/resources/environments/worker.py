"""Workers in other environments: started when they are asked, replaced when they die, ended when they hang."""

from __future__ import annotations

import itertools
import os
import queue
import threading
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from songbench.domain.errors import UnavailableError
from songbench.domain.hashing import Json
from songbench.resources.environments.environment import Environment, availability, environments_folder, python_of
from songbench.resources.environments.errors import IsolationError
from songbench.resources.environments.surroundings import for_worker
from songbench.resources.processes import host
from songbench.resources.processes.log import WorkerLog, remove_old_logs
from songbench.resources.processes.process import Closed, Garbage, Inbox, WorkerProcess

TIMEOUT_SECONDS = 1800.0
SILENCE_SECONDS = 60.0
_LOG_SECONDS = 1.0
_LAST_LOG_SECONDS = 0.5
_LOOK_SECONDS = 2.0
_NO_SETTINGS: Mapping[str, Json] = {}

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
        self._process: WorkerProcess | None = None
        self._inbox: Inbox = queue.Queue()
        self._ready: host.Ready | None = None
        self._turn = threading.Lock()

    def call(self, method: str, /, **arguments: Json) -> Json:
        """Call a method of the worker, starting it when it does not run.

        Returns:
            What the method returned; of a generator, the list of what it yielded.

        Raises:
            UnavailableError: the environment is not set up; the message says how to get it.
            IsolationError: it raised an exception (then it goes on living), has no such method, took too long, gave no
                sign of life, or died more often than it may.
            ValueError: an argument holds NaN or infinity.
            TypeError: an argument is not JSON.
        """
        host.encode(host.Call(host.START, method, dict(arguments)), "")  # what cannot be sent is the caller's mistake
        with self._turn:
            for left in range(self._restarts, -1, -1):
                try:
                    return self._result(self._started(), method, arguments)
                except _LostError as lost:
                    detail = self._end()
                    if left == 0:
                        tries = f" ({self._restarts + 1} tries)" if self._restarts else ""
                        raise IsolationError(f"{self._name(method)}: {lost}{tries}", detail) from None
        raise AssertionError("the last try returns or raises")

    @property
    def python(self) -> str | None:
        """The version of Python that serves, None before the first call."""
        return self._ready.python if self._ready else None

    @property
    def packages(self) -> Mapping[str, str]:
        """The versions, there, of the packages the environment pins; empty before the first call."""
        return self._ready.packages if self._ready else {}

    def printed(self) -> str:
        """The end of what the running process has printed, with the name of its log; "" where that is nothing."""
        return self._process.log.report(_LOG_SECONDS) if self._process else ""

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

    def _name(self, method: str) -> str:
        return f"environment '{self.environment.name}', {method}"

    def _started(self) -> WorkerProcess:
        """The process, started and built if there is none.

        Raises:
            UnavailableError: the environment is not set up.
            IsolationError: the worker cannot be built; the process is gone then.
            _LostError: the process died.
        """
        if self._process is not None:
            return self._process
        # 1. start the environment's Python
        python = python_of(self.environment)
        if python is None:
            missing = availability(self.environment)
            raise UnavailableError(f"{missing.reason}. To get it: {missing.cure}")
        folder = environments_folder() / "logs"
        remove_old_logs(folder)
        script = [str(self.script.resolve()), *self.environment.packages]
        self._inbox = queue.Queue()
        try:
            self._process = process = WorkerProcess(
                [str(python), "-I", "-u", "-X", "utf8", host.__file__, *script],
                variables=for_worker(python),
                log=WorkerLog(folder / f"{self.environment.name}-{os.getpid()}-{next(_numbers)}.log"),
                inbox=self._inbox,
            )
        except OSError as error:
            raise IsolationError(f"environment '{self.environment.name}': {python} cannot be run: {error}") from error
        weakref.finalize(self, process.close)
        # 2. build the worker
        ready = self._answer(process, "start", self.settings)
        assert isinstance(ready, host.Ready)
        self._ready = ready
        return process

    def _result(self, process: WorkerProcess, method: str, arguments: Mapping[str, Json]) -> Json:
        answer = self._answer(process, method, arguments)
        assert not isinstance(answer, host.Ready)
        value: Json = answer.value if isinstance(answer, host.Result) else answer
        return value

    def _answer(
        self, process: WorkerProcess, method: str, arguments: Mapping[str, Json]
    ) -> host.Ready | host.Result | list[Json]:
        """Ask and wait for the answer; that of a generator is a list.

        Raises:
            _LostError: the process is gone, or no longer makes sense.
            IsolationError: an exception over there, or it hangs and was ended.
        """
        name, parts = self._name(method), list[Json]()
        identifier, asked_s = process.call(method, arguments), time.monotonic()
        while True:
            # 1. wait; when nothing comes, see whether anything still can
            waiting_s = time.monotonic() - asked_s
            look_s = min(self._timeout_s - waiting_s, self._silence_s - process.silence_s, _LOOK_SECONDS)
            try:
                _, answer = self._inbox.get(timeout=max(0.0, look_s))
            except queue.Empty:
                if waiting_s >= self._timeout_s:
                    cause = f"{name}: no answer after {self._timeout_s:g} s; it was ended"
                    raise IsolationError(cause, self._end()) from None
                if process.silence_s >= self._silence_s:
                    cause = f"{name}: no sign of life for {self._silence_s:g} s; it was ended"
                    raise IsolationError(cause, self._end()) from None
                if not process.alive and process.silence_s > _LOOK_SECONDS:  # its children hold its channel open
                    raise _LostError(process.cause_of_death()) from None
                continue
            # 2. what came
            if isinstance(answer, Closed):
                raise _LostError(process.cause_of_death())
            if isinstance(answer, Garbage):
                raise _LostError(answer.cause)
            if answer.id != identifier:
                continue
            if isinstance(answer, host.Error):
                printed = self._end() if identifier == host.START else process.log.report(_LOG_SECONDS)
                cause = f"{name}: {answer.type}: {answer.message}".splitlines()[0][:300]
                raise IsolationError(cause, answer.traceback + printed)
            if isinstance(answer, host.PartialResult):
                parts.append(answer.value)
                asked_s = time.monotonic()
            elif isinstance(answer, host.Finished):
                return parts
            else:
                return answer

    def _end(self) -> str:
        """Kill the process; returns the end of what it printed."""
        process, self._process = self._process, None
        if process is None:
            return ""
        process.end()
        return process.log.report(_LAST_LOG_SECONDS)
