"""A worker on whatever machine: what it is told, what it checks before it works, how it does jobs."""

from __future__ import annotations

import fnmatch
import os
import platform
import socket
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from songbench.domain.errors import StoreError
from songbench.execution.hardware import accelerators, usable_cores
from songbench.execution.jobs import JobContext, run_job
from songbench.execution.store import Store
from songbench.execution.store_layout import Blob

PASSED_ON = ("AWS_*", "FSSPEC_*", "HF_*", "SONGBENCH_*", "*_API_KEY")
"""Variables of the run that its workers have, too: keys, folders of weights."""

ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "MKL", "OPENBLAS", "NUMBA")}
"""One thread per worker on a CPU: sums then come out the same whatever the number of workers and cores."""

_MARK = "mark"
_TAIL_BYTES = 4000


@dataclass(frozen=True, kw_only=True)
class WorkerOrder:
    """What a worker is told before its first job.

    Attributes:
        store: the store's address as other machines know it.
        mark: the name of a blob in it, by which a worker sees that this is the same store.
        folder: the run's folder.
        sign: the name of a file in it, by which a worker sees that this is the same folder.
        variables: set before anything is loaded.
        version: of songbench and Python where the run is.
    """

    store: str
    mark: str
    folder: str
    sign: str
    variables: Mapping[str, str]
    version: str

    def to_json(self) -> dict[str, Any]:
        """As it is sent."""
        return asdict(self)


@contextmanager
def worker_order(store: Store, folder: Path) -> Iterator[WorkerOrder]:
    """What workers are told; as long as the block lasts, the store and the folder have the mark they look for.

    Args:
        store: where results go.
        folder: the run's.

    Raises:
        StoreError: the store cannot be written.
    """
    for earlier in folder.glob(f".*.{_MARK}"):  # of a run that was killed
        _remove_mark(store, earlier)
    blob = store.put_blob(uuid.uuid4().hex.encode(), _MARK)
    sign = folder / f".{blob.name}"
    folder.mkdir(parents=True, exist_ok=True)
    sign.touch()
    try:
        yield WorkerOrder(
            store=store.address("").rstrip("/"),
            mark=blob.name,
            folder=str(folder.absolute()),
            sign=sign.name,
            variables={
                name: value
                for name, value in os.environ.items()
                if any(fnmatch.fnmatchcase(name, pattern) for pattern in PASSED_ON)
            },
            version=code_version(),
        )
    finally:
        _remove_mark(store, sign)


def _remove_mark(store: Store, sign: Path) -> None:
    """Remove the sign in a run's folder and the blob that it is named after."""
    with suppress(StoreError):
        store.remove(Blob(sign.name[1:]).place)
    sign.unlink(missing_ok=True)


def code_version() -> str:
    """What has to be the same on all machines: keys name what was asked for, not which code made it where."""
    return f"songbench {version('songbench')} on Python {platform.python_version()}"


class RemoteWorker:
    """Does jobs with one resident model, once it has been told for whom."""

    def __init__(self) -> None:
        self._context: JobContext | None = None

    def begin(self, order: Mapping[str, Any], name: str) -> dict[str, str]:
        """Take an order.

        Args:
            order: a `WorkerOrder` as JSON.
            name: of this worker; its log is named so.

        Returns:
            ``host``; ``problem``: why it cannot work here, "" if it can; ``log``: the file of the run's folder that has
            what this process prints from now on, "" where that folder is not to be seen.
        """
        parsed = WorkerOrder(**order)
        os.environ.update(parsed.variables)
        host = socket.gethostname()
        log = _print_into_the_run(Path(parsed.folder), parsed.sign, name, host)
        return {"host": host, "problem": self._problem(parsed, host), "log": log}

    def run(self, job: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The events of a job (`Job.to_json`) as JSON; ``{"store": reason}`` ends them when the store fails."""
        assert self._context is not None
        try:
            for event in run_job(job, self._context):
                yield asdict(event)
        except StoreError as error:
            yield {"store": str(error)}

    def _problem(self, order: WorkerOrder, host: str) -> str:
        if code_version() != order.version:
            return f"{host} has {code_version()}, the run has {order.version}: install the same on all machines."
        try:
            store = Store(order.store)
            visible = store.peek(Blob(order.mark).place) is not None
        except Exception as error:  # each driver has kinds of its own
            return f"{host} cannot open the store '{order.store}': {error}"
        if not visible:
            return (
                f"{host} does not see what this run put into the store '{order.store}'. A folder must be shared by all"
                " machines under one path; or take a store on S3, with keys that all machines have."
            )
        self._context = JobContext(store, spare_core=bool(accelerators()) and usable_cores() > 1)
        return ""


def log_tail(path: str) -> str:
    """The end of what a worker printed; "" where its log is not to be seen."""
    try:
        return Path(path).read_bytes()[-_TAIL_BYTES:].decode(errors="replace").strip() if path else ""
    except OSError:
        return ""


def _print_into_the_run(folder: Path, sign: str, name: str, host: str) -> str:
    """Have what this process prints go to a log in the run's folder, where that can be seen; returns its path."""
    if not (folder / sign).exists():
        return ""
    path = folder / "logs" / f"{name}.log"
    with suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os.dup2(file, 1)
        os.dup2(file, 2)
        os.close(file)
        os.write(2, f"-- {name} on {host}, process {os.getpid()}\n".encode())
        return str(path)
    return ""
