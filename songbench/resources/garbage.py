"""Python's search for reference cycles, where a run of many songs makes millions of objects that last.

Every search looks at all objects that are there. While millions of them come into being it would look again and again
at what is no garbage, which takes as long as everything else together.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_search() -> Iterator[None]:
    """Within the block, or the decorated function, cycles are not searched for: for work that makes hardly any."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextmanager
def search_among_new() -> Iterator[None]:
    """Within the block cycles are searched for only among the objects that it makes itself."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
