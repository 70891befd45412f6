"""How fast a service is asked: by all threads and processes of this user together."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from songbench.resources.hosted.errors import ServiceError

_LOOK_S = 0.2
"""How often it is looked whether a place has become free."""


class Pace:
    """Places for songs that are being made, and the time between two orders.

    Both are files that the operating system locks for as long as a process lives: a killed run leaves no place taken.

    Args:
        folder: of these files, one for each service.
        at_once: how many songs may be made at a time.
        interval_s: the least time between two orders.
    """

    def __init__(self, folder: Path, at_once: int, interval_s: float) -> None:
        self._folder, self._at_once, self._interval_s = folder, at_once, interval_s

    @contextlib.contextmanager
    def place(self, stop: threading.Event) -> Iterator[None]:
        """Hold a place, waiting for one to become free.

        Raises:
            ServiceError: the run ended meanwhile.
            OSError: the files cannot be made.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        while True:
            for number in range(self._at_once):
                handle = os.open(self._folder / f"place-{number}", os.O_RDWR | os.O_CREAT, 0o600)
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    os.close(handle)
                    continue
                try:
                    yield
                finally:
                    os.close(handle)  # and with it the lock
                return
            if stop.wait(_LOOK_S):
                raise ServiceError("stopped", "the run ended")

    def turn(self, stop: threading.Event) -> None:
        """Wait until the next order may be given, and reserve that moment.

        Raises:
            ServiceError: the run ended meanwhile.
        """
        if not self._interval_s:
            return
        path = self._folder / "last-order"
        with open(path, "a+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            try:
                last_s = float(file.read())
            except ValueError:
                last_s = 0.0
            now_s = time.time()
            # a moment far ahead is that of a clock that was set back
            next_s = max(now_s, last_s + self._interval_s) if last_s < now_s + 3600 else now_s
            file.seek(0)
            file.truncate()
            file.write(repr(next_s))
        if stop.wait(next_s - now_s):
            raise ServiceError("stopped", "the run ended")
