"""A folder of vocals with their accompaniments, as stems are exported or separated, as prompts of the track v2a."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from songbench.domain.errors import InputError
from songbench.domain.file_kinds import READABLE_SUFFIXES
from songbench.domain.hashing import Json
from songbench.domain.reading import read_text

STEMS = "stems"
"""Its name after ``--from``."""

_PARTS: Mapping[str, tuple[str, ...]] = {
    "reference": ("accompaniment", "no_vocals", "instrumental", "band"),
    "vocal": ("vocals", "vocal", "voice"),
    "style": ("style",),
    "lyrics": ("lyrics",),
}
"""How the names of the files for each field of a prompt end, in any case of letters; the first that fits counts."""


def stem_rows(folder: Path, suite_folder: Path) -> list[dict[str, Json]]:
    """A prompt for every vocal in a folder and those below it.

    A file is named after its song and its part (``anna_vocals.wav``), or lies in a folder of the song
    (``anna/vocals.wav``).

    Args:
        folder: where the stems are.
        suite_folder: paths in the prompts are relative to it.

    Returns:
        Lines of a suite, in the order of their ids.

    Raises:
        InputError: there is no such folder, no vocal in it, or two files for one part of a song.
    """
    if not folder.is_dir():
        raise InputError("There is no such folder.", file=str(folder))
    songs: dict[str, dict[str, Path]] = {}
    for name, field, file in _files(folder):
        parts = songs.setdefault(name, {})
        if field in parts:
            raise InputError(f"{parts[field].name} and {file.name} are both the {field} of '{name}'.", file=str(folder))
        parts[field] = file
    rows = [_row(name, parts, suite_folder) for name, parts in sorted(songs.items()) if "vocal" in parts]
    if not rows:
        endings = ", ".join(f"{ending}.wav" for ending in _PARTS["vocal"])
        raise InputError("There is no vocal here.", file=str(folder), cure=f"Looked for names that end in: {endings}.")
    return rows


def _files(folder: Path) -> Iterator[tuple[str, str, Path]]:
    """Every file that is a part of a song: the song's id, the field of a prompt, the path."""
    for file in sorted(folder.rglob("*")):
        suffix = file.suffix.casefold()
        for field, endings in _PARTS.items():
            suits = suffix in READABLE_SUFFIXES if field in ("vocal", "reference") else suffix == ".txt"
            match = re.fullmatch(rf"(?:(.*)[ _.-]+)?(?:{'|'.join(endings)})", file.stem, re.I)
            if suits and match and file.is_file():
                folders = file.parent.relative_to(folder).parts
                words = [*folders, *([match[1]] if match[1] else [])] or [folder.absolute().name]
                yield _identifier("-".join(words)), field, file
                break


def _identifier(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")[:100] or "song"


def _row(name: str, parts: Mapping[str, Path], suite_folder: Path) -> dict[str, Json]:
    row: dict[str, Json] = {"id": name, "track": "v2a"}
    for field, file in parts.items():
        if field in ("vocal", "reference"):
            row[field] = Path(os.path.relpath(file, suite_folder)).as_posix()
        else:
            text = read_text(file, field)
            row[field] = text if field == "lyrics" else " ".join(text.split())
    return row
