"""The songs of a run as files under readable names, with lyrics, records and manifests that ``imported`` reads."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from songbench.domain.audio import Audio, AudioFile, AudioSource
from songbench.domain.errors import DamageError, InputError
from songbench.domain.hashing import bytes_digest
from songbench.domain.lyrics import render_block
from songbench.domain.vocal_mix import VocalMix
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
MIXES = "with-vocal"
"""Track ``v2a``: below the folder of a system, its accompaniments mixed with their vocals."""
OF_PROMPTS = {"vocal": "vocals", "reference": "true-accompaniments"}
"""Track ``v2a``: the folders of the prompts' own audio, by their names among the assets."""
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

    Of the track ``v2a`` that is the accompaniment; the mix with its vocal is ``SYSTEM/with-vocal/PROMPT.take0.SUFFIX``,
    and the prompts' own audio lies in the folders `OF_PROMPTS`. A song whose vocal is not in the store has a fault.
    The record has the times of sections and words, where the system knows them.

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
    of_prompts = _of_prompts(export, encoding)
    # 1. what is in the way
    earlier = {} if force else listed_digests(folder, SCHEMA)
    foreign = [*_foreign(folder, targets.values()), *_foreign_of_prompts(folder, of_prompts, encoding, earlier)]
    refuse_foreign(folder, foreign, force=force)
    # 2. the audio of prompts; songs, each with its record last
    new = unchanged = 0
    faults = []
    digests = {}
    for name, source in of_prompts.items():
        try:
            data = _encoded(source, encoding)
        except (DamageError, InputError) as error:
            faults.append(f"{name}: {error}")
            continue
        digests[name] = bytes_digest(data)
        if not is_content(folder / name, digests[name]):
            save(folder / name, data)
    earlier = _without_replaced(folder, earlier, digests)
    for song, target in targets.items():
        if target.mix is None and export.prompts[song.prompt].vocal is not None:
            faults.append(f"{'/'.join(map(str, song))}: no mix, as its vocal is not in the store")
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
    digests |= {name: bytes_digest(data) for name, data in contents.items()}
    save_list(folder, SCHEMA, earlier | digests)
    return ExportedSongs(new=new, unchanged=unchanged, faults=tuple(faults), systems=folders)


@dataclass(frozen=True, kw_only=True)
class _Target:
    """Where a song goes, and what goes there; of the track ``v2a`` also its mix with the vocal, below `MIXES`."""

    song: SongId
    path: Path
    source: AudioSource
    mix: VocalMix | None
    encoding: Encoding
    facts: dict[str, Any]
    lyrics: bytes

    @property
    def record(self) -> Path:
        return self.path.with_name(f"{_stem(self.path)}.json")

    @property
    def text(self) -> Path:
        return self.path.with_name(f"{_stem(self.path)}.txt")

    @property
    def mix_path(self) -> Path:
        return self.path.parent / MIXES / f"{_stem(self.path)}.{_suffix(self.mix, self.encoding)}"

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
        mix = audio.get("mix_sha256")
        return (
            audio.get("source") == self.source.digest
            and audio.get("file") == self.path.name
            and is_content(self.path, audio["sha256"])
            and is_content(self.text, bytes_digest(self.lyrics))
            and (self.mix is None or bool(mix and is_content(self.mix_path, mix)))
            and self.record.read_bytes() == self._record(audio["sha256"], mix)
        )

    def foreign(self) -> Iterator[Path]:
        """Files in the way that no export wrote, or that were changed since."""
        audio = self.earlier().get("audio", {})
        files = [(self.path, audio.get("sha256")), (self.text, audio.get("lyrics_sha256"))]
        files += [(self.mix_path, audio.get("mix_sha256"))] if self.mix else []
        for path, digest in files:
            if path.exists() and not (digest and is_content(path, digest)) and not self._is_right(path):
                yield path
        if self.record.exists() and not audio:
            yield self.record

    def _is_right(self, path: Path) -> bool:
        """Whether a file holds what it should: that of an export which was killed before it noted it."""
        try:
            data = self.lyrics if path == self.text else _encoded(self._audio_at(path), self.encoding)
        except (DamageError, InputError):
            return False
        return path.read_bytes() == data

    def _audio_at(self, path: Path) -> AudioSource:
        return self.source if path == self.path or self.mix is None else self.mix

    def write(self) -> bool:
        """Write the song unless it lies there; returns whether it was written."""
        if self.is_done():
            return False
        before = self.earlier().get("audio", {})
        data = _encoded(self.source, self.encoding)
        mix = None if self.mix is None else _encoded(self.mix, self.encoding)
        save(self.path, data)
        save(self.text, self.lyrics)
        if mix is not None:
            save(self.mix_path, mix)
        save(self.record, self._record(bytes_digest(data), None if mix is None else bytes_digest(mix)))
        parts = ((self.path, "file", "sha256"), *([(self.mix_path, "mix", "mix_sha256")] if self.mix else ()))
        for path, name, digest in parts:
            replaced = path.with_name(Path(str(before.get(name, path.name))).name)
            if replaced != path and is_content(replaced, str(before[digest])):
                replaced.unlink()  # of the same song in another encoding
        return True

    def _record(self, digest: str, mix: str | None) -> bytes:
        audio: dict[str, str | None] = {
            "file": self.path.name,
            "sha256": digest,
            "source": self.source.digest,
            "lyrics_sha256": bytes_digest(self.lyrics),
        }
        if self.mix is not None:
            audio |= {"mix": f"{MIXES}/{self.mix_path.name}", "mix_sha256": mix, "mix_source": self.mix.digest}
        value = {"schema": _SONG_SCHEMA, "audio": audio, **self.facts}
        return (json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode()


def _stem(path: Path) -> str:
    return path.name[: -len(path.suffix)]


def _targets(export: RunExport, folder: Path, encoding: Encoding) -> dict[SongId, _Target]:
    experiment = export.experiment
    systems = readable_names((system.name for system in experiment.systems), reserved=OF_PROMPTS.values())
    prompts = readable_names(prompt.id for prompt in experiment.suite.prompts)
    targets = {}
    for song, source in export.songs.items():
        prompt = export.prompts[song.prompt]
        facts = {
            "run": export.name,
            "suite": {"name": experiment.suite.name, "version": experiment.suite.version},
            "prompt": prompt.words_to_json(),
            "song": song_to_json(export.rows[song]),
            "sections": [vars(section) for section in source.sections],
            "words": [vars(word) for word in source.words],
        }
        stem = f"{prompts[song.prompt]}.take{song.take}"
        vocal = export.assets[song.prompt].get("vocal")
        targets[song] = _Target(
            song=song,
            path=folder / systems[song.system] / f"{stem}.{_suffix(source.source, encoding)}",
            source=source.source,
            mix=VocalMix(vocal, source.source) if vocal else None,
            encoding=encoding,
            facts=json.loads(json.dumps(facts, default=str)),
            lyrics=(render_block(prompt.lyrics).rstrip() + "\n").encode(),
        )
    return targets


def _of_prompts(export: RunExport, encoding: Encoding) -> dict[str, AudioSource]:
    """The audio that goes with the songs of the track ``v2a``, by where it goes."""
    names = readable_names(prompt.id for prompt in export.experiment.suite.prompts)
    return {
        f"{place}/{names[prompt]}.{_suffix(sources[asset], encoding)}": sources[asset]
        for prompt, sources in export.assets.items()
        if export.prompts[prompt].track == "v2a"
        for asset, place in OF_PROMPTS.items()
        if asset in sources
    }


def _foreign_of_prompts(
    folder: Path, of_prompts: Mapping[str, AudioSource], encoding: Encoding, earlier: Mapping[str, str]
) -> Iterator[str]:
    for name, source in of_prompts.items():
        path = folder / name
        if path.exists() and not is_content(path, earlier.get(name, "")):
            try:
                right = bytes_digest(_encoded(source, encoding))
            except (DamageError, InputError):
                right = ""
            if not is_content(path, right):
                yield name


def _without_replaced(folder: Path, earlier: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """What an earlier export listed, less the prompts' audio that lies there in another encoding now: it is removed."""
    stems = {name.rpartition(".")[0] for name in new}
    replaced = {name for name in earlier if name.rpartition(".")[0] in stems and name not in new}
    for name in replaced:
        if is_content(folder / name, earlier[name]):
            (folder / name).unlink()
    return {name: digest for name, digest in earlier.items() if name not in replaced}


def _foreign(folder: Path, targets: Iterable[_Target]) -> Iterator[str]:
    for target in targets:
        for path in target.foreign():
            yield path.relative_to(folder).as_posix()


def _suffix(source: AudioSource | None, encoding: Encoding) -> str:
    if encoding == "flac" and isinstance(source, StoredAudio):
        return source.blob.name.rpartition(".")[2]
    if encoding == "flac" and isinstance(source, AudioFile):
        return source.path.suffix.removeprefix(".").lower()
    return encoding


def _encoded(source: AudioSource, encoding: Encoding) -> bytes:
    """The file of a song or of a prompt's audio.

    Raises:
        DamageError: the store has lost it.
        InputError: it cannot be read or decoded.
    """
    if encoding == "mp3":
        return to_mp3(source.load())
    if encoding == "wav":
        return _wav(source.load())
    if isinstance(source, StoredAudio):
        return source.store.read_blob(source.blob)
    if isinstance(source, AudioFile):
        try:
            return source.path.read_bytes()
        except OSError as error:
            raise InputError(f"It cannot be read ({error.strerror}).", file=str(source.path)) from error
    return encode_audio(source.load())[0]


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
    "flac": "FLAC, the files of the store; songs beyond full scale, which FLAC cannot hold, are 32-bit WAV, and audio"
    " that is a file beside the suite is copied as it is",
    "wav": "24-bit WAV, or 32-bit where samples go beyond full scale: the samples of the store",
    "mp3": "MP3 of 192 kbit/s, clipped at full scale: other samples than those that were scored",
}
