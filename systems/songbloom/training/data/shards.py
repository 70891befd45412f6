"""Shards: songs in safetensors files, written whole or not at all, read in slices without holding more than that.

The tensors of song n of a shard are ``n.sketch`` int32 (T,), ``n.latents`` (T, C) and ``n.style`` (F, C). Beside them
lie sums over the shard (`ShardSums`), so that statistics need not read everything again, and in the metadata the
entries of the songs, so that a shard says by itself what it holds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from songbench.domain.errors import InputError
from songbench.domain.hashing import file_digest
from songbench.resources.files import whole_path
from systems.songbloom.training.data.crops import FrameSpan
from systems.songbloom.training.data.records import FORMAT, ShardFacts, SongEntry, song_entry

PARTS = ("sketch", "latents", "style")
_SUMS = ("sums.codes", "sums.latents", "sums.squares")


@dataclass(frozen=True)
class SongTensors:
    """What is computed of a song.

    Attributes:
        sketch: tokens, int32, (T,).
        latents: float32 or float16, (T, C).
        style: latents of what style prompts are cut from, of the same type, (F, C).
    """

    sketch: Tensor
    latents: Tensor
    style: Tensor


@dataclass(frozen=True)
class ShardSums:
    """Sums over all frames of songs.

    Attributes:
        codes: how often each sketch token stands there, int64, (V,).
        latents: float64, (C,).
        squares: of the latents, float64, (C,).
    """

    codes: Tensor
    latents: Tensor
    squares: Tensor

    @classmethod
    def of(cls, songs: Sequence[SongTensors], vocabulary: int) -> ShardSums:
        """Of at least one song."""
        latents = [song.latents.double() for song in songs]
        return cls(
            sum((torch.bincount(song.sketch.long(), minlength=vocabulary) for song in songs), torch.tensor(0)),
            sum((part.sum(dim=0) for part in latents), torch.tensor(0.0)),
            sum((part.square().sum(dim=0) for part in latents), torch.tensor(0.0)),
        )

    def __add__(self, sums: ShardSums) -> ShardSums:
        return ShardSums(self.codes + sums.codes, self.latents + sums.latents, self.squares + sums.squares)


def write_shard(path: Path, songs: Sequence[tuple[SongEntry, SongTensors]], vocabulary: int) -> list[SongEntry]:
    """Write songs into a shard that is there whole or not at all.

    Args:
        path: of the shard.
        songs: at least one.
        vocabulary: number of sketch tokens.

    Returns:
        The entries, with their places.
    """
    entries = [replace(entry, shard=path.name, place=place) for place, (entry, _) in enumerate(songs)]
    sums = ShardSums.of([tensors for _, tensors in songs], vocabulary)
    state = dict(zip(_SUMS, (sums.codes, sums.latents, sums.squares), strict=True))
    for place, (_, tensors) in enumerate(songs):
        state |= {f"{place}.{part}": getattr(tensors, part).contiguous().clone() for part in PARTS}
    # One name only: several are written in an order that changes, and with it the digest of the file.
    metadata = {FORMAT: json.dumps([entry.to_json() for entry in entries], ensure_ascii=False)}
    with whole_path(path) as scratch:
        save_file(state, scratch, metadata)
    return entries


class ShardReader:
    """A shard that is open for reading.

    Raises:
        InputError: it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = safe_open(path, framework="pt")
            metadata = self._file.metadata() or {}
            self.entries = [song_entry(value) for value in json.loads(metadata[FORMAT])]
        except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
            raise self._damaged(str(error)) from None

    def tensor(self, place: int, part: str, frames: FrameSpan | None = None) -> Tensor:
        """A part of a song, or some frames of it.

        Args:
            place: of the song in the shard.
            part: of `PARTS`.
            frames: None: all.

        Raises:
            InputError: it cannot be read.
        """
        try:
            tensor = self._file.get_slice(f"{place}.{part}")
            piece: Tensor = tensor[:] if frames is None else tensor[frames.start : frames.end]
            return piece
        except (SafetensorError, OSError) as error:
            raise self._damaged(str(error)) from None

    def song(self, place: int) -> SongTensors:
        """Everything of a song."""
        return SongTensors(*(self.tensor(place, part) for part in PARTS))

    @property
    def sums(self) -> ShardSums:
        """Over all songs of the shard."""
        try:
            return ShardSums(*map(self._file.get_tensor, _SUMS))
        except (SafetensorError, OSError) as error:
            raise self._damaged(str(error)) from None

    def facts(self) -> ShardFacts:
        """The shard as it is; all of it is read for the digest."""
        frames = sum(entry.frames for entry in self.entries)
        return ShardFacts(file=self.path.name, sha256=file_digest(self.path), songs=len(self.entries), frames=frames)

    def _damaged(self, reason: str) -> InputError:
        return InputError(
            f"The shard cannot be read ({reason}).",
            file=str(self.path),
            cure="Remove it and give the same 'songbench train prepare' again; its songs are made anew.",
        )


def shard_paths(folder: Path) -> list[Path]:
    """The shards of a folder, in order."""
    return sorted(path for path in folder.glob("*.safetensors") if not path.name.startswith("."))


def read_entries(paths: Sequence[Path]) -> Iterator[SongEntry]:
    """The entries of all songs of shards, in order."""
    for path in paths:
        yield from ShardReader(path).entries


def by_id(entries: Sequence[SongEntry]) -> Mapping[str, SongEntry]:
    """Entries by id."""
    return {entry.id: entry for entry in entries}
