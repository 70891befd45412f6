"""Files and folders that are their owner's only: keys, ratings, what was prepared.

Where the system knows no modes (Windows), they have the rights of the folder they are in.
"""

from __future__ import annotations

import os
from pathlib import Path

FILE, FOLDER = 0o600, 0o700


def write_private(path: Path, data: bytes) -> None:
    """Write a file as `write_atomically` does, readable by its owner only from its first byte on.

    Raises:
        OSError: when it cannot be written.
    """
    from songbench.resources.files import write_atomically

    write_atomically(path, data, mode=FILE)


def make_private(path: Path) -> None:
    """Take a file or folder that is there away from everybody else, where it is ours to do so."""
    try:
        path.chmod(FOLDER if path.is_dir() else FILE)
    except PermissionError:  # another owner's, who has decided
        return


def touch_private(path: Path) -> None:
    """Make an empty private file, or make the one that is there private.

    Raises:
        OSError: when it cannot be made.
    """
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, FILE))
    make_private(path)
