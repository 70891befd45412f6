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


_TAKE = re.compile(r"\.take\d+$")
"""How the names of exported songs end; what belongs to them is called after their prompt."""


def audio_of(files: Sequence[Path], place: Path | Mapping[str, Path], field: str) -> dict[Path, Path]:
    """The audio that belongs to sound files: their vocals, or their true accompaniments.

    Args:
        files: the sound files.
        place: a folder of files with the same names, whatever their suffix (for ``anna.take0.flac`` also ``anna``); one
            file that belongs to all; or files by the names of the sound files without suffix.
        field: for messages.

    Returns:
        What was found; files that have nothing there are left out.

    Raises:
        InputError: there is no such file or folder, nothing in it belongs to a file, two belong to one, or a name is
            that of no file.
    """
    if isinstance(place, Mapping):
        stems = {file.stem for file in files}
        for name, path in place.items():
            if name not in stems:
                raise InputError("No sound file has this name.", field=field, value=name, allowed=stems)
            if not path.is_file():
                raise InputError("There is no such file.", file=str(path), field=field)
        return {file: place[file.stem] for file in files if file.stem in place}
    if place.is_file():
        return dict.fromkeys(files, place)
    by_stem: dict[str, Path] = {}
    for path in sound_files(place):
        if path.stem in by_stem:
            raise InputError(f"{by_stem[path.stem].name} and {path.name} have one name.", file=str(place), field=field)
        by_stem[path.stem] = path
    names = {file: [name for name in (file.stem, _TAKE.sub("", file.stem)) if name in by_stem] for file in files}
    pairs = {file: by_stem[found[0]] for file, found in names.items() if found}
    if not pairs:
        raise InputError(
            "Nothing in this folder is called as a sound file is.",
            file=str(place),
            field=field,
            cure=f"Call them {files[0].stem}.wav …, or give them by name.",
        )
    return pairs


def write_file_suite(
    files: Sequence[Path],
    folder: Path,
    name: str,
    *,
    lyrics: Mapping[Path, str],
    style: str,
    language: str | None,
    vocals: Mapping[Path, Path] | None = None,
    references: Mapping[Path, Path] | None = None,
) -> tuple[Path, Path]:
    """Write a suite with a prompt for each file, and the manifest that says which file belongs to which.

    Args:
        files: the sound files.
        folder: of the run.
        name: of the suite.
        lyrics: what they should sing, where that is known.
        style: of all of them, in words; "" where nobody says.
        language: of the lyrics; None: detected from their words.
        vocals: the vocal of each file: these are accompaniments, and the suite is of the track ``v2a``.
        references: their true accompaniments, where there are any; only with `vocals`.

    Returns:
        The paths of suite and manifest.

    Raises:
        InputError: a file cannot be read, has no vocal where others have one, or is its own vocal or truth.
    """
    _check_parts(files, vocals, references)
    prompts: list[Json] = []
    rows: list[Json] = []
    for file, identifier in zip(files, identifiers(files), strict=True):
        prompt: dict[str, Json] = {"id": identifier}
        if vocals is not None:
            prompt |= {"track": "v2a", "vocal": str(vocals[file].absolute())}
        if references and file in references:
            prompt["reference"] = str(references[file].absolute())
        if file in lyrics:
            prompt["lyrics"] = lyrics[file]
        elif vocals is None:
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


def _check_parts(
    files: Sequence[Path], vocals: Mapping[Path, Path] | None, references: Mapping[Path, Path] | None
) -> None:
    if vocals is None:
        if references:
            raise InputError(
                "True accompaniments are compared with in the track v2a, where each file has its vocal.",
                field="references",
                cure="Give the vocals too.",
            )
        return
    for file in files:
        if file not in vocals:
            raise InputError(
                "This file has no vocal; in the track v2a all need one.",
                file=str(file),
                field="vocals",
                cure="Add its vocal, or score this file by itself, without vocals.",
            )
        for field, partners in (("vocals", vocals), ("references", references or {})):
            if file in partners and partners[file].resolve() == file.resolve():
                raise InputError("This is the scored file itself.", file=str(file), field=field)


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
