"""Songs of a manifest: a JSON object per line, of songbench or of the fork ayutaz/SongBloom; and loose sound files.

songbench's own lines have ``id`` and ``audio``, and what is known of the song: ``lyrics``, ``language``, ``sections``
(``[{"tag", "start", "end"}, …]``, with ``lines`` they are the lyrics, too), ``words`` (``[{"text", "start", "end"},
…]``), ``prompt_wav``, ``sketch_path`` or ``sketch_tokens``, ``latent_path``. Whatever is missing is looked for beside
the audio (`systems.songbloom.training.data.sidecars`). The fork's lines have ``idx`` and ``audio_path`` instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from songbench.domain.audio import AudioFile
from songbench.domain.checking import Whole, checked
from songbench.domain.errors import InputError
from songbench.domain.file_kinds import READABLE_SUFFIXES
from songbench.domain.lyrics import Lyrics
from songbench.domain.reading import decode_json, json_rows, read_text
from systems.songbloom.training.data.records import LeftOut
from systems.songbloom.training.data.sidecars import SongFacts, SongTexts, read_sidecar, song_texts
from systems.songbloom.training.data.songs import GivenTensors, SourceSong


class SongLine(SongFacts):
    """One line of a manifest; `SongFacts` and the files.

    Attributes:
        id: unique.
        idx: another name of it.
        audio: path, relative to the manifest.
        audio_path: another name of it.
        take: 0-based; takes other than 0 are called ``ID_s<take>``.
        prompt_wav: path of what style prompts are cut from; None: the song itself.
        sketch_path: path of sketch tokens.
        sketch_tokens: the tokens themselves.
        latent_path: path of latents.
    """

    id: str = ""
    idx: str = ""
    audio: str = ""
    audio_path: str = ""
    take: Annotated[Whole, Field(ge=0)] = 0
    prompt_wav: str | None = None
    sketch_path: str | None = None
    sketch_tokens: list[Whole] | None = None
    latent_path: str | None = None


class ManifestSource:
    """The songs of a manifest.

    Args:
        path: of the manifest.
        seconds_per_tag: how long one tag of a section without words lasts, where lyrics are text.
    """

    def __init__(self, path: Path, seconds_per_tag: float = 1.0) -> None:
        self.path, self._per_tag = path, seconds_per_tag
        self.faults: list[LeftOut] = []

    def songs(self) -> Sequence[SourceSong]:
        """See `systems.songbloom.training.data.songs.TrainingSongs.songs`; lines that cannot be read are faults."""
        self.faults = []
        songs = []
        for number, row in json_rows(read_text(self.path, "manifest")):
            value: Any = None
            try:
                value = decode_json(row, file=str(self.path), line=number)
                songs.append(self._song(checked(SongLine, value, file=str(self.path), line=number)))
            except InputError as error:
                name = (value.get("id") or value.get("idx")) if isinstance(value, dict) else None
                problem = error.located(file=str(self.path), line=number)
                self.faults.append(LeftOut(str(name or f"line {number}"), str(problem)))
        return songs

    def _song(self, line: SongLine) -> SourceSong:
        name, audio = line.id or line.idx, line.audio or line.audio_path
        if not name or not audio:
            raise InputError("The field is missing.", field="audio" if name else "id")
        if line.sketch_path and line.sketch_tokens is not None:
            raise InputError("Both 'sketch_path' and 'sketch_tokens' are given.", field="sketch_path")
        path = self._located(audio)
        texts = song_texts(line, self._per_tag).completed(read_sidecar(path, self._per_tag))
        sketch = tuple(line.sketch_tokens) if line.sketch_tokens is not None else None
        return file_song(
            f"{name}_s{line.take}" if line.take else name,
            path,
            texts,
            prompt=self._located(line.prompt_wav) if line.prompt_wav else None,
            tensors=GivenTensors(
                sketch=self._located(line.sketch_path) if line.sketch_path else sketch,
                latents=self._located(line.latent_path) if line.latent_path else None,
            ),
        )

    def _located(self, text: str) -> Path:
        path = Path(text).expanduser()
        path = path if path.is_absolute() else self.path.parent / path
        if not path.is_file():
            raise InputError(f"There is no file '{text}'.")
        return path


class SoundFolderSource:
    """The sound files of a folder, each with its lyrics beside it.

    Args:
        folder: where; folders below it are not looked at.
        seconds_per_tag: as for `ManifestSource`.
    """

    def __init__(self, folder: Path, seconds_per_tag: float = 1.0) -> None:
        self.folder, self._per_tag = folder, seconds_per_tag
        self.faults: list[LeftOut] = []

    def songs(self) -> Sequence[SourceSong]:
        """See `systems.songbloom.training.data.songs.TrainingSongs.songs`."""
        self.faults = []
        songs = []
        for path in sound_files(self.folder):
            name = path.name[: -len(path.suffix)]
            try:
                songs.append(file_song(name, path, read_sidecar(path, self._per_tag)))
            except InputError as error:
                self.faults.append(LeftOut(name, str(error)))
        return songs


def sound_files(folder: Path) -> list[Path]:
    """The sound files of a folder, in order."""
    return sorted(
        path for path in folder.iterdir() if path.suffix.lower() in READABLE_SUFFIXES and not path.name.startswith(".")
    )


def file_song(
    name: str, path: Path, texts: SongTexts, *, prompt: Path | None = None, tensors: GivenTensors | None = None
) -> SourceSong:
    """A song in a file.

    Args:
        name: its id.
        path: of the audio.
        texts: what is known of it.
        prompt: what style prompts are cut from; None: the song.
        tensors: what another preparation has computed.

    Raises:
        InputError: its lyrics are not known.
    """
    if texts.lyrics is None:
        raise InputError(
            "Its lyrics are not known.",
            file=str(path),
            cure=f"Put them beside it as {path.with_suffix('.txt').name}, in sections such as [verse].",
        )
    lyrics: Lyrics = texts.lyrics
    source = AudioFile(path)
    return SourceSong(
        id=name,
        identity=source.digest,
        lyrics=lyrics,
        audio=lambda: source,
        language=texts.language,
        sections=texts.sections,
        words=texts.words,
        prompt=AudioFile(prompt) if prompt else None,
        tensors=tensors or GivenTensors(),
    )
