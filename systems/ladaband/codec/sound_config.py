"""Sizes of what turns latents into sound: AudioLDM's autoencoder and vocoder at 48 kHz, used as they are."""

from __future__ import annotations

from dataclasses import dataclass

from songbench.domain.errors import InputError


@dataclass(frozen=True, kw_only=True)
class SoundConfig:
    """The defaults are those of ``audioldm_48k.pth``, as MuCodec's public code has them.

    Attributes:
        latent_channels: of one audio channel's latents.
        channels: of the autoencoder's finest level.
        multiples: of `channels` at each level, the finest first; every level but that doubles frames and bins.
        residual_blocks: per level of the decoder, one more than upstream's setting of the name says.
        norm_groups: of the group norms.
        mel_bands: of the spectrogram, ``latent bins · 2 ** (levels - 1)``.
        vocoder_channels: before the first upsampling; each halves them.
        upsampling: by how much each of the vocoder's levels lengthens the signal.
        upsampling_kernels: of these levels.
        residual_kernels: of the blocks of every level, whose results are averaged.
        dilations: of the convolutions of each block.
        chunk_frames: frames that the vocoder hears at once.
        chunk_hop: frames between two such pieces, which are cross-faded over the rest.
    """

    latent_channels: int = 16
    channels: int = 128
    multiples: tuple[int, ...] = (1, 2, 4, 8)
    residual_blocks: int = 3
    norm_groups: int = 32
    mel_bands: int = 256
    vocoder_channels: int = 1536
    upsampling: tuple[int, ...] = (6, 5, 4, 2, 2)
    upsampling_kernels: tuple[int, ...] = (12, 10, 8, 4, 4)
    residual_kernels: tuple[int, ...] = (3, 7, 11, 15)
    dilations: tuple[int, ...] = (1, 3, 5)
    chunk_frames: int = 1024
    chunk_hop: int = 256

    def __post_init__(self) -> None:
        """Refuse sizes that cannot work."""
        if len(self.upsampling) != len(self.upsampling_kernels):
            raise InputError(
                f"{len(self.upsampling)} levels of upsampling cannot have {len(self.upsampling_kernels)} kernels.",
                field="upsampling_kernels",
            )
        if not 0 < self.chunk_hop < self.chunk_frames:
            raise InputError(
                f"Pieces of {self.chunk_frames} frames cannot be {self.chunk_hop} apart.", field="chunk_hop"
            )

    @property
    def frames_per_latent(self) -> int:
        """Frames of the spectrogram that a latent frame becomes."""
        return int(2 ** (len(self.multiples) - 1))

    @property
    def frame_samples(self) -> int:
        """Samples that a frame of the spectrogram becomes."""
        product = 1
        for factor in self.upsampling:
            product *= factor
        return product
