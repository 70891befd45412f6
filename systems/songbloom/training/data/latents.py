"""Songs to latents, piece by piece in bounded memory, exactly as if the whole song were encoded at once."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import NamedTuple

import torch
from torch import Tensor

from songbench.domain.audio import Audio
from songbench.domain.errors import InputError
from songbench.domain.hashing import derived_seed
from songbench.resources.tensors import is_finite
from systems.checkpoints.filling import set_tensor, without_storage
from systems.songbloom.autoencoder import Autoencoder
from systems.songbloom.checkpoint import tensor_files
from systems.songbloom.checkpoint_files import CURE, CheckpointFiles
from systems.songbloom.checkpoint_names import Origin
from systems.songbloom.checkpoint_tensors import stored_tensors
from systems.songbloom.config import AutoencoderConfig

PIECE_FRAMES = 256
"""Latent frames encoded at once: 10 s of the released models, about 1 GB of memory."""


def load_autoencoder(files: CheckpointFiles) -> Autoencoder:
    """The autoencoder of a checkpoint alone; the transformers are not read.

    Raises:
        InputError: a file cannot be read, or its tensors are not those of the configuration.
    """
    with without_storage():
        autoencoder = Autoencoder(files.read_config().autoencoder)
    paths = tensor_files(files)
    tensors = stored_tensors(paths)
    for name, shape in [(name, tensor.shape) for name, tensor in autoencoder.state_dict().items()]:
        origin = Origin.of(f"autoencoder.{name}", len(shape))
        expected = dict(zip(origin.names, origin.shapes(shape), strict=True))
        wrong = [part for part in expected if part not in tensors or tensors[part].shape != expected[part]]
        if wrong:
            raise InputError(
                f"The checkpoint does not hold the autoencoder that it describes: {wrong[0]} is missing or of another"
                " shape.",
                file=", ".join(map(str, paths)),
                cure=CURE,
            )
        tensor = origin.join([tensors[part].read() for part in origin.names]).float()
        if not is_finite(tensor):
            raise InputError(f"The autoencoder holds NaN or infinity, in {name}.", file=str(paths[-1]), cure=CURE)
        set_tensor(autoencoder, name, tensor)
    return autoencoder.requires_grad_(False).eval()


def reach(config: AutoencoderConfig) -> int:
    """Latent frames on either side on which a frame can depend, rounded up."""
    samples, hop = 3, 1
    for stride in config.strides:
        samples += hop * (3 * (1 + 3 + 9) + 2 * stride)
        hop *= stride
    return math.ceil((samples + hop) / hop) + 1


class _Piece(NamedTuple):
    """Frames `start` to `end` of a song, encoded with their context, `first` to `last`."""

    first: int
    start: int
    end: int
    last: int

    @property
    def form(self) -> tuple[int, ...]:
        """Pieces of one form can be encoded together."""
        return self.start - self.first, self.end - self.start, self.last - self.end


@dataclass(frozen=True, eq=False)
class LatentEncoder:
    """An autoencoder that encodes whole songs.

    Attributes:
        autoencoder: on `device`.
        device: where it computes.
        batch: pieces of a song encoded at once; more is faster on an accelerator only.
    """

    autoencoder: Autoencoder
    device: str = "cpu"
    batch: int = 1

    @cached_property
    def digest(self) -> str:
        """The sha256 of rate and weights, whose shapes tell all other sizes."""
        digest = hashlib.sha256(str(self.autoencoder.config.sample_rate).encode())
        for name, tensor in self.autoencoder.state_dict().items():
            digest.update(name.encode())
            digest.update(tensor.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    def samples(self, audio: Audio) -> Tensor:
        """The audio at the rate and with the channels of the autoencoder, cut to whole frames, (A, T · hop).

        Mono is doubled; more channels than the autoencoder has become their mean.
        """
        config = self.autoencoder.config
        if audio.samples.shape[0] != config.audio_channels:
            audio = audio.mono()
        samples = torch.from_numpy(audio.at(config.sample_rate).samples.copy())
        samples = samples[:, : samples.shape[1] // config.hop * config.hop]
        return samples.expand(config.audio_channels, -1)

    def encode(self, samples: Tensor, *, seed: int, mono: bool = False) -> Tensor:
        """Latents with the one draw of the bottleneck's noise that is stored, as upstream draws it.

        Args:
            samples: from `samples`.
            seed: of the noise.
            mono: encode the mean of the channels, doubled, as style prompts are.

        Returns:
            float32, (T, C), on the CPU.

        Raises:
            InputError: the autoencoder's strides do not give whole frames.
        """
        if mono:
            samples = samples.mean(dim=0, keepdim=True).expand(len(samples), -1)
        hop, context = self.autoencoder.config.hop, reach(self.autoencoder.config)
        frames = samples.shape[1] // hop
        pieces = [
            _Piece(max(0, start - context), start, end := min(start + PIECE_FRAMES, frames), min(frames, end + context))
            for start in range(0, frames, PIECE_FRAMES)
        ]
        parts: list[tuple[Tensor, Tensor]] = []
        for _, group in groupby(pieces, key=lambda piece: piece.form):
            alike = list(group)
            for at in range(0, len(alike), self.batch):
                parts += self._moments(samples, alike[at : at + self.batch])
        mean, deviation = (torch.cat(part, dim=1) for part in zip(*parts, strict=True))
        generator = torch.Generator().manual_seed(derived_seed("latents", seed, mono))
        noise = torch.randn(frames, mean.shape[0], generator=generator)
        return (mean.T + deviation.T * noise).contiguous()

    def _moments(self, samples: Tensor, pieces: Sequence[_Piece]) -> list[tuple[Tensor, Tensor]]:
        """Mean and deviation of pieces of one form without their context, each (C, frames)."""
        hop, piece = self.autoencoder.config.hop, pieces[0]
        stacked = torch.stack([samples[:, one.first * hop : one.last * hop] for one in pieces]).to(self.device)
        with torch.inference_mode():
            moments = [part.cpu() for part in self.autoencoder.moments(stacked)]
        if (count := moments[0].shape[-1]) != piece.last - piece.first:
            raise InputError(
                f"{piece.last - piece.first} frames of audio give {count} latent frames: the autoencoder's strides do"
                " not fit.",
                cure="Take an autoencoder with even strides.",
            )
        inner = slice(piece.start - piece.first, piece.end - piece.first)
        return [(mean[:, inner], deviation[:, inner]) for mean, deviation in zip(*moments, strict=True)]
