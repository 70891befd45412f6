"""MuCodec (Xu et al. 2024, arXiv 2409.13216): 48 kHz stereo to 25 tokens a second, 0.35 kbit/s, and back.

Encoding is deterministic. Decoding draws its noise from the song's own generator, window by window, so that a song
sounds the same in whatever company it is decoded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from songbench.domain.errors import InputError
from systems.ladaband.codec.audio import check_ids, check_samples, fitted
from systems.ladaband.codec.encoder import MusicEncoder
from systems.ladaband.codec.latent_flow import LatentFlow
from systems.ladaband.codec.sound_config import SoundConfig
from systems.ladaband.codec.sound_decoder import SoundDecoder
from systems.ladaband.codec.windows import (
    OVERLAP_SAMPLES,
    OVERLAP_TOKENS,
    TOKEN_SAMPLES,
    WINDOW_SAMPLES,
    Timing,
    cross_faded,
    levelled,
    sample_count,
    sound_window,
    token_count,
    token_windows,
    window_starts,
)
from systems.ladaband.config import CodecConfig

ENCODED_TOGETHER = 3
"""Windows of a song that are encoded at once, as upstream does."""

Latents = Callable[[Tensor, Tensor | None, Sequence[torch.Generator]], Tensor]
"""Tokens of one window of each song (N, 1024), the latents they go on from (N, C, K, B) or None, and the songs'
generators in, latents (N, C, F, B) out."""

FRAME_TOKENS = 2
"""Tokens per latent frame."""


def decode_windows(
    songs: Sequence[Tensor],
    generators: Sequence[torch.Generator],
    latents: Latents,
    sound: Callable[[Tensor], Tensor],
    timing: Timing,
) -> list[Tensor]:
    """The sound of several songs, whose first windows are made together, then their second ones, and so on.

    A window depends on the one before it in its song, so songs are all that can be computed side by side.

    Args:
        songs: tokens, each of shape (T,).
        generators: one per song.
        latents: see `Latents`.
        sound: of the latents of one window of one song, (C, F, B), as (2, at least 1966080).
        timing: how lengths are rounded.

    Returns:
        Of each song shape (2, n).
    """
    windows = [token_windows(ids) for ids in songs]
    chains: list[list[Tensor]] = [[] for _ in songs]
    for number in range(max(map(len, windows), default=0)):
        going_on = [song for song, rows in enumerate(windows) if number < len(rows)]
        prefix = None
        if number:
            prefix = torch.stack([chains[song][-1][:, -OVERLAP_TOKENS // FRAME_TOKENS :] for song in going_on])
        ids = torch.stack([windows[song][number] for song in going_on])
        for song, window in zip(going_on, latents(ids, prefix, [generators[song] for song in going_on]), strict=True):
            chains[song].append(window)
    return [
        cross_faded((sound(window)[:, :WINDOW_SAMPLES] for window in chain), OVERLAP_SAMPLES)[
            :, : sample_count(len(ids), timing)
        ]
        for ids, chain in zip(songs, chains, strict=True)
    ]


class MuCodec:
    """The whole codec; it is a `systems.ladaband.codec.Codec`.

    Args:
        encoder: MuQ's part.
        flow: quantiser and flow.
        sound: autoencoder and vocoder.
        timing: how lengths are rounded and windows cut; see `windows`.
        device: where it computes; parts are moved there.
        precision: of the estimator; all else is float32, as rounding there changes tokens or is heard (convolutions on
            CUDA are in TF32 where torch's own setting allows it, as upstream has it).
    """

    def __init__(
        self,
        encoder: MusicEncoder,
        flow: LatentFlow,
        sound: SoundDecoder,
        *,
        timing: Timing = "released",
        device: torch.device | str = "cpu",
        precision: torch.dtype = torch.float32,
    ) -> None:
        _check_lengths(flow.config, sound.config)
        for part in (encoder, flow, sound):
            part.eval().requires_grad_(False).to(device)
        flow.estimator.to(precision)
        self.encoder, self.flow, self.sound = encoder, flow, sound
        self.timing, self.device = timing, torch.device(device)
        self.config = flow.config
        self.vocabulary = self.config.vocabulary

    @torch.no_grad()
    def encode(self, samples: Tensor) -> Tensor:
        """The tokens of a song, on the CPU; see `Codec.encode`."""
        check_samples(samples)
        song = levelled(samples.float())
        starts = window_starts(song.shape[1], self.timing)
        ids = []
        for first in range(0, len(starts), ENCODED_TOGETHER):
            together = starts[first : first + ENCODED_TOGETHER]
            windows = torch.stack([sound_window(song, start, self.timing) for start in together])
            ids.append(self.flow.quantizer.tokens(self.encoder(windows.to(self.device))).flatten().cpu())
        return torch.cat(ids)[: token_count(song.shape[1], self.timing)]

    def decode(self, ids: Tensor, generator: torch.Generator, samples: int | None = None) -> Tensor:
        """The sound of one song; see `Codec.decode`."""
        return self.decode_songs([ids], [generator], [samples])[0]

    @torch.no_grad()
    def decode_songs(
        self, songs: Sequence[Tensor], generators: Sequence[torch.Generator], samples: Sequence[int | None] = ()
    ) -> list[Tensor]:
        """The sound of several songs, each window of all at once; see `Codec.decode_songs`."""
        for ids in songs:
            check_ids(ids, self.vocabulary)
        tokens = [ids.long().to(self.device) for ids in songs]
        sounds = decode_windows(tokens, generators, self._latents, self.sound, self.timing)
        lengths = samples or [None] * len(sounds)
        return [fitted(audio, length) for audio, length in zip(sounds, lengths, strict=True)]

    def _latents(self, ids: Tensor, prefix: Tensor | None, generators: Sequence[torch.Generator]) -> Tensor:
        """One window of each song; see `Latents`."""
        shape = (self.config.latent_channels, ids.shape[1] // FRAME_TOKENS, self.config.latent_bins)
        noise = torch.stack([torch.randn(shape, generator=generator) for generator in generators]).to(self.device)
        return self.flow.latents(ids, prefix, noise, steps=self.config.solver_steps, guidance=self.config.guidance)


def _check_lengths(config: CodecConfig, sound: SoundConfig) -> None:
    """Refuse sizes under which a token would not become 40 ms of sound of both channels."""
    product = sound.frames_per_latent * sound.frame_samples
    if product != FRAME_TOKENS * TOKEN_SAMPLES:
        raise InputError(
            f"A latent frame becomes {product} samples, but stands for {FRAME_TOKENS * TOKEN_SAMPLES}.",
            field="upsampling",
        )
    if config.latent_bins * sound.frames_per_latent != sound.mel_bands:
        raise InputError(
            f"{config.latent_bins} latent bins become {config.latent_bins * sound.frames_per_latent} mel bands, but the"
            f" vocoder hears {sound.mel_bands}.",
            field="mel_bands",
        )
    if config.condition_dim * FRAME_TOKENS != config.latent_channels * config.latent_bins:
        raise InputError(
            f"{FRAME_TOKENS} tokens of {config.condition_dim} do not fill a latent frame of {config.latent_channels} x"
            f" {config.latent_bins}.",
            field="condition_dim",
        )
    if config.latent_channels != 2 * sound.latent_channels:
        raise InputError(
            f"{config.latent_channels} latent channels are not two audio channels of {sound.latent_channels} each.",
            field="latent_channels",
        )
