"""The lock of a run's folder: one process at a time works on a run."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from songbench.domain.errors import StoreBusyError, StoreWriteError


@contextmanager
def run_lock(folder: Path) -> Iterator[None]:
    """Hold a run's folder through the operating system, so that it is free when the process ends, however that ends.

    Args:
        folder: the run's; a hidden file beside it is what is locked.

    Raises:
        StoreBusyError: another process works on this run.
        StoreWriteError: the folder of run folders cannot be written.
    """
    import fcntl

    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        handle = open(folder.with_name(f".{folder.name}.lock"), "a+", encoding="utf-8", errors="replace")  # noqa: SIM115
    except OSError as error:
        raise StoreWriteError(f"The folder '{folder.parent}' cannot be written: {error.strerror}.") from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            handle.seek(0)
            holder = handle.read() or "since this moment"
            raise StoreBusyError(
                f"The run '{folder.name}' in '{folder.parent}' is being worked on already ({holder})."
                " Wait for that to end, or give this run another name with --name; both may use one store."
            ) from None
        handle.truncate(0)
        handle.write(f"process {os.getpid()} on {socket.gethostname()}, since {time.strftime('%Y-%m-%d %H:%M:%S')}")
        handle.flush()
        try:
            yield
        finally:
            handle.truncate(0)
