"""Local files that appear whole or not at all, and what killed processes leave of them."""

from __future__ import annotations

import errno
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EXDEV}
"""What file systems say that have no links."""
_SCRATCH = re.compile(r"\..+\.(?:(?P<process>\d+)-)?[0-9a-f]{8}\.tmp")


def write_atomically(path: Path, data: bytes, *, mode: int = 0o666) -> None:
    """Write a local file so that readers, and a power cut, see all of it or nothing of it.

    Args:
        path: where; folders above it are made.
        data: the content.
        mode: who may read it, less what the process's umask takes away; ``0o600``: the owner only.

    Raises:
        OSError: when it cannot be written; no partial file remains.
    """
    # a report has a file per song, so nothing is asked for that is not needed, and no file is opened twice
    scratch = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
    try:
        handle = os.open(scratch, flags, mode)
    except FileNotFoundError:  # rare, so the folder is made only then
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(scratch, flags, mode)
    try:
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(handle, rest) :]
            os.fsync(handle)
        finally:
            os.close(handle)
        scratch.replace(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise


@contextmanager
def whole_file(path: Path, *, mode: int = 0o666) -> Iterator[BinaryIO]:
    """The same for what is written piece by piece: the file appears when the block ends without an error.

    Args:
        path: where; folders above it are made.
        mode: as of `write_atomically`.

    Raises:
        OSError: when it cannot be written; no partial file remains.
    """
    with (
        whole_path(path) as scratch,
        open(scratch, "wb", opener=lambda name, flags: os.open(name, flags, mode)) as handle,
    ):
        yield handle


@contextmanager
def whole_path(path: Path) -> Iterator[Path]:
    """The same for libraries that open files themselves: what is written to the given path takes the name of `path`.

    Args:
        path: where; folders above it are made.

    Raises:
        OSError: when it cannot be written; no partial file remains.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{os.getpid()}-{uuid.uuid4().hex[:8]}.tmp")
    try:
        yield scratch
        with open(scratch, "rb") as handle:
            os.fsync(handle.fileno())
        scratch.replace(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise


def create_file(path: Path, data: bytes) -> None:
    """Write a small local file where there is none: of several processes that try, on several machines, one succeeds.

    It appears with its content where the file system has links; it need not outlive a power cut.

    Args:
        path: where; folders above it are made.
        data: the content.

    Raises:
        FileExistsError: there is one already.
        OSError: when it cannot be written.
    """
    scratch = path.with_name(f".{path.name}.{os.getpid()}-{uuid.uuid4().hex[:8]}.tmp")
    try:
        _write_new(scratch, data)
        try:
            os.link(scratch, path)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            _write_new(path, data)
    finally:
        scratch.unlink(missing_ok=True)


def _write_new(path: Path, data: bytes) -> None:
    try:
        handle = open(path, "xb", buffering=0)  # noqa: SIM115 - closed below
    except FileNotFoundError:  # rare, so the folder is not asked for each time
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = open(path, "xb", buffering=0)  # noqa: SIM115
    with handle:
        handle.write(data)


def is_scratch(path: Path) -> bool:
    """Whether a file is one that `write_atomically` writes before it takes its name."""
    return bool(_SCRATCH.fullmatch(path.name))


def sweep(folder: Path) -> list[Path]:
    """Remove the scratch files below a folder whose writers are gone: killed, or on a machine that was.

    A process that still lives on this machine keeps its own, as it may be about to rename them.

    Returns:
        What was removed.
    """
    import psutil

    removed = []
    for place, _, names in os.walk(folder):
        for name in names:
            match = _SCRATCH.fullmatch(name) if name.endswith(".tmp") else None
            if match and not (match["process"] and psutil.pid_exists(int(match["process"]))):
                removed.append(Path(place, name))
    for path in removed:
        path.unlink(missing_ok=True)
    return removed
