"""Finished audio from a folder or a manifest, matched to prompts by id: Suno, Udio, a colleague's model.

``--systems imported:suno-v5=PATH`` enters the audio at PATH as the system ``suno-v5``. PATH is

* a folder: ``<prompt id>.<suffix>`` is take 0, ``<prompt id>_s<take>.<suffix>`` any take (SongBloom's own naming), the
  suffix that of a sound file; where it holds a ``manifest.jsonl``, ``.csv`` or ``.tsv``, such as
  ``songbench export --songs`` writes, that says which file is which; or
* a manifest: a ``.jsonl`` file of ``{"id": …, "audio": …, "take": 0}`` lines (``idx`` is another name of ``id``), or a
  ``.csv`` or ``.tsv`` table with those columns; paths are relative to it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from songbench.domain.audio import AudioFile, MemoryAudio, read_audio_with_remarks
from songbench.domain.errors import InputError
from songbench.domain.file_kinds import CONVERTIBLE_SUFFIXES
from songbench.domain.hashing import Json
from songbench.domain.prompt import Prompt
from songbench.domain.song import Failure, GenerationRecord, Request, Song
from songbench.plugin import READY, Availability, SystemCard, unavailable
from systems.imported.files import Files, Folder, Take, TakeFile, same_content
from systems.imported.manifest import Manifest, manifest_in


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
            version="2",
            summary="Finished audio from a folder or manifest (imported:NAME=PATH).",
            licence="as given by whoever made the audio",
            languages=(),
            conditions=(),
            tracks=("song", "v2a"),
        )
        self.parameters: Mapping[str, Json] = {}

    def availability(self) -> Availability:
        """Ready when the source exists."""
        if self._source is None:
            return unavailable("no folder was given", "--systems imported:NAME=FOLDER_OR_MANIFEST")
        if not os.path.exists(self._source):  # noqa: PTH110 - Path.exists raises for a name that is too long
            return unavailable(f"'{self._source}' does not exist", "check the path after '='")
        return READY

    def find(self, prompt: str, take: int) -> Path | None:
        """The file of one take, or None.

        Raises:
            InputError: for a broken manifest, naming the line; two files for one take; a file that could be two takes.
        """
        file = self._files.of(Take(prompt, take))
        return file.path if file else None

    @cached_property
    def _files(self) -> Files:
        assert self._source is not None
        if not self._source.is_dir():
            return Manifest(self._source)
        manifest = manifest_in(self._source)
        return Manifest(manifest) if manifest else Folder(self._source)

    def fingerprint(self, request: Request) -> Json:
        """The content of the file, so that a replaced file is a new song."""
        path = self.find(request.prompt.id, request.take)
        return AudioFile(path).digest if path and path.is_file() else None

    def remarks(self, prompts: Sequence[Prompt], takes: int) -> list[str]:
        """What is missing, left over, unreadable or there twice."""
        expected_takes = [Take(prompt.id, take) for prompt in prompts for take in range(takes)]
        files = {take: file for take in expected_takes if (file := self._files.of(take))}
        present = {take: file for take, file in files.items() if file.path.is_file()}
        lines = [f"{len(present)} of {len(expected_takes)} songs found in {self._source}"]
        if absent := [str(take) for take in expected_takes if take not in files]:
            lines.append(f"no file for {_listed(absent)} (recorded as failures)")
        if absent_files := [f"{file.path} (line {file.line})" for take, file in files.items() if take not in present]:
            lines.append(f"not there: {_listed(absent_files)} (recorded as failures)")
        if foreign := [file.path.name for file in present.values() if file.path.suffix.lower() in CONVERTIBLE_SUFFIXES]:
            lines.append(f'not readable here: {_listed(foreign)} (convert them: ffmpeg -i "{foreign[0]}" …wav)')
        for duplicates in same_content(present):
            lines.append(f"the same recording under several ids: {_listed([str(take) for take in duplicates])}")
        used_paths = {file.path for file in files.values()}
        if extra := sorted(path.name for path in self._files.paths() if path not in used_paths):
            lines.append(f"left aside, as they match no prompt: {_listed(extra)}")
        return [f"{self.card.name}: {line}" for line in lines]

    def generate(self, requests: Sequence[Request]) -> Iterator[Song | Failure]:
        """Decode each file once, so that a broken one is a failure of that song alone."""
        for request in requests:
            take = Take(request.prompt.id, request.take)
            file = self._files.of(take)
            if file is None:
                cause = f"no file for prompt '{take.prompt}' take {take.number}"
                yield Failure("generate", cause, request=request)
                continue
            try:
                yield _song(request, file)
            except InputError as error:
                where = f"line {file.line} of the manifest: " if file.line else ""
                yield Failure("generate", f"{where}{error}", request=request)


def _song(request: Request, file: TakeFile) -> Song:
    audio, remarks = read_audio_with_remarks(file.path)
    record = GenerationRecord(conditions=(), seed_honoured=False, notes=(f"imported from {file.path.name}",))
    return Song(request=request, source=MemoryAudio(audio), record=record, remarks=remarks)


def _listed(names: Sequence[str], most: int = 8) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
