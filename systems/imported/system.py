"""Finished audio from a folder or a manifest, matched to prompts by id: Suno, Udio, a colleague's model.

``--systems imported:suno-v5=PATH`` enters the audio at PATH as the system ``suno-v5``. PATH is

* a folder: ``<prompt id>.<suffix>`` is take 0, ``<prompt id>_s<take>.<suffix>`` any take (SongBloom's own naming), the
  suffix one of wav, flac, mp3, ogg, aiff; or
* a manifest: a ``.jsonl`` file of ``{"id": …, "audio": …, "take": 0}`` lines (``idx`` is another name of ``id``), or a
  ``.csv`` file with those columns; paths are relative to it.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from songbench.contracts.cards import READY, Availability, SystemCard, unavailable
from songbench.domain.audio import AudioFile, MemoryAudio
from songbench.domain.errors import InputError
from songbench.domain.file_kinds import READABLE_SUFFIXES
from songbench.domain.hashing import Json
from songbench.domain.prompt import Prompt
from songbench.domain.song import Failure, GenerationRecord, Request, Song

MANIFEST_FIELDS = ("id", "idx", "take", "audio")


class Imported:
    """Audio made elsewhere.

    Args:
        variant: the name of its row in the leaderboard.
        source: the folder or manifest.
    """

    def __init__(self, variant: str = "imported", source: str | None = None) -> None:
        self._source = Path(source) if source else None
        self.card = SystemCard(
            name=variant,
            version="1",
            summary="Finished audio from a folder or manifest (imported:NAME=PATH).",
            licence="as given by whoever made the audio",
            languages=(),
            conditions=(),
        )
        self.parameters: Mapping[str, Json] = {}
        self._files: Mapping[str, Path] | None = None

    def availability(self) -> Availability:
        """Ready when the source exists."""
        if self._source is None:
            return unavailable("no folder was given", "--systems imported:NAME=FOLDER_OR_MANIFEST")
        if not self._source.exists():
            return unavailable(f"'{self._source}' does not exist", "check the path after '='")
        return READY

    def find(self, prompt: str, take: int) -> Path | None:
        """The file of one take, or None.

        Raises:
            InputError: for a broken manifest, naming the line, or two files for one take.
        """
        if self._files is None:
            assert self._source is not None
            self._files = read_folder(self._source) if self._source.is_dir() else read_manifest(self._source)
        names = [f"{prompt}_s{take}"] + ([prompt] if take == 0 else [])
        found = [self._files[name] for name in names if name in self._files]
        if len(found) > 1:
            raise _twice(found, str(self._source), None)
        return found[0] if found else None

    def fingerprint(self, request: Request) -> Json:
        """The content of the file, so that a replaced file is a new song."""
        path = self.find(request.prompt.id, request.take)
        return AudioFile(path).digest if path and path.is_file() else None

    def remarks(self, prompts: Sequence[Prompt], takes: int) -> list[str]:
        """Which takes have no file, and which files belong to no prompt of the suite."""
        found = {(p.id, take): self.find(p.id, take) for p in prompts for take in range(takes)}
        missing = [f"{prompt} take {take}" for (prompt, take), path in found.items() if path is None]
        extra = sorted(path.name for path in set((self._files or {}).values()) - set(found.values()))
        remarks = [f"{self.card.name}: {len(found) - len(missing)} of {len(found)} songs found in {self._source}"]
        if missing:
            remarks.append(f"{self.card.name}: no file for {_some(missing)} (recorded as failures)")
        if extra:
            remarks.append(f"{self.card.name}: left aside, as they match no prompt: {_some(extra)}")
        return remarks

    def generate(self, requests: Sequence[Request]) -> Iterator[Song | Failure]:
        """Decode each file once, so that a broken one is a failure of that song alone."""
        for request in requests:
            path = self.find(request.prompt.id, request.take)
            if path is None:
                yield Failure(
                    "generate", f"no file for prompt '{request.prompt.id}' take {request.take}", request=request
                )
                continue
            try:
                audio = AudioFile(path).load()
            except InputError as error:
                yield Failure("generate", str(error), request=request)
                continue
            record = GenerationRecord(conditions=(), seed_honoured=False, notes=(f"imported from {path.name}",))
            yield Song(request, MemoryAudio(audio), record)


def read_folder(folder: Path) -> dict[str, Path]:
    """Every audio file of a folder by its name without suffix.

    Raises:
        InputError: when two files differ in their suffix only.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in READABLE_SUFFIXES:
            if path.stem in found:
                raise _twice([found[path.stem], path], str(folder), None)
            found[path.stem] = path
    return found


def read_manifest(path: Path) -> dict[str, Path]:
    """Every line of a manifest (.jsonl or .csv) by ``<prompt id>_s<take>``.

    Raises:
        InputError: naming the line, for anything that is not a manifest.
    """
    if path.suffix.lower() not in (".jsonl", ".csv"):
        raise InputError(
            f"A manifest ends in .jsonl or .csv, not '{path.suffix}'.", file=str(path), cure="Or give a folder."
        )
    found: dict[str, Path] = {}
    for number, row in _rows(path):
        name, audio = _entry(row, path, number)
        if name in found:
            raise _twice([found[name], audio], str(path), number)
        found[name] = audio
    return found


def _entry(row: Mapping[str, Any], path: Path, number: int) -> tuple[str, Path]:
    for name in row:
        if name not in MANIFEST_FIELDS:
            raise InputError(
                f"Unknown field '{name}'.", file=str(path), line=number, given=name, allowed=MANIFEST_FIELDS
            )
    try:
        return f"{row.get('id') or row['idx']}_s{int(row.get('take') or 0)}", path.parent / str(row["audio"])
    except (KeyError, ValueError) as error:
        raise InputError(
            f"The line lacks or garbles {error}.", file=str(path), line=number, cure="Needed: id and audio."
        ) from None


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    with open(path, encoding="utf-8", newline="") as handle:
        if path.suffix.lower() == ".csv":
            yield from enumerate(csv.DictReader(handle), start=2)
            return
        for number, line in enumerate(handle, start=1):
            if line.strip():
                yield number, _json_row(line, path, number)


def _json_row(line: str, path: Path, number: int) -> Mapping[str, Any]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise InputError(f"Not valid JSON: {error.msg}.", file=str(path), line=number) from None
    if not isinstance(row, dict):
        raise InputError("Each line is one JSON object.", file=str(path), line=number)
    return row


def _twice(paths: Sequence[Path], file: str, line: int | None) -> InputError:
    names = " and ".join(path.name for path in paths)
    return InputError(f"{names} are the same take.", file=file, line=line, cure="Remove or rename one.")


def _some(names: Sequence[str], most: int = 8) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
