"""Sound files of which there is no suite: the suite and the manifest that let a run score them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from songbench.domain.audio import read_audio
from songbench.domain.errors import InputError
from songbench.domain.file_kinds import READABLE_SUFFIXES
from songbench.domain.hashing import Json, content_key
from songbench.domain.reading import read_text
from songbench.resources.files import write_atomically

FOLDER = "files"
"""Where suite and manifest lie in the run's folder."""
PATTERNS = (f"{FOLDER}/suite-*.jsonl", f"{FOLDER}/manifest-*.jsonl")
"""Their names, which hold a digest of what they say."""


def sound_files(place: Path) -> list[Path]:
    """The sound files of a folder, in order; a file stands for itself.

    Raises:
        InputError: there is no such folder, or no sound file in it.
    """
    if place.is_file():
        return [place]
    if not place.is_dir():
        raise InputError("There is no such file or folder.", file=str(place))
    paths = sorted(path for path in place.iterdir() if path.suffix.lower() in READABLE_SUFFIXES and path.is_file())
    paths = [path for path in paths if not path.name.startswith(".")]
    if not paths:
        kinds = ", ".join(sorted(READABLE_SUFFIXES))
        raise InputError(f"There is no sound file in this folder ({kinds}).", file=str(place))
    return paths


def lyrics_of(files: Sequence[Path], place: Path) -> dict[Path, str]:
    """The lyrics of sound files: texts of the same names in a folder.

    Args:
        files: the sound files.
        place: the folder of ``NAME.txt``.

    Raises:
        InputError: there is no such folder, or no file has a text there.
    """
    if not place.is_dir():
        raise InputError("There is no such folder.", file=str(place), field="lyrics")
    texts = {file: text for file in files if (text := place / f"{file.stem}.txt").is_file()}
    if not texts:
        raise InputError(
            "No file has its lyrics there.", file=str(place), field="lyrics", cure=f"Call them {files[0].stem}.txt …"
        )
    return {file: read_text(text, "lyrics") for file, text in texts.items()}


def write_file_suite(
    files: Sequence[Path], folder: Path, name: str, *, lyrics: Mapping[Path, str], style: str, language: str | None
) -> tuple[Path, Path]:
    """Write a suite with a prompt for each file, and the manifest that says which file belongs to which.

    Args:
        files: the sound files.
        folder: of the run.
        name: of the suite.
        lyrics: what they should sing, where that is known.
        style: of all of them, in words; "" where nobody says.
        language: of the lyrics; None: detected from their words.

    Returns:
        The paths of suite and manifest.

    Raises:
        InputError: a file cannot be read.
    """
    prompts: list[Json] = []
    rows: list[Json] = []
    for file, identifier in zip(files, identifiers(files), strict=True):
        prompt: dict[str, Json] = {"id": identifier}
        if file in lyrics:
            prompt["lyrics"] = lyrics[file]
        else:
            seconds = round(read_audio(file).seconds, 3)
            prompt |= {"lyrics": {"sections": [{"tag": "inst", "seconds": seconds}]}, "lyrics_known": False}
        prompt |= {"style": style} if style else {}
        prompt |= {"language": language} if language else {}
        prompts.append(prompt)
        rows.append({"id": identifier, "audio": str(file.absolute())})
    head: Json = {"suite": name, "version": "1", "description": "Sound files without a suite"}
    # Other files are another question, whose suite must not take the place of the one that an earlier run rests on.
    digest = content_key("file suite", [head, *prompts], rows)[:12]
    suite, manifest = (folder / FOLDER / f"{kind}-{digest}.jsonl" for kind in ("suite", "manifest"))
    for path, lines in ((suite, [head, *prompts]), (manifest, rows)):
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        write_atomically(path, text.encode())
    return suite, manifest


def identifiers(files: Sequence[Path]) -> list[str]:
    """An id for each file from its name: letters, digits, ``-``, ``_`` and ``.`` only, none twice."""
    names: dict[str, None] = {}
    for file in files:
        stem = re.sub(r"[^A-Za-z0-9._-]+", "-", file.stem).strip("-._")[:150] or "file"
        name, number = stem, 1
        while name.casefold() in {taken.casefold() for taken in names}:
            number += 1
            name = f"{stem}-{number}"
        names[name] = None
    return list(names)
