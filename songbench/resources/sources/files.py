"""The files of a weight, and what a source of them is."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from songbench.domain.errors import SongbenchError

PINS = "pins.json"
"""Where the sizes and checksums found at setup lie, beside files that are not pinned by their declaration."""

COMMIT = re.compile(r"[0-9a-f]{40}")
"""Names a state of a repository that cannot change."""


class SourceError(SongbenchError):
    """A source could not give its files; the next one is tried."""


class WeightSource(Protocol):
    """Somewhere weights can come from."""

    @property
    def fixed(self) -> bool:
        """Whether its address names content that cannot change: a commit, a version of a package."""
        return False

    def describe(self) -> str:
        """One line for people."""

    def look_up(self, files: tuple[WeightFile, ...]) -> tuple[WeightSource, tuple[WeightFile, ...]]:
        """Ask what the source says of files that are not pinned; most have nothing to say before the download.

        Returns:
            The source, fixed to the state it spoke of, and the files with what it said filled in.

        Raises:
            SourceError: when it does not answer, or contradicts what is known already.
        """
        return self, files

    def resumable_bytes(self, files: tuple[WeightFile, ...], downloads: Path) -> int:
        """How many bytes of the files an earlier try left in `downloads`, as far as that can be told."""
        return 0

    def fetch(self, files: tuple[WeightFile, ...], folder: Path, downloads: Path) -> None:
        """Put the files into `folder`; partial downloads stay in `downloads` so that they can be resumed.

        Raises:
            SourceError: when it cannot.
        """


@dataclass(frozen=True)
class WeightFile:
    """One file of a weight, or all files below a folder.

    Attributes:
        name: its name in the weight's folder. With a slash at the end it stands for every file that the source has
            below that folder, ``./`` for every file of the source; which ones those are is recorded at setup.
        sha256: of its content, 64 hex digits; None: not known before it is set up.
        size: in bytes; None: not known before it is set up.
        about: an estimate in bytes for when `size` is not known.
    """

    name: str
    sha256: str | None = None
    size: int | None = None
    about: int = 0

    @property
    def folder(self) -> bool:
        """Whether it stands for all files below a folder."""
        return self.name.endswith("/")

    def holds(self, name: str) -> bool:
        """Whether a file of a source is below this folder; hidden files are none of it."""
        return name.startswith(self.name.removeprefix("./")) and not name.startswith(".")

    @property
    def pinned(self) -> bool:
        """Whether size and checksum are both known."""
        return self.sha256 is not None and self.size is not None

    @property
    def likely_size(self) -> int:
        """In bytes, the estimate where the size is not known."""
        return self.about if self.size is None else self.size

    def with_facts(self, *, sha256: str | None = None, size: int | None = None) -> WeightFile:
        """The same file with what somebody says of it filled in where it was not known.

        Raises:
            SourceError: when that contradicts what is known.
        """
        if None not in (size, self.size) and size != self.size:
            raise SourceError(f"{self.name} has {size} bytes, expected {self.size}; refused")
        if sha256 and self.sha256 and sha256 != self.sha256:
            raise SourceError(f"{self.name} has sha256 {sha256[:16]}…, expected {self.sha256[:16]}…; refused")
        return replace(self, sha256=self.sha256 or sha256, size=size if self.size is None else self.size)


def with_folders(files: tuple[WeightFile, ...], present: Iterable[WeightFile]) -> tuple[WeightFile, ...]:
    """The files with every folder replaced by the files below it.

    Args:
        files: some of them folders.
        present: all files of a source.

    Raises:
        SourceError: the source has none below one of the folders.
    """
    present, spread = sorted(present, key=lambda file: file.name), list[WeightFile]()
    for file in files:
        below = [entry for entry in present if file.holds(entry.name)] if file.folder else [file]
        if not below:
            raise SourceError(f"there is nothing in {file.name}")
        spread += below
    return tuple({file.name: file for file in spread}.values())


def with_pins(files: tuple[WeightFile, ...], folder: Path) -> tuple[WeightFile, ...]:
    """The files with what is unknown taken from the `PINS` of a folder; as they are where it has none for them."""
    try:
        pins: Any = json.loads((folder / PINS).read_text(encoding="utf-8"))["files"]
        recorded = [WeightFile(name, str(facts["sha256"]), int(facts["size"])) for name, facts in pins.items()]
        facts = {file.name: file for file in recorded}
        return tuple(
            file.with_facts(sha256=facts[file.name].sha256, size=facts[file.name].size)
            for file in with_folders(files, recorded)
        )
    except (OSError, ValueError, KeyError, TypeError, SourceError):  # absent, damaged, or of some other weight
        return files


def move_file(source: Path, target: Path) -> None:
    """Move a file, making the folder it goes to."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(source, target)
