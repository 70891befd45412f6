"""The source that a user means by a name or a path."""

from __future__ import annotations

import json
from pathlib import Path

from songbench.domain.errors import InputError
from songbench.domain.reading import json_rows, read_text
from systems.songbloom.training.data.manifest_source import ManifestSource, SoundFolderSource, sound_files
from systems.songbloom.training.data.songs import TrainingSongs
from systems.songbloom.training.data.suite_source import SuiteSource, suite_path
from systems.songbloom.training.data.tensor_folders import TensorFolderSource, is_tensor_folder

_FORMS = (
    "Give a suite (its name or file), a manifest (.jsonl of id, audio, lyrics, …), or a folder: of sound files with"
    " their lyrics beside them, of an export of songs, or of folders with latents."
)


def find_source(
    source: str, *, audio: Path | None = None, references: bool = False, seconds_per_tag: float = 1.0
) -> TrainingSongs:
    """The source of songs by what a user wrote.

    Args:
        source: the name of a suite or the path of a suite, a manifest or a folder.
        audio: recordings of a suite's prompts.
        references: the reference songs of a suite sing its lyrics.
        seconds_per_tag: how long one tag of a section without words lasts, where lyrics are text.

    Raises:
        InputError: it is none of these; recordings are given for what is no suite.
    """
    path = source_path(source)
    if path.is_file() and not _is_manifest(path):
        return SuiteSource(path, audio=audio, references=references)
    if audio is not None or references:
        raise InputError(
            "Recordings of prompts go with a suite; a manifest or a folder names its own.",
            field="--audio" if audio else "--references",
        )
    if path.is_file():
        return ManifestSource(path, seconds_per_tag)
    if (manifest := path / "manifest.jsonl").is_file():
        return ManifestSource(manifest, seconds_per_tag)
    if is_tensor_folder(path):
        return TensorFolderSource(path)
    if sound_files(path):
        return SoundFolderSource(path, seconds_per_tag)
    raise InputError("There are no songs in this folder.", file=str(path), cure=_FORMS)


def source_path(source: str) -> Path:
    """Where a source lies; cheap.

    Raises:
        InputError: nowhere.
    """
    path = suite_path(source) or Path(source).expanduser()
    if not path.exists():
        raise InputError(f"There is no suite, manifest or folder '{source}'.", cure=_FORMS)
    return path


def _is_manifest(path: Path) -> bool:
    """Whether the first line of a file that can be read as JSON names an audio file, which no suite does."""
    for _, row in json_rows(read_text(path, "suite or manifest")):
        try:
            value = json.loads(row)
        except ValueError:
            continue
        return isinstance(value, dict) and ("audio" in value or "audio_path" in value)
    return False
