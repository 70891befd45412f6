"""The folder of a preparation while it is at work: what is finished stays, and appears whole or not at all."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from songbench.domain.errors import InputError, StoreBusyError, StoreWriteError
from songbench.resources.files import sweep, write_atomically
from systems.songbloom.training.data.basis import splits_of
from systems.songbloom.training.data.records import (
    INFO,
    SHARDS,
    SONGS,
    DatasetInfo,
    LeftOut,
    PreparationBasis,
    SongEntry,
    read_info,
)
from systems.songbloom.training.data.shards import ShardReader, SongTensors, shard_paths, write_shard
from systems.songbloom.training.data.statistics import dataset_statistics

SHARD_SONGS = 64
"""Songs of a full shard: some 150 MB of songs of three minutes."""

REPORT = "report.json"
_WORK, _BASIS = "work", "basis.json"


class PreparationFolder:
    """Songs on their way into shards. Each is a file of its own until there are enough of them for a shard.

    Args:
        folder: new, empty, or of an earlier preparation with the same basis, which then goes on.
        basis: what all songs share.
        shard_songs: songs of a full shard.

    Attributes:
        finished: the entries of all finished songs by id, once the folder is `exclusive`.

    Raises:
        InputError: the folder holds other files, or songs that were prepared with anything else.
    """

    def __init__(self, folder: Path, basis: PreparationBasis, *, shard_songs: int = SHARD_SONGS) -> None:
        self.folder, self.basis, self.shard_songs = folder, basis, shard_songs
        self.finished: dict[str, SongEntry] = {}
        self._waiting: list[Path] = []
        check_folder(folder, basis)

    @property
    def _songs_folder(self) -> Path:
        return self.folder / _WORK / "songs"

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Nobody else works in the folder inside; what is finished there is known.

        Raises:
            StoreBusyError: another preparation is at work there.
            StoreWriteError: the folder cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle = open(self.folder / ".lock", "a", encoding="utf-8")  # noqa: SIM115  (closed below)
        except OSError as error:
            raise StoreWriteError(f"{self.folder} cannot be written: {error.strerror}.") from error
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise StoreBusyError(f"Another preparation is at work in {self.folder}.") from None
            self._begin()
            yield

    def _begin(self) -> None:
        """Note what is prepared with what, and find what is finished."""
        self._songs_folder.mkdir(parents=True, exist_ok=True)
        basis = json.dumps(asdict(self.basis), indent=1)
        write_atomically(self.folder / _WORK / _BASIS, basis.encode())
        sweep(self.folder)
        for path in shard_paths(self.folder / SHARDS):
            self.finished |= {entry.id: entry for entry in ShardReader(path).entries}
        for path in shard_paths(self._songs_folder):
            entry = ShardReader(path).entries[0]
            if entry.id in self.finished:
                path.unlink()  # it is in a shard, whose writer was killed before it removed this
                continue
            self.finished[entry.id] = entry
            self._waiting.append(path)

    def add(self, entry: SongEntry, tensors: SongTensors) -> None:
        """Write a finished song, and a shard where enough of them wait."""
        path = self._songs_folder / f"{len(self.finished):08}-{entry.key[:12]}.safetensors"
        write_shard(path, [(entry, tensors)], self.basis.sketch_vocabulary)
        self.finished[entry.id] = entry
        self._waiting.append(path)
        if len(self._waiting) >= self.shard_songs:
            self._write_waiting()

    def _write_waiting(self) -> None:
        if not self._waiting:
            return
        readers = [ShardReader(path) for path in self._waiting]
        last = max((int(path.stem) for path in shard_paths(self.folder / SHARDS)), default=-1)
        songs = [(reader.entries[0], reader.song(0)) for reader in readers]
        path = self.folder / SHARDS / f"{last + 1:05}.safetensors"
        write_shard(path, songs, self.basis.sketch_vocabulary)
        for waiting in self._waiting:
            waiting.unlink()
        self._waiting = []

    def finish(self, left_out: Sequence[LeftOut], lyrics_length: int) -> DatasetInfo:
        """Write the rest, the list of songs and what is said of all of them.

        Args:
            left_out: songs that could not be used.
            lyrics_length: symbols of lyrics that the checkpoint's model reads.

        Raises:
            InputError: there is no song at all.
        """
        self._write_waiting()
        readers = [ShardReader(path) for path in shard_paths(self.folder / SHARDS)]
        report = {"left out": [asdict(fault) for fault in left_out]}
        write_atomically(self.folder / REPORT, _pretty(report))
        if not readers:
            examples = "".join(f"\n  {fault.id}: {fault.reason}" for fault in left_out[:5])
            raise InputError(f"None of the {len(left_out)} songs can be used.{examples}")
        entries = with_splits([entry for reader in readers for entry in reader.entries], self.basis.validation)
        sums = readers[0].sums
        for reader in readers[1:]:
            sums += reader.sums
        statistics = dataset_statistics(entries, sums, self.basis, lyrics_length)
        info = DatasetInfo(basis=self.basis, shards=tuple(reader.facts() for reader in readers), statistics=statistics)
        lines = (json.dumps(entry.to_json(), ensure_ascii=False) + "\n" for entry in entries)
        write_atomically(self.folder / SONGS, "".join(lines).encode())
        write_atomically(self.folder / INFO, _pretty(info.to_json()))
        shutil.rmtree(self.folder / _WORK)
        return info


def with_splits(entries: Sequence[SongEntry], validation: float) -> list[SongEntry]:
    """Entries of all songs of a folder, of which one is held out even if none is by its own digest; see `splits_of`."""
    if any(entry.split == "validation" for entry in entries):
        return list(entries)
    splits = splits_of([entry.audio for entry in entries], validation)
    return [replace(entry, split=split) for entry, split in zip(entries, splits, strict=True)]


def _pretty(value: object) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


def check_folder(folder: Path, basis: PreparationBasis) -> None:
    """Refuse a folder that songs of this basis cannot be put into.

    Raises:
        InputError: it holds other files, or songs that were prepared with anything else.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError("This is a file, not a folder.", file=str(folder), field="--out")
    if (folder / INFO).is_file():
        before: PreparationBasis | None = read_info(folder).basis
    else:
        before = _begun_basis(folder)
    if before is None:
        content = [path.name for path in folder.iterdir() if path.name != ".lock"] if folder.is_dir() else []
        if content and set(content) - {REPORT, _WORK, SHARDS}:
            raise InputError(
                f"The folder holds other files ({content[0]}).", file=str(folder), field="--out", cure="Name a new one."
            )
        return
    if differences := before.differences(basis):
        raise InputError(
            f"The songs in this folder were prepared with something else: {'; '.join(differences)}.",
            file=str(folder),
            cure="Give what it was begun with, or name another folder: songs of both kinds cannot stand beside"
            " each other.",
        )


def _begun_basis(folder: Path) -> PreparationBasis | None:
    path = folder / _WORK / _BASIS
    if not path.is_file():
        return None
    try:
        return PreparationBasis(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise InputError(f"The notes of the preparation are damaged ({error}).", file=str(path)) from None
