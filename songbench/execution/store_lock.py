"""The lock of a store: one run at a time plans on it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from songbench.domain.errors import StoreBusyError, StoreError

HEARTBEAT_S = 20.0
STALE_AFTER_S = 120.0


@contextlib.contextmanager
def local_lock(path: Path, url: str, owner: str) -> Iterator[None]:
    """Hold a lock file through the operating system, so that it ends with the process, however that ends.

    Args:
        path: the file; its folder is there.
        url: of the store, for the message.
        owner: shown to others who find the store busy.

    Raises:
        StoreBusyError: another process holds it.
        OSError: it cannot be opened.
    """
    import fcntl

    with open(path, "a+", encoding="utf-8", errors="replace") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            handle.seek(0)
            raise _busy(url, handle.read()) from None
        handle.truncate(0)
        handle.write(_signature(owner))
        handle.flush()
        try:
            yield
        finally:
            handle.truncate(0)


@contextlib.contextmanager
def remote_lock(
    url: str,
    owner: str,
    *,
    read: Callable[[], bytes | None],
    write: Callable[[bytes], None],
    remove: Callable[[], None],
) -> Iterator[None]:
    """Hold a lock that is a record with a heartbeat, which others respect for two minutes.

    Args:
        url: of the store, for the message.
        owner: shown to others who find the store busy.
        read: gives the record's bytes, or None.
        write: puts them.
        remove: deletes them.

    Raises:
        StoreBusyError: another process holds it.
    """
    holder = _holder(read())
    if time.time() - holder["beat"] < STALE_AFTER_S:
        raise _busy(url, holder["who"])
    identifier, over = uuid.uuid4().hex, threading.Event()

    def beat() -> None:
        write(json.dumps({"id": identifier, "who": _signature(owner), "beat": time.time()}).encode())

    def keep_beating() -> None:
        while not over.wait(HEARTBEAT_S):
            with contextlib.suppress(StoreError):  # the run will meet it, too, or it is over by the next beat
                beat()

    beat()
    threading.Thread(target=keep_beating, daemon=True).start()
    try:
        yield
    finally:
        over.set()
        if _holder(read())["id"] == identifier:  # not that of a run that took it over while this machine was asleep
            remove()


def _holder(data: bytes | None) -> dict[str, Any]:
    """Who holds a remote lock; nobody, when there is no record or it is damaged."""
    try:
        record = json.loads(data or b"{}")
        return {"id": str(record["id"]), "who": str(record["who"]), "beat": float(record["beat"])}
    except (ValueError, TypeError, KeyError):
        return {"id": "", "who": "", "beat": 0.0}


def _signature(owner: str) -> str:
    return f"{owner}, process {os.getpid()} on {socket.gethostname()}, since {time.strftime('%Y-%m-%d %H:%M:%S')}"


def _busy(url: str, holder: str) -> StoreBusyError:
    return StoreBusyError(
        f"Another run is working on the store '{url}' ({holder or 'starting'}). Wait for it to end, or use another"
        " store with --store."
    )
