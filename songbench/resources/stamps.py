"""When files of weights were last hashed, so that a change is noticed at load without hashing gigabytes each time."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from songbench.domain.hashing import file_digest
from songbench.resources.files import write_atomically
from songbench.resources.sources import WeightFile

STAMPS = ".checked.json"
"""Where it lies beside the files."""


def changed_file(folder: Path, files: Iterable[WeightFile]) -> WeightFile | None:
    """The first file whose content is not what it should be.

    A file is hashed when its size, time of change or place on the disk is another one than when it was last hashed.

    Args:
        folder: where they lie.
        files: with their checksums.
    """
    stamps, now = _read(folder), {}
    for file in files:
        now[file.name] = _stamp(folder, file)
        if stamps.get(file.name) != now[file.name] and file_digest(folder / file.name) != file.sha256:
            return file
    if stamps != now:
        note_stamps(folder, files)
    return None


def note_stamps(folder: Path, files: Iterable[WeightFile]) -> None:
    """Note that files have just been hashed; a folder that cannot be written is hashed again by the next process."""
    stamps = {file.name: _stamp(folder, file) for file in files}
    with suppress(OSError):
        write_atomically(folder / STAMPS, json.dumps(stamps).encode())


def _stamp(folder: Path, file: WeightFile) -> list[int | str | None]:
    """What changes when a file is written: its size, its time of change and its place; and what it should hold."""
    facts = (folder / file.name).stat()
    return [facts.st_size, facts.st_mtime_ns, facts.st_ino, file.sha256]


def _read(folder: Path) -> dict[str, object]:
    try:
        stamps = json.loads((folder / STAMPS).read_bytes())
    except (OSError, ValueError):
        return {}
    return stamps if isinstance(stamps, dict) else {}
