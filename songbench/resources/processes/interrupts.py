"""Ctrl-C, held off while something is done that has to be done whole."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def interrupts_deferred() -> Iterator[None]:
    """Let SIGINT that comes in a block act when the block has ended; outside the main thread it never comes.

    Raises:
        KeyboardInterrupt: at the end, if it came, as far as whoever handled it before does so.
    """
    earlier = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(earlier):
        yield
        return
    calls: list[tuple[int, Any]] = []
    signal.signal(signal.SIGINT, lambda number, frame: calls.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, earlier)
        if calls:
            earlier(*calls[0])
