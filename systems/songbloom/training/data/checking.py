"""A prepared folder read back: every shard, every number, every digest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from songbench.domain.errors import InputError, cause_of
from songbench.domain.hashing import file_digest
from systems.songbloom.training.data.folder import with_splits
from systems.songbloom.training.data.records import SHARDS, DatasetInfo, SongEntry, read_info, read_songs
from systems.songbloom.training.data.shards import ShardReader, ShardSums, shard_paths


@dataclass(frozen=True, kw_only=True)
class DatasetCheck:
    """What was found.

    Attributes:
        info: what the folder says of itself.
        songs: how many were read.
        faults: what is wrong, a sentence each; empty where everything is as it was written.
    """

    info: DatasetInfo
    songs: int
    faults: tuple[str, ...]


def check_dataset(folder: Path) -> DatasetCheck:
    """Read all of a folder.

    Raises:
        InputError: it is not the folder of a finished preparation.
    """
    info, songs = read_info(folder), read_songs(folder)
    faults = list(_faults(folder, info, songs))
    return DatasetCheck(info=info, songs=len(songs), faults=tuple(faults))


def _faults(folder: Path, info: DatasetInfo, songs: list[SongEntry]) -> Iterator[str]:
    names = {shard.file for shard in info.shards}
    yield from (
        f"{path.name}: the description does not know this shard."
        for path in shard_paths(folder / SHARDS)
        if path.name not in names
    )
    ids = [song.id for song in songs]
    if len(set(ids)) != len(ids):
        yield "The list of songs names a song twice."
    if with_splits(songs, info.basis.validation) != songs:
        yield "The list of songs holds out others than the description says."
    listed: dict[str, list[SongEntry]] = {}
    for song in songs:
        listed.setdefault(song.shard, []).append(song)
    for shard in info.shards:
        path = folder / SHARDS / shard.file
        if not path.is_file():
            yield f"{shard.file} is gone."
            continue
        if (digest := file_digest(path)) != shard.sha256:
            yield f"{shard.file} was changed: its sha256 is {digest[:16]}…, not {shard.sha256[:16]}…."
            continue
        try:
            reader = ShardReader(path)
            listing = [replace(entry, split="train") for entry in listed.get(shard.file, [])]
            if [replace(entry, split="train") for entry in reader.entries] != listing:
                yield f"{shard.file} holds other songs than the list of songs says."
            for problem in _shard_faults(reader, info):
                yield f"{shard.file}: {problem}"
        except InputError as error:
            yield f"{shard.file}: {cause_of(error)}"


def _shard_faults(reader: ShardReader, info: DatasetInfo) -> Iterator[str]:
    basis = info.basis
    contents = []
    for entry in reader.entries:
        song = reader.song(entry.place)
        contents.append(song)
        forms = {
            "sketch": (song.sketch, (entry.frames,)),
            "latents": (song.latents, (entry.frames, basis.latent_channels)),
            "style": (song.style, (entry.style_frames, basis.latent_channels)),
        }
        for name, (tensor, shape) in forms.items():
            if tuple(tensor.shape) != shape:
                yield f"the {name} of '{entry.id}' are of shape {tuple(tensor.shape)}, not {shape}."
        if not all(bool(torch.isfinite(part).all()) for part in (song.latents, song.style)):
            yield f"the latents of '{entry.id}' are not finite."
        if len(song.sketch) and not 0 <= int(song.sketch.min()) <= int(song.sketch.max()) < basis.sketch_vocabulary:
            yield f"the sketch tokens of '{entry.id}' are not all of 0 to {basis.sketch_vocabulary - 1}."
        spans = [(section.start, section.end) for section in entry.sections]
        if not spans or any(not 0 <= start < end <= entry.frames for start, end in spans):
            yield f"the sections of '{entry.id}' do not lie in it."
    sums, expected = reader.sums, ShardSums.of(contents, basis.sketch_vocabulary)
    if not (torch.equal(sums.codes, expected.codes) and torch.allclose(sums.squares, expected.squares)):
        yield "its sums are not those of its songs."
