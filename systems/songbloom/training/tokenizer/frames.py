"""Frames of songs that a codebook is made of, and some that show how well it fits others."""

from __future__ import annotations

import torch
from torch import Tensor

from songbench.domain.audio import check_audio
from songbench.domain.errors import InputError
from songbench.domain.hashing import derived_seed
from systems.songbloom.training.data.basis import splits_of
from systems.songbloom.training.data.records import Split
from systems.songbloom.training.data.songs import RenderedAudio, SourceSong
from systems.songbloom.training.tokenizer.contract import SketchFeatures

_HELD_OUT = 0.1


class FrameCollection:
    """Features of frames drawn from songs; one song in ten, by the digest of its audio, is held out.

    Of five songs or more at least one is held out (`systems.songbloom.training.data.basis.splits_of`).

    Args:
        features: of which kind.
        frame_rate: frames a second.
        per_song: frames drawn from each song.
        most: frames of all songs together, at most.
        seed: everything random follows from it.

    Attributes:
        songs: how many gave frames.
        faults: how many could not.
    """

    def __init__(self, features: SketchFeatures, frame_rate: float, *, per_song: int, most: int, seed: int) -> None:
        self.features, self.frame_rate = features, frame_rate
        self.songs = self.faults = 0
        self._per_song, self._most, self._seed = per_song, most, seed
        self._vectors: list[tuple[str, Tensor]] = []

    def add(self, song: SourceSong) -> tuple[float, str]:
        """Take frames of a song; its length in seconds, and why it could not be used ("" where it could)."""
        try:
            if song.audio is None:
                raise InputError("It has no audio.")
            origin = song.audio()
            source = origin.source if isinstance(origin, RenderedAudio) else origin
            audio = source.load()
            check_audio(audio)
            count = int(audio.seconds * self.frame_rate)
            if count < 1:
                raise InputError("It is shorter than a frame.")
            vectors = self.features.vectors(audio, count)
        except InputError as error:
            self.faults += 1
            return 0.0, str(error)
        generator = torch.Generator().manual_seed(derived_seed("codebook frames", self._seed, source.digest))
        choice = torch.randperm(count, generator=generator)[: self._per_song]
        self._vectors.append((source.digest, vectors[choice]))
        self.songs += 1
        return audio.seconds, ""

    def training(self) -> Tensor:
        """Frames to make a codebook of, (frames, width).

        Raises:
            InputError: no song gave any.
        """
        if not self.songs:
            raise InputError("There is no song that can be used.")
        return self._joined("train") if "train" in self._splits() else self._joined("validation")

    def validation(self) -> Tensor:
        """Frames of other songs, (frames, width); none where too few songs were given."""
        return self._joined("validation") if "train" in self._splits() else torch.empty(0, self.features.width)

    def _splits(self) -> list[Split]:
        return splits_of([digest for digest, _ in self._vectors], _HELD_OUT)

    def _joined(self, split: Split) -> Tensor:
        parts = [part for (_, part), its in zip(self._vectors, self._splits(), strict=True) if its == split]
        vectors = torch.cat(parts) if parts else torch.empty(0, self.features.width)
        if len(vectors) <= self._most:
            return vectors
        generator = torch.Generator().manual_seed(derived_seed("codebook share", self._seed))
        return vectors[torch.randperm(len(vectors), generator=generator)[: self._most]]
