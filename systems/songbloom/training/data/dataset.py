"""Prepared songs as examples and batches of training; what a step sees follows from seed, step and rank alone."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from songbench.domain.errors import InputError
from songbench.domain.hashing import content_key
from systems.songbloom.config import SongBloomConfig
from systems.songbloom.text.vocabulary import Vocabulary
from systems.songbloom.training.batch import SongExample
from systems.songbloom.training.data.crops import CropSettings, fits, piece_of, style_of, symbols_in
from systems.songbloom.training.data.records import SHARDS, SongEntry, Split, read_info, read_songs
from systems.songbloom.training.data.shards import ShardReader


def vocabulary_digest(vocabulary: Vocabulary) -> str:
    """Of the symbols in their order."""
    return content_key("vocabulary", list(vocabulary.symbols))


class SongDataset:
    """The songs of one split of a prepared folder. Only slices of shards are read, each when it is asked for.

    Args:
        folder: made by ``songbench train prepare``.
        split: ``train`` or ``validation``; either may be empty.

    Attributes:
        info: what is said of the whole folder.
        songs: the entries of the split, in order.

    Raises:
        InputError: it is not the folder of a finished preparation.
    """

    def __init__(self, folder: Path, *, split: Split) -> None:
        self.folder, self.split = folder, split
        self.info = read_info(folder)
        self.songs: list[SongEntry] = [entry for entry in read_songs(folder) if entry.split == split]
        self._readers: dict[tuple[int, str], ShardReader] = {}

    def __len__(self) -> int:
        return len(self.songs)

    def check(self, config: SongBloomConfig) -> None:
        """Refuse data that were not made for a model.

        Args:
            config: of the model. Its patch and the length of its lyrics may be others than those of the checkpoint
                that the data were prepared with.

        Raises:
            InputError: other latents, sketch tokens, symbols of lyrics or frames.
        """
        basis, model = self.info.basis, config.model
        facts = (
            ("channels of the latents", basis.latent_channels, model.latent_channels),
            ("sketch tokens", basis.sketch_vocabulary, model.sketch_vocabulary),
            ("latent frames a second", basis.frame_rate, config.autoencoder.frame_rate),
            ("symbols of lyrics", basis.vocabulary[:12], vocabulary_digest(model.vocabulary)[:12]),
        )
        if unlike := [f"{name}: {data} and {wanted}" for name, data, wanted in facts if data != wanted]:
            raise InputError(
                f"Data and model do not fit each other ({'; '.join(unlike)}).",
                file=str(self.folder),
                cure="Prepare the data with a checkpoint and a tokenizer of this model, or give the model these sizes.",
            )

    def usable(self, crop: CropSettings) -> list[int]:
        """The indices of the songs that give pieces: long enough, and timed where they must be cut."""
        rate = self.info.basis.frame_rate
        return [number for number, song in enumerate(self.songs) if not fits(song, crop, rate)]

    def example(self, index: int, crop: CropSettings, generator: torch.Generator) -> SongExample:
        """A piece of a song, cut and prompted at random; two numbers are drawn whatever the song.

        Args:
            index: of the song in the split.
            crop: how it is cut.
            generator: everything random follows from it.

        Raises:
            InputError: the song gives no piece, or its shard cannot be read.
        """
        song, basis = self.songs[index], self.info.basis
        piece = piece_of(song, crop, basis.frame_rate, generator)
        style = style_of(song, crop, generator)
        reader = self._reader(song.shard)
        return SongExample(
            id=song.id,
            sketch=reader.tensor(song.place, "sketch", piece).long(),
            latents=reader.tensor(song.place, "latents", piece).float(),
            lyrics=symbols_in(song, piece, basis.section_mark, basis.empty_symbol),
            style=reader.tensor(song.place, "style", style).float(),
        )

    def _reader(self, shard: str) -> ShardReader:
        name = os.getpid(), shard  # a file that was opened before a fork is not shared with the children
        if name not in self._readers:
            self._readers[name] = ShardReader(self.folder / SHARDS / shard)
        return self._readers[name]
