"""The songs of a run as files under readable names, with lyrics, records and manifests that ``imported`` reads."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from songbench.domain.audio import Audio
from songbench.domain.errors import DamageError, InputError
from songbench.domain.hashing import bytes_digest
from songbench.domain.lyrics import render_block
from songbench.domain.song import Song
from songbench.execution.checksums import is_content
from songbench.execution.results import SongId
from songbench.execution.songs import StoredAudio, encode_audio
from songbench.exporting.card import songs_readme
from songbench.exporting.files import listed_digests, refuse_foreign, save, save_list
from songbench.exporting.material import RunExport
from songbench.reporting.audio_files import to_mp3
from songbench.reporting.file_names import readable_names
from songbench.reporting.songs import song_to_json

Encoding: TypeAlias = Literal["flac", "wav", "mp3"]
ENCODINGS: tuple[str, ...] = get_args(Encoding)
"""``flac``: the bytes of the store; ``wav``: the same samples; ``mp3``: smaller, and other samples."""
MANIFEST = "manifest.jsonl"
"""In the folder of each system; ``--systems imported:NAME=FOLDER`` reads it."""
README = "README.md"
SCHEMA = "songbench.exported-songs/1"
_SONG_SCHEMA = "songbench.exported-song/1"


@dataclass(frozen=True, kw_only=True)
class ExportedSongs:
    """What an export of songs did.

    Attributes:
        new: how many songs were written.
        unchanged: how many lay there already.
        faults: songs that could not be exported, and why, one sentence each.
        systems: the folder of each system, by its name.
    """

    new: int
    unchanged: int
    faults: tuple[str, ...]
    systems: dict[str, Path]


def check_encoding(text: str) -> Encoding:
    """The encoding, if it is one.

    Raises:
        InputError: it is none.
    """
    for encoding in ENCODINGS:
        if text == encoding:
            return encoding  # type: ignore[return-value]
    raise InputError("Songs cannot be exported like this.", field="format", value=text, allowed=ENCODINGS)


def export_songs(
    export: RunExport,
    folder: Path,
    *,
    encoding: Encoding = "flac",
    force: bool = False,
    progress: Callable[[SongId], None] = lambda song: None,
) -> ExportedSongs:
    """Write every song to ``SYSTEM/PROMPT.take0.SUFFIX``, its lyrics (``.txt``) and its record (``.json``) beside it.

    A song that lies there already is left alone, so that an export that was cut short is taken up again. Names are
    those of the whole run, whatever part of it is exported, and differ even where a file system ignores case.

    Args:
        export: what to export.
        folder: made when absent.
        encoding: of `ENCODINGS`. What FLAC cannot hold, samples beyond full scale, is a 32-bit WAV as in the store.
        force: overwrite what somebody else put there or changed.
        progress: called after each song.

    Raises:
        InputError: a file is there that is no earlier export's, or was changed since.
        StoreWriteError: a file cannot be written.
    """
    targets = _targets(export, folder, encoding)
    # 1. what is in the way
    earlier = {} if force else listed_digests(folder, SCHEMA)
    refuse_foreign(folder, _foreign(folder, targets.values()), force=force)
    # 2. songs, each with its record last
    new = unchanged = 0
    faults = []
    for song, target in targets.items():
        try:
            is_new = target.write()
        except (DamageError, InputError) as error:
            faults.append(f"{'/'.join(map(str, song))}: {error}")
            continue
        new, unchanged = new + is_new, unchanged + (not is_new)
        progress(song)
    # 3. what is said of all of them
    folders = {target.song.system: target.path.parent for target in targets.values()}
    contents = {f"{place.name}/{MANIFEST}": _manifest(export, place) for place in folders.values()}
    example = next((place.name for place in folders.values()), "FOLDER")
    contents[README] = songs_readme(export, _ENCODED[encoding], example)
    in_the_way = [
        name
        for name, data in contents.items()
        if (folder / name).exists()
        and not is_content(folder / name, bytes_digest(data))
        and not is_content(folder / name, earlier.get(name, ""))
    ]
    refuse_foreign(folder, in_the_way, force=force)
    for name, data in contents.items():
        save(folder / name, data)
    save_list(folder, SCHEMA, earlier | {name: bytes_digest(data) for name, data in contents.items()})
    return ExportedSongs(new=new, unchanged=unchanged, faults=tuple(faults), systems=folders)


@dataclass(frozen=True, kw_only=True)
class _Target:
    """Where a song goes, and what goes there."""

    song: SongId
    path: Path
    source: Song
    encoding: Encoding
    facts: dict[str, Any]
    lyrics: bytes

    @property
    def record(self) -> Path:
        return self.path.with_name(f"{_stem(self.path)}.json")

    @property
    def text(self) -> Path:
        return self.path.with_name(f"{_stem(self.path)}.txt")

    def earlier(self) -> dict[str, Any]:
        """The record of an earlier export of this song; empty where there is none."""
        try:
            value = json.loads(self.record.read_text(encoding="utf-8"))
            return value if value["schema"] == _SONG_SCHEMA and value["audio"]["sha256"] else {}
        except (OSError, ValueError, LookupError, TypeError):
            return {}

    def is_done(self) -> bool:
        """Whether the song lies there as it should."""
        audio = self.earlier().get("audio", {})
        return (
            audio.get("source") == self.source.source.digest
            and audio.get("file") == self.path.name
            and is_content(self.path, audio["sha256"])
            and is_content(self.text, bytes_digest(self.lyrics))
            and self.record.read_bytes() == self._record(audio["sha256"])
        )

    def foreign(self) -> Iterator[Path]:
        """Files in the way that no export wrote, or that were changed since."""
        audio = self.earlier().get("audio", {})
        for path, digest in ((self.path, audio.get("sha256")), (self.text, audio.get("lyrics_sha256"))):
            if path.exists() and not (digest and is_content(path, digest)) and not self._is_right(path):
                yield path
        if self.record.exists() and not audio:
            yield self.record

    def _is_right(self, path: Path) -> bool:
        """Whether a file holds what it should: that of an export which was killed before it noted it."""
        try:
            data = self.lyrics if path == self.text else _encoded(self.source, self.encoding)
        except (DamageError, InputError):
            return False
        return path.read_bytes() == data

    def write(self) -> bool:
        """Write the song unless it lies there; returns whether it was written."""
        if self.is_done():
            return False
        before = self.earlier().get("audio", {})
        data = _encoded(self.source, self.encoding)
        save(self.path, data)
        save(self.text, self.lyrics)
        save(self.record, self._record(bytes_digest(data)))
        replaced = self.path.with_name(Path(str(before.get("file", self.path.name))).name)
        if replaced != self.path and is_content(replaced, str(before["sha256"])):
            replaced.unlink()  # of the same song in another encoding
        return True

    def _record(self, digest: str) -> bytes:
        audio = {
            "file": self.path.name,
            "sha256": digest,
            "source": self.source.source.digest,
            "lyrics_sha256": bytes_digest(self.lyrics),
        }
        value = {"schema": _SONG_SCHEMA, "audio": audio, **self.facts}
        return (json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode()


def _stem(path: Path) -> str:
    return path.name[: -len(path.suffix)]


def _targets(export: RunExport, folder: Path, encoding: Encoding) -> dict[SongId, _Target]:
    experiment = export.experiment
    systems = readable_names(system.name for system in experiment.systems)
    prompts = readable_names(prompt.id for prompt in experiment.suite.prompts)
    targets = {}
    for song, source in export.songs.items():
        prompt = export.prompts[song.prompt]
        facts = {
            "run": export.name,
            "suite": {"name": experiment.suite.name, "version": experiment.suite.version},
            "prompt": prompt.words_to_json(),
            "song": song_to_json(export.rows[song]),
        }
        stem = f"{prompts[song.prompt]}.take{song.take}"
        targets[song] = _Target(
            song=song,
            path=folder / systems[song.system] / f"{stem}.{_suffix(source, encoding)}",
            source=source,
            encoding=encoding,
            facts=json.loads(json.dumps(facts, default=str)),
            lyrics=(render_block(prompt.lyrics).rstrip() + "\n").encode(),
        )
    return targets


def _foreign(folder: Path, targets: Iterable[_Target]) -> Iterator[str]:
    for target in targets:
        for path in target.foreign():
            yield path.relative_to(folder).as_posix()


def _suffix(song: Song, encoding: Encoding) -> str:
    if encoding == "flac" and isinstance(song.source, StoredAudio):
        return song.source.blob.name.rpartition(".")[2]
    return encoding


def _encoded(song: Song, encoding: Encoding) -> bytes:
    """A song's file.

    Raises:
        DamageError: the store has lost it.
        InputError: it cannot be decoded.
    """
    if encoding == "mp3":
        return to_mp3(song.audio)
    if encoding == "wav":
        return _wav(song.audio)
    return (
        song.source.store.read_blob(song.source.blob)
        if isinstance(song.source, StoredAudio)
        else encode_audio(song.audio)[0]
    )


def _wav(audio: Audio) -> bytes:
    """24-bit WAV, or 32-bit float where that would clip samples beyond full scale: the samples of the store."""
    import numpy as np
    import soundfile
    from scipy.io import wavfile  # libsndfile writes the time of day into float WAVs: other bytes each time

    buffer = io.BytesIO()
    if float(np.abs(audio.samples).max()) < 1.0:
        soundfile.write(buffer, audio.samples.T, audio.rate, format="WAV", subtype="PCM_24")
    else:
        wavfile.write(buffer, audio.rate, audio.samples.T)
    return buffer.getvalue()


# -- what is said of all songs -------------------------------------------------------------------------------------


def _manifest(export: RunExport, folder: Path) -> bytes:
    """Every song of a system that lies there, those of earlier exports of other prompts included."""
    order = {prompt.id: number for number, prompt in enumerate(export.experiment.suite.prompts)}
    rows = []
    for path in folder.glob("*.json"):
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
            song, audio = value["song"], str(value["audio"]["file"])
            if value["schema"] == _SONG_SCHEMA and (folder / audio).is_file() and song["prompt"] in order:
                rows.append({"id": str(song["prompt"]), "audio": audio, "take": int(song["take"])})
        except (OSError, ValueError, LookupError, TypeError):
            continue
    rows.sort(key=lambda row: (order[str(row["id"])], row["take"]))
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


_ENCODED: dict[Encoding, str] = {
    "flac": "FLAC, the files of the store; songs beyond full scale, which FLAC cannot hold, are 32-bit WAV",
    "wav": "24-bit WAV, or 32-bit where samples go beyond full scale: the samples of the store",
    "mp3": "MP3 of 192 kbit/s, clipped at full scale: other samples than those that were scored",
}
