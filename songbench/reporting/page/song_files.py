"""The songs of a report page as files that a browser plays, under names that people can read.

The files lie in a folder that a report owns: which file was made from which content stands in a list beside them, so
that a later report makes only what changed and removes only what it made itself.
"""

from __future__ import annotations

import json
import os
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TypeAlias, TypeGuard, get_args

from songbench.domain.audio import AudioSource
from songbench.domain.errors import DamageError, InputError, StoreWriteError
from songbench.domain.song import Song
from songbench.domain.vocal_mix import VocalMix
from songbench.execution.results import SongId
from songbench.execution.songs import StoredAudio
from songbench.reporting.audio_files import MP3_RATE, to_flac, to_mp3
from songbench.reporting.file_names import readable_names
from songbench.resources.files import write_atomically

AudioMode: TypeAlias = Literal["link", "copy", "mp3", "none"]
"""How songs come into a report: linked to the store, copied from it, encoded anew, or not at all."""
AUDIO_MODES: tuple[str, ...] = get_args(AudioMode)
FOLDER = "songs"
"""Holds the audio, below the report's folder; every file of it is named in `LIST`."""
LIST = f"{FOLDER}/files.json"
PROMPTS = "~prompts"
"""The folder of the prompts' own audio; no system's folder can be called so."""

_SCHEMA = "songbench.song-files/1"
_PLAYABLE = frozenset(("flac", "wav", "mp3", "ogg", "m4a"))


@dataclass(frozen=True, kw_only=True)
class SongAudio:
    """Where the files of one song lie, relative to the report's folder.

    Attributes:
        mix: the song; of an accompaniment the mix with its vocal (`songbench.domain.mixing`).
        vocals: its vocal stem; "" where there is none.
        accompaniment: track ``v2a``: what the system gave; else "".
    """

    mix: str
    vocals: str = ""
    accompaniment: str = ""


@dataclass(frozen=True, kw_only=True)
class ReportAudio:
    """The audio of a report.

    Attributes:
        mode: how it came there.
        songs: of each song that has audio there.
        prompts: of each prompt its own audio, by the names of `songbench.domain.prompt.ASSETS`.
        faults: what could not be brought there, and why, one sentence each, by prompt.
    """

    mode: AudioMode
    songs: Mapping[SongId, SongAudio] = field(default_factory=dict)
    prompts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    faults: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def check_audio_mode(mode: str) -> AudioMode:
    """The mode, if it is one.

    Raises:
        InputError: it is none.
    """
    for allowed in AUDIO_MODES:
        if mode == allowed:
            return allowed  # type: ignore[return-value]
    raise InputError("Audio cannot come into a report like this.", field="audio", value=mode, allowed=AUDIO_MODES)


def write_song_files(
    folder: Path,
    songs: Mapping[SongId, Song],
    assets: Mapping[str, Mapping[str, AudioSource]],
    mode: AudioMode,
) -> ReportAudio:
    """Bring the audio of a run into its report.

    ``link`` gives each file of a local store a second name (a hard link), which takes no room; where that is not
    possible, and with ``copy``, it is copied. The bytes are the store's: whoever changes a linked file in place changes
    the store, which `songbench verify` then reports.

    Args:
        folder: of the report; files go to `FOLDER` below it.
        songs: every song that was made.
        assets: of prompts, by prompt and name.
        mode: how.

    Returns:
        Where everything lies. Audio that cannot be read is left out, with a fault.

    Raises:
        StoreWriteError: a file cannot be written.
    """
    if mode == "none":
        _finish(folder, {}, mode)
        return ReportAudio(mode=mode)
    files = _Files(folder, mode)
    systems = readable_names(dict.fromkeys(song.system for song in songs))
    prompts = readable_names(dict.fromkeys([*(song.prompt for song in songs), *assets]))
    # 1. what is to lie where
    of_songs: dict[SongId, SongAudio] = {}
    for song, content in songs.items():
        stem = f"{FOLDER}/{systems[song.system]}/{prompts[song.prompt]}.take{song.take}"
        path = files.add(stem, content.source, song.prompt)
        if vocal := assets.get(song.prompt, {}).get("vocal"):
            mix = files.add(f"{stem}.with-vocal", VocalMix(vocal, content.source), song.prompt)
            of_songs[song] = SongAudio(mix=mix, accompaniment=path)
            continue
        vocals = content.stems.get("vocals")
        of_songs[song] = SongAudio(mix=path, vocals=files.add(f"{stem}.vocals", vocals, song.prompt) if vocals else "")
    of_prompts = {
        prompt: {
            name: files.add(f"{FOLDER}/{PROMPTS}/{prompts[prompt]}.{_ASSETS[name]}", source, prompt)
            for name, source in sources.items()
        }
        for prompt, sources in assets.items()
    }
    # 2. bring it there
    files.write()
    _finish(folder, files.contents, mode)
    # 3. what does lie there
    present = files.contents.keys() | {""}
    return ReportAudio(
        mode=mode,
        songs={
            song: replace(
                audio,
                vocals=audio.vocals if audio.vocals in present else "",
                accompaniment=audio.accompaniment if audio.accompaniment in present else "",
            )
            for song, audio in of_songs.items()
            if audio.mix in present
        },
        prompts={
            prompt: {name: path for name, path in paths.items() if path in present}
            for prompt, paths in of_prompts.items()
        },
        faults={prompt: tuple(lines) for prompt, lines in files.faults.items()},
    )


_ASSETS = {"vocal": "vocal", "reference": "reference", "prompt_wav": "style"}


class _Files:
    """Puts audio below a folder, unless the same content lies there already.

    Attributes:
        contents: what each file that is there was made from, by its path.
        faults: what could not be put there, by prompt.
    """

    def __init__(self, folder: Path, mode: AudioMode) -> None:
        self.folder, self.mode = folder, mode
        self.contents: dict[str, str] = {}
        self.faults: dict[str, list[str]] = defaultdict(list)
        self._sounds: dict[str, tuple[AudioSource, str]] = {}
        self._earlier = _earlier(folder)

    def add(self, stem: str, source: AudioSource, prompt: str) -> str:
        """The path that a sound of a prompt will have, relative to the folder."""
        suffix = "mp3" if self.mode == "mp3" else _suffix(source) if _as_stored(source) else "flac"
        path = f"{stem}.{suffix}"
        self._sounds[path] = source, prompt
        return path

    def write(self) -> None:
        """Put all of it there; what takes long several at a time, as encoding leaves Python free."""
        slow = [path for path in self._sounds if not self._at_once(path)]
        with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
            faults = dict(zip(slow, pool.map(self._write, slow), strict=True))
            for path, (source, prompt) in self._sounds.items():
                fault = faults.get(path)
                if fault:
                    self.faults[prompt].append(f"{path.removeprefix(f'{FOLDER}/')}: {fault}")
                else:
                    self.contents[path] = self._content(source)

    def _at_once(self, path: str) -> bool:
        """Whether a sound could be linked, or was so before."""
        source, target = self._sounds[path][0], self.folder / path
        if self.mode != "link" or not _as_stored(source):
            return False
        try:
            return self._is_there(path) or _linked(source, target)
        except (DamageError, InputError, OSError):  # which is told when it is written
            return False

    def _is_there(self, path: str) -> bool:
        """Whether an earlier report put the same there."""
        content = self._content(self._sounds[path][0])
        return self._earlier.get(path) == content and (self.folder / path).is_file()

    def _write(self, path: str) -> str:
        """Why a sound cannot be put there; "" where it is there now."""
        source, target = self._sounds[path][0], self.folder / path
        try:
            if self._is_there(path):
                return ""
            data = self._encoded(source)
        except (DamageError, InputError) as error:
            return str(error)
        except OSError as error:  # a suite's own file that is gone
            return f"{error.strerror}: {error.filename}"
        try:
            write_atomically(target, data)
        except OSError as error:
            raise StoreWriteError(f"The report cannot be written to '{self.folder}': {error.strerror}.") from error
        return ""

    def _encoded(self, source: AudioSource) -> bytes:
        if self.mode == "mp3":
            return to_mp3(source.load())
        return source.store.read_blob(source.blob) if _as_stored(source) else to_flac(source.load())

    def _content(self, source: AudioSource) -> str:
        return f"{source.digest} {self.mode}" + (f" {MP3_RATE}" if self.mode == "mp3" else "")


def _suffix(source: StoredAudio) -> str:
    return source.blob.name.rpartition(".")[2]


def _as_stored(source: AudioSource) -> TypeGuard[StoredAudio]:
    """Whether browsers play a sound as it lies in the store."""
    return isinstance(source, StoredAudio) and _suffix(source) in _PLAYABLE


def _linked(source: StoredAudio, target: Path) -> bool:
    """Give the file of a blob a second name; False where that is not possible."""
    place = source.store.local_path(source.blob)
    if place is None or not place.is_file() or not place.stat().st_size:
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(place, target)
    except FileExistsError:
        return _replaced_by_link(place, target)
    except OSError:  # another disk, or a file system without links
        return False
    return True


def _replaced_by_link(place: Path, target: Path) -> bool:
    beside = target.with_name(f".{uuid.uuid4().hex}.part")
    try:
        os.link(place, beside)
    except OSError:
        return False
    beside.replace(target)
    beside.unlink(missing_ok=True)  # where both were the same file already, nothing was replaced
    return True


# -- the list of files ---------------------------------------------------------------------------------------------


def _earlier(folder: Path) -> dict[str, str]:
    """What an earlier report put there, by path; empty where its list is gone or is none."""
    try:
        listing = json.loads((folder / LIST).read_text(encoding="utf-8"))
        entries = listing["files"].items() if listing["schema"] == _SCHEMA else ()
        return {path: content for path, content in entries if _inside(path) and isinstance(content, str)}
    except (OSError, ValueError, LookupError, AttributeError, TypeError):
        return {}


def _inside(path: object) -> bool:
    return isinstance(path, str) and path.startswith(f"{FOLDER}/") and ".." not in Path(path).parts


def _finish(folder: Path, contents: Mapping[str, str], mode: AudioMode) -> None:
    """Remove what an earlier report put there and this one does not, and list what is there now."""
    try:
        for path in _earlier(folder).keys() - contents.keys():
            (folder / path).unlink(missing_ok=True)
            for parent in _emptied(folder, path):
                parent.rmdir()
        if contents:
            listing = {"schema": _SCHEMA, "audio": mode, "files": dict(sorted(contents.items()))}
            write_atomically(folder / LIST, (json.dumps(listing, indent=1, ensure_ascii=False) + "\n").encode())
        else:
            (folder / LIST).unlink(missing_ok=True)
    except OSError as error:
        raise StoreWriteError(f"The report cannot be written to '{folder}': {error.strerror}.") from error


def _emptied(folder: Path, path: str) -> Iterator[Path]:
    parent = (folder / path).parent
    if parent != folder / FOLDER and parent.is_dir() and not any(parent.iterdir()):
        yield parent
