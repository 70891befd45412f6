"""The files of an import: which belongs to which take of which prompt, and why some belong to none."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from songbench.domain.errors import InputError
from songbench.domain.file_kinds import CONVERTIBLE_SUFFIXES, READABLE_SUFFIXES
from songbench.domain.hashing import file_digest


class Take(NamedTuple):
    """One take of one prompt."""

    prompt: str
    number: int

    def __str__(self) -> str:
        return f"{self.prompt} take {self.number}"


@dataclass(frozen=True)
class TakeFile:
    """The file of one take.

    Attributes:
        path: where it is, or should be.
        line: of the manifest that names it, or None.
    """

    path: Path
    line: int | None = None


class Files(Protocol):
    """A folder or a manifest."""

    def of(self, take: Take) -> TakeFile | None:
        """The file of one take, or None.

        Raises:
            InputError: when two files could be meant, or one file could be meant for two takes.
        """

    def paths(self) -> Sequence[Path]:
        """Every sound file that there is, in order."""


class Folder:
    """Files whose names say what they are: ``<id>_s<take>.<suffix>``, and ``<id>.<suffix>`` for take 0.

    A name that ends in ``_s<number>`` is always a take, so no file can ever belong to two prompts.

    Args:
        folder: where; files in folders below it and hidden files are not looked at.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, list[Path]] = {}
        for path in sorted(folder.iterdir()):
            if not path.name.startswith(".") and path.suffix.lower() in (*READABLE_SUFFIXES, *CONVERTIBLE_SUFFIXES):
                self._files.setdefault(unicodedata.normalize("NFC", path.stem), []).append(path)

    def of(self, take: Take) -> TakeFile | None:
        """See `Files.of`."""
        exact = self._files.get(f"{take.prompt}_s{take.number}", [])
        bare = self._files.get(take.prompt, []) if take.number == 0 else []
        as_take = re.fullmatch(r"(.+)_s(\d+)", take.prompt)
        if bare and as_take:
            if exact:
                bare = []
            else:
                raise InputError(
                    f"{bare[0].name} could be '{take.prompt}', and it could be take {as_take[2]} of '{as_take[1]}'.",
                    file=str(self._folder),
                    cure=f"Call it {take.prompt}_s0{bare[0].suffix}, or give a manifest, which leaves no doubt.",
                )
        paths = [*exact, *bare]
        readable = [path for path in paths if path.suffix.lower() in READABLE_SUFFIXES]
        paths = readable or paths  # what was converted stands for what it was converted from
        if len(paths) > 1:
            names = " and ".join(path.name for path in paths)
            raise InputError(f"{names} are the same take.", file=str(self._folder), cure="Remove or rename one.")
        return TakeFile(paths[0]) if paths else None

    def paths(self) -> Sequence[Path]:
        """See `Files.paths`."""
        return [path for paths in self._files.values() for path in paths]


def same_content(files: Mapping[Take, TakeFile]) -> list[list[Take]]:
    """Takes whose files hold the same bytes, or are one file; only files of equal size are read.

    Args:
        files: the file of each take.
    """
    sizes: dict[int, list[Take]] = {}
    for take, file in files.items():
        if file.path.is_file():
            sizes.setdefault(file.path.stat().st_size, []).append(take)
    digests: dict[str, list[Take]] = {}
    for takes in sizes.values():
        for take in takes if len(takes) > 1 else ():
            digests.setdefault(file_digest(files[take].path), []).append(take)
    return [takes for takes in digests.values() if len(takes) > 1]
