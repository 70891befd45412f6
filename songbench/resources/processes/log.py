"""What a worker process prints: a log file of bounded size, and its end for errors."""

from __future__ import annotations

import array
import contextlib
import fcntl
import termios
import threading
import time
from pathlib import Path
from typing import IO, BinaryIO

MOST_BYTES = 4 << 20
"""Of a log; when it is full, it is begun anew, and the full one kept beside it as ``.old``."""

KEPT_LOGS = 20
TAIL_BYTES = 4000
_LAST_WORDS_SECONDS = 5.0
_LOOK_SECONDS = 0.005


class WorkerLog:
    """Takes the stderr of one process.

    Args:
        path: of the log file; what is there already is kept, up to `MOST_BYTES`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._tail, self._ended = b"", threading.Event()
        self._size = 0
        self._stream: BinaryIO | None = None

    def take(self, stream: BinaryIO) -> None:
        """Keep everything until the stream ends. A disk without room loses the log, never the worker."""
        file, self._stream = self._open(), stream
        while block := stream.read1(1 << 16):  # type: ignore[attr-defined]
            self._tail = (self._tail + block)[-TAIL_BYTES:]
            if file and self._size + len(block) > MOST_BYTES:
                file.close()
                with contextlib.suppress(OSError):
                    self.path.replace(self.path.with_suffix(".old"))
                file = self._open()
            with contextlib.suppress(OSError):
                if file:
                    file.write(block)
                    file.flush()
            self._size += len(block)
        if file:
            with contextlib.suppress(OSError):
                file.close()
        self._ended.set()

    def tail(self, wait_s: float = 0.0) -> str:
        """The end of what the process printed, at most `TAIL_BYTES`.

        Args:
            wait_s: how long to wait at most for what is printed already and still on the way.
        """
        end_s = time.monotonic() + wait_s
        while not self._ended.wait(_LOOK_SECONDS) and time.monotonic() < end_s:
            if self._waiting_bytes() == 0:
                self._ended.wait(_LOOK_SECONDS)  # what was read last may not have been kept yet
                break
        return self._tail.decode(errors="replace").strip()

    def _waiting_bytes(self) -> int | None:
        """How much is printed and not read yet; None where that cannot be said."""
        if self._stream is None:
            return None
        number = array.array("i", [0])
        try:
            fcntl.ioctl(self._stream.fileno(), termios.FIONREAD, number)
        except (OSError, ValueError):  # closed meanwhile
            return None
        return number[0]

    def report(self, wait_s: float = 0.0) -> str:
        """The same to follow an error, with the log's name; "" when nothing was printed."""
        text = self.tail(wait_s)
        return f"\nprinted last:\n{text}\nlog: {self.path}" if text else ""

    def remove(self) -> None:
        """Remove the log of a process that has ended: nothing went wrong."""
        self._ended.wait(_LAST_WORDS_SECONDS)
        for path in (self.path, self.path.with_suffix(".old")):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    def _open(self) -> IO[bytes] | None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._size = self.path.stat().st_size if self.path.exists() else 0
            return open(self.path, "ab")
        except OSError:
            return None


def remove_old_logs(folder: Path) -> None:
    """Make room for another log: keep the newest `KEPT_LOGS` of a folder, with that one."""
    with contextlib.suppress(OSError):
        logs = sorted(folder.glob("*.*"), key=lambda path: path.stat().st_mtime)
        for path in logs[: -KEPT_LOGS + 1]:
            path.unlink(missing_ok=True)
