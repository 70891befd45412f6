"""One process at a time makes a folder that several may want."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from songbench.domain.errors import StoreWriteError


@contextmanager
def locked(folder: Path, variable: str, say: Callable[[str], None]) -> Iterator[int]:
    """Hold a folder while it is made; the operating system lets go when we end, however we end.

    Args:
        folder: what is to be made; the lock file ``NAME.lock`` lies beside it.
        variable: the environment variable that puts such folders elsewhere, for the message.
        say: called with a line when somebody else holds it, before waiting.

    Yields:
        The number of the open lock file. A program that inherits it holds the folder, too.

    Raises:
        StoreWriteError: the place cannot be written.
    """
    import fcntl

    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        handle = open(folder.with_name(f"{folder.name}.lock"), "a", encoding="utf-8")  # noqa: SIM115  (closed below)
    except OSError as error:
        raise unwritable(folder.parent, variable, error) from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say(f"{folder.name}: another setup is at work; waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle.fileno()


def unwritable(place: Path, variable: str, error: OSError) -> StoreWriteError:
    """The error for a place that cannot be written, with the cure."""
    return StoreWriteError(f"{place} cannot be written: {error.strerror}. Free space or set {variable}.")
