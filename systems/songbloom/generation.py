"""From lyrics and a style prompt to audio: encode, decode patch by patch, hand out sound as it becomes ready."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from songbench.domain.audio import Audio
from songbench.domain.errors import InputError
from systems.songbloom.audio_stream import AudioStream
from systems.songbloom.config import DecodingConfig, SongBloomConfig
from systems.songbloom.costs import cache_bytes
from systems.songbloom.decoding import End, Ending, Engine, Order, Patch
from systems.songbloom.draws import SeededDraws
from systems.songbloom.prompt_audio import prompt_samples
from systems.songbloom.text import EncodedLyrics, encode

if TYPE_CHECKING:
    from systems.songbloom.model import SongBloom


@dataclass(frozen=True)
class SongInput:
    """One song to make, checked and encoded.

    Attributes:
        lyrics: what the model reads.
        prompt: the style prompt's first 10 s, mono at the model's rate, shape (samples,).
        seed: everything random follows from it.
    """

    lyrics: EncodedLyrics
    prompt: Tensor
    seed: int = 0

    @classmethod
    def of(cls, config: SongBloomConfig, line: str, prompt: Audio, seed: int = 0) -> SongInput:
        """Check and encode lyrics and prompt; nothing is computed yet.

        Args:
            config: of the model.
            line: lyrics as SongBloom's one line of text (`systems.songbloom.text.one_line` writes it).
            prompt: audio in the style wanted, any rate and channels.
            seed: any whole number.

        Raises:
            InputError: the lyrics or the prompt cannot be used; the text says why and what to do.
            UnavailableError: the data for English words are not set up.
        """
        lyrics = encode(line, config.model.vocabulary, config.model.lyrics_length)
        return cls(lyrics, prompt_samples(prompt, config), seed)


@dataclass(frozen=True)
class Chunk:
    """A piece of a song's audio.

    Attributes:
        song: number of the song in the order of asking, from 0.
        samples: float32, shape (channels, n); values may exceed ±1.
        start: where the piece begins in its song, in samples.
    """

    song: int
    samples: npt.NDArray[np.float32]
    start: int


@dataclass(frozen=True)
class Finished:
    """A song is complete.

    Attributes:
        song: its number.
        samples: how many its audio has; 0 when the model ended the song in its very first patch.
        ending: why it ended.
        stages: compute time in seconds by stage (``prompt``, ``prefix``, ``sketch``, ``acoustic``, ``audio``), this
            song's share where songs are decoded together.
    """

    song: int
    samples: int
    ending: Ending
    stages: dict[str, float]


@dataclass(frozen=True)
class Progress:
    """How far a song is.

    Attributes:
        song: its number.
        patches: how many are decoded.
        longest: how many it can have at most; most songs end before.
        seconds: of music so far.
    """

    song: int
    patches: int
    longest: int
    seconds: float


OnProgress = Callable[[Progress], None]

CHUNK_PATCHES = 6
"""Patches decoded to audio at once by default (3.84 s); more costs memory, fewer costs time for the context."""


MOST_AT_ONCE = {"cuda": 16, "mps": 4, "cpu": 8}
"""Songs decoded together unless told otherwise; beyond 16 an accelerator gains little, as caches are read per song."""

MEMORY_SHARE = 0.7
"""Of the free memory that caches of songs decoded together may fill."""


def songs_at_once(model: SongBloom, decoding: DecodingConfig) -> int:
    """How many songs pay to be decoded together and fit into the memory that is free; at least one."""
    each = cache_bytes(model.config, decoding, model.dtype.itemsize)
    return max(1, min(MOST_AT_ONCE[model.device.type], int(MEMORY_SHARE * _free_bytes(model.device) / each)))


def _free_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    import psutil

    return int(psutil.virtual_memory().available)


def _order(engine: Engine, song: SongInput, number: int) -> Order:
    """Encode the style prompt."""
    model = engine.model
    draws = SeededDraws(song.seed, model.config)
    with torch.inference_mode(), engine.clock.measure("prompt", (number,)):
        latents = model.encode_prompt(song.prompt, draws.prompt(model.autoencoder.frames(len(song.prompt))))
    return Order(song.lyrics.ids, latents, draws)


def generate(
    engine: Engine,
    songs: Iterable[SongInput],
    *,
    chunk_patches: int = CHUNK_PATCHES,
    on_progress: OnProgress | None = None,
) -> Iterator[Chunk | Finished]:
    """Make songs, handing out audio as it becomes ready; songs decoded together arrive interleaved.

    Args:
        engine: decodes as many songs at once as it has slots.
        songs: each is asked for when a slot is free.
        chunk_patches: patches per piece of audio.
        on_progress: called after every patch of every song.

    Yields:
        Each song's `Chunk`s in order, then its `Finished`.

    Raises:
        InputError: `chunk_patches` is below 1.
    """
    if chunk_patches < 1:
        raise InputError(f"Audio cannot be handed out {chunk_patches} patches at a time.", field="chunk_patches")
    model = engine.model
    config, clock = model.config, engine.clock
    clock.reset()
    streams: dict[int, AudioStream] = {}
    sent: dict[int, int] = {}

    def orders() -> Iterator[Order]:
        for number, song in enumerate(songs):
            order = _order(engine, song, number)
            streams[number] = AudioStream(
                model.autoencoder,
                chunk_patches * config.model.patch,
                lambda number=number: clock.measure("audio", (number,)),  # type: ignore[misc]
            )
            sent[number] = 0
            yield order

    def chunks(number: int, pieces: list[Tensor]) -> Iterator[Chunk]:
        for piece in pieces:
            yield Chunk(number, piece.numpy(), sent[number])
            sent[number] += piece.shape[-1]

    for event in engine.decode(orders()):
        if isinstance(event, Patch):
            if on_progress:
                done = event.number + 1
                on_progress(Progress(event.song, done, engine.longest, done * config.patch_seconds))
            yield from chunks(event.song, streams[event.song].push(event.latents))
        else:
            yield from chunks(event.song, streams.pop(event.song).finish())
            yield Finished(event.song, sent.pop(event.song), event.ending, _merged(event, clock.take(event.song)))


def _merged(end: End, later: dict[str, float]) -> dict[str, float]:
    """Seconds up to a song's end and those of its last audio."""
    return {stage: end.seconds.get(stage, 0.0) + later.get(stage, 0.0) for stage in {**end.seconds, **later}}
