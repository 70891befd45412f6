"""Pieces of songs as a model is trained on them, and several of them as one batch.

Shapes: B songs, T frames (a multiple of the patch), C latent channels, F prompt frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from songbench.domain.errors import InputError
from systems.songbloom.config import ModelConfig


@dataclass(frozen=True, kw_only=True)
class SongExample:
    """A song, or a piece of one that was cut at patches.

    Attributes:
        id: of the song, for errors and logs.
        sketch: tokens, int64, (T,).
        latents: float32, (T, C).
        lyrics: symbols of what is sung in the piece, at least one.
        style: latents of the style prompt, float32, (F, C).
    """

    id: str
    sketch: Tensor
    latents: Tensor
    lyrics: tuple[int, ...]
    style: Tensor

    def check(self, config: ModelConfig) -> None:
        """Refuse what the model cannot be trained on.

        Raises:
            InputError: naming the song.
        """
        frames = len(self.sketch)
        if frames < config.patch or frames % config.patch:
            self._refuse(f"{frames} frames are no whole number of patches of {config.patch}")
        if tuple(self.latents.shape) != (frames, config.latent_channels):
            self._refuse(f"latents of shape {tuple(self.latents.shape)}, not ({frames}, {config.latent_channels})")
        if self.style.ndim != 2 or self.style.shape[1] != config.latent_channels:
            self._refuse(f"a style prompt of shape {tuple(self.style.shape)}, not (F, {config.latent_channels})")
        if int(self.sketch.min()) < 0 or int(self.sketch.max()) >= config.sketch_vocabulary:
            self._refuse(f"sketch tokens outside 0..{config.sketch_vocabulary - 1}")
        if not self.lyrics or not 0 <= min(self.lyrics) <= max(self.lyrics) < len(config.vocabulary.symbols):
            self._refuse("no lyrics, or symbols that the vocabulary does not have")
        if not bool(torch.isfinite(self.latents).all()):
            self._refuse("latents that are not finite")

    def _refuse(self, fault: str) -> None:
        raise InputError(f"The song '{self.id}' has {fault}.", field=self.id, cure="Prepare the data again.")


@dataclass(frozen=True, kw_only=True)
class SongBatch:
    """Examples padded on the right to the longest: sketch with the end token, latents with zeros.

    Attributes:
        ids: of the songs, B of them.
        sketch: (B, T).
        latents: (B, T, C).
        lengths: frames of each, (B,).
        lyrics: symbols of each.
        styles: latents of each style prompt, (F, C) each.
    """

    ids: tuple[str, ...]
    sketch: Tensor
    latents: Tensor
    lengths: Tensor
    lyrics: tuple[tuple[int, ...], ...]
    styles: tuple[Tensor, ...]

    @classmethod
    def of(cls, examples: Sequence[SongExample], config: ModelConfig) -> SongBatch:
        """The batch of at least one example.

        Raises:
            InputError: an example that does not fit the model.
        """
        for example in examples:
            example.check(config)
        sketches = [example.sketch for example in examples]
        return cls(
            ids=tuple(example.id for example in examples),
            sketch=pad_sequence(sketches, batch_first=True, padding_value=config.end),
            latents=pad_sequence([example.latents for example in examples], batch_first=True),
            lengths=torch.tensor([len(sketch) for sketch in sketches]),
            lyrics=tuple(example.lyrics for example in examples),
            styles=tuple(example.style for example in examples),
        )

    def to(self, device: torch.device | str) -> SongBatch:
        """The same on a device."""
        return replace(
            self,
            sketch=self.sketch.to(device, non_blocking=True),
            latents=self.latents.to(device, non_blocking=True),
            lengths=self.lengths.to(device, non_blocking=True),
            styles=tuple(style.to(device, non_blocking=True) for style in self.styles),
        )

    def patches(self, patch: int) -> int:
        """Patches of all songs within their lengths."""
        return int((self.lengths // patch).sum())

    def __len__(self) -> int:
        return len(self.ids)
