"""Python's search for circles of things that hold each other, which large passes do without."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Do not look for circles among hundreds of thousands of small things that form none: a tenth of the time.

    Also a decorator. What is in no circle is freed as ever.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
