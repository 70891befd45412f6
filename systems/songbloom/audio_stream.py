"""Latents of one song in, finished audio out, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cache

import torch
from torch import Tensor

from systems.songbloom.autoencoder import Autoencoder


@cache
def side_stream(device: torch.device) -> torch.cuda.Stream:
    """The CUDA stream on which a device decodes the audio of all songs.

    torch keeps freed memory for the stream that used it. A stream for each song would hold the decoder's working
    memory, about 1 GB of the released one, once per song.
    """
    return torch.cuda.Stream(device)


class AudioStream:
    """Decodes a song's latents piece by piece while they arrive.

    A piece is decoded when the frames that its end depends on are there. On a CUDA device pieces run on a stream
    beside that of the next patch, and are handed out when they are done.

    Args:
        autoencoder: on the device the latents are on.
        chunk: frames per piece.
        timed: made anew and entered around the decoding of each piece, to time it.
    """

    def __init__(
        self,
        autoencoder: Autoencoder,
        chunk: int,
        timed: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._autoencoder, self._chunk, self._timed = autoencoder, chunk, timed
        self._latents = torch.empty(autoencoder.config.latent_channels, 0)
        self._first = 0  # frame number of the first of these latents
        self._decoded = 0  # frames whose audio was asked for
        self._running: list[tuple[Tensor, torch.cuda.Event | None]] = []
        self._side: torch.cuda.Stream | None = None

    def push(self, latents: Tensor) -> list[Tensor]:
        """Add frames (T, C); returns the audio that has become ready, each (A, samples) float32 on the CPU."""
        if latents.is_cuda and self._side is None:
            self._side = side_stream(latents.device)
        self._latents = torch.cat([self._latents.to(latents.device), latents.T.float()], dim=1)
        while self._first + self._latents.shape[1] >= self._decoded + self._chunk + self._autoencoder.context:
            self._decode(self._decoded + self._chunk)
        return self._ready(wait=False)

    def finish(self) -> list[Tensor]:
        """The rest of the song's audio, in pieces (A, samples) as from `push`."""
        total = self._first + self._latents.shape[1]
        while self._decoded < total:
            self._decode(min(self._decoded + self._chunk, total))
        return self._ready(wait=True)

    @torch.inference_mode()
    def _decode(self, end: int) -> None:
        start = self._decoded - self._first
        if self._side is None:
            with self._timed():
                audio = self._autoencoder.decode_piece(self._latents[None], start, end - self._first)[0].cpu()
            self._running.append((audio, None))
        else:
            self._side.wait_stream(torch.cuda.current_stream(self._latents.device))
            with torch.cuda.stream(self._side), self._timed():
                self._latents.record_stream(self._side)
                piece = self._autoencoder.decode_piece(self._latents[None], start, end - self._first)[0]
                audio = torch.empty(piece.shape, dtype=piece.dtype, pin_memory=True)
                audio.copy_(piece, non_blocking=True)
                event = torch.cuda.Event()
                event.record(self._side)
            self._running.append((audio, event))
        self._decoded = end
        dropped = max(0, self._decoded - self._autoencoder.context - self._first)
        self._latents, self._first = self._latents[:, dropped:], self._first + dropped

    def _ready(self, wait: bool) -> list[Tensor]:
        """Pieces (A, samples) that are decoded; all that are asked for if it is to wait."""
        ready = []
        while self._running:
            _, event = self._running[0]
            if event is not None:
                if not wait and not event.query():
                    break
                event.synchronize()
            ready.append(self._running.pop(0)[0])
        return ready
