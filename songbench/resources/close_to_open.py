"""Files that another machine may have created a moment ago, on a network file system.

NFS is *close-to-open* consistent: who opens a file sees what was written before it was closed elsewhere. That a file is
not there, however, its client goes on believing for half a minute to a minute after it was told so once (``acdirmin``,
``acdirmax`` and ``lookupcache`` of nfs(5)), until the file's folder is opened: then it asks the server whether the
folder has changed. So what seems absent here is looked for again after that. On a local disk this costs microseconds.
"""

from __future__ import annotations

import os
from contextlib import suppress

_SMALL, _LARGE = 1 << 14, 1 << 22
"""Bytes asked for first, and when there are more."""


def read_file(path: str) -> bytes:
    """The bytes of a file.

    Raises:
        FileNotFoundError: there is none, by the server's word.
        OSError: it cannot be read.
    """
    try:
        return _read(path)
    except FileNotFoundError:
        open_folder(os.path.dirname(path))  # noqa: PTH120 - a store's places are text
        return _read(path)


def stat_file(path: str) -> os.stat_result:
    """`os.stat`; errors as in `read_file`."""
    try:
        return os.stat(path)  # noqa: PTH116
    except FileNotFoundError:
        open_folder(os.path.dirname(path))  # noqa: PTH120
        return os.stat(path)  # noqa: PTH116


def open_folder(path: str) -> None:
    """Have the file system ask its server which files a folder holds; where it seems absent, first those above it.

    Raises:
        FileNotFoundError: the folder is not there.
        OSError: it cannot be opened, for another reason than that its names may not be read.
    """
    with suppress(PermissionError):
        try:
            handle = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            above = os.path.dirname(path)  # noqa: PTH120
            if above in ("", path):
                raise
            open_folder(above)
            handle = os.open(path, os.O_RDONLY)
        os.close(handle)


def _read(path: str) -> bytes:
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))  # a record in half of the time that `open` takes
    try:
        parts, size = [], _SMALL
        while data := os.read(handle, size):
            parts.append(data)
            size = _LARGE if len(data) == size else size
        return b"".join(parts)
    finally:
        os.close(handle)
