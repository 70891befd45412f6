"""The files of a store in a local folder, many at once; a `Path` for each would take longer than the system's calls."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from songbench.execution.file_facts import FileFacts, local_facts
from songbench.resources.files import is_scratch


def folders_below(top: str) -> Iterator[tuple[str, list[str]]]:
    """Every folder inside one, with the names in it; nothing where there is none, or a run removes it just now."""
    for folder in names_in(top):
        with suppress(NotADirectoryError):
            yield folder, names_in(f"{top}/{folder}")


def names_in(folder: str) -> list[str]:
    """The names in a folder; none where there is no such folder."""
    try:
        return os.listdir(folder)  # noqa: PTH208 - a Path for each name takes longer than the listing
    except FileNotFoundError:
        return []


def files_below(root: Path, top: Path) -> Iterator[tuple[str, FileFacts]]:
    """What the file system says of every file below a folder, by its place below the root, without scratch files."""
    now_ns = time.time_ns()
    for folder, _, names in os.walk(top):
        below = Path(folder).relative_to(root)
        for name in names:
            path = below / name
            with suppress(FileNotFoundError):  # a run may be at work
                if not is_scratch(path):
                    yield path.as_posix(), local_facts((root / path).stat(), now_ns)


def link(source: str, name: str) -> bool:
    """Give a local file a second name where there is none; False where that cannot be done.

    Raises:
        FileExistsError: there is one.
    """
    try:
        os.link(source, name)
    except FileExistsError:
        raise
    except OSError:  # no folder yet, no links, too many
        return False
    return True
