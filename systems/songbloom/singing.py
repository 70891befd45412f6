"""From lyrics and a style prompt to audio: encode, decode patch by patch, hand out sound as it becomes ready."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from songbench.domain.audio import Audio, read_audio
from songbench.domain.errors import InputError
from songbench.domain.lyrics import Lyrics, parse_lyrics
from songbench.resources.memory import share_bytes
from systems.songbloom.audio_stream import AudioStream
from systems.songbloom.config import DecodingConfig, SongBloomConfig
from systems.songbloom.costs import CHUNK_PATCHES, cache_bytes, decoding_need
from systems.songbloom.decoding import DecodingEngine, DecodingInput, Ending, Patch, SongEnd
from systems.songbloom.draws import SeededDraws
from systems.songbloom.model import SongBloom
from systems.songbloom.prompt_audio import prompt_samples
from systems.songbloom.text import EncodedLyrics, encode, one_line


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
class SongSummary:
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
class SongProgress:
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


OnProgress = Callable[[SongProgress], None]

MOST_AT_ONCE = {"cuda": 16, "mps": 4, "cpu": 8}
"""Songs decoded together unless told otherwise; beyond 16 an accelerator gains little, as caches are read per song."""

MEMORY_SHARE = 0.7
"""Of the free memory that caches of songs decoded together may fill."""


def songs_at_once(model: SongBloom, decoding: DecodingConfig) -> int:
    """How many songs pay to be decoded together and fit into the memory that is free; at least one."""
    need = decoding_need(model.config, decoding, model.dtype.itemsize)
    song_bytes = cache_bytes(model.config, decoding, model.dtype.itemsize)
    room = MEMORY_SHARE * _free_bytes(model.device)
    if (share := share_bytes()) is not None:  # of the memory that workers divide: the least leaves room for one song
        room = min(room, share - need.total + song_bytes)
    return max(1, min(MOST_AT_ONCE[model.device.type], int(room / song_bytes)))


def _free_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    import psutil

    return int(psutil.virtual_memory().available)


def _encoded(engine: DecodingEngine, song: SongInput, number: int) -> DecodingInput:
    """Encode the style prompt."""
    model = engine.model
    draws = SeededDraws(song.seed, model.config)
    with torch.inference_mode(), engine.clock.measure("prompt", (number,)):
        latents = model.encode_prompt(song.prompt, draws.prompt(model.autoencoder.frames(len(song.prompt))))
    return DecodingInput(song.lyrics.ids, latents, draws)


def generate(
    engine: DecodingEngine,
    songs: Iterable[SongInput],
    *,
    chunk_patches: int = CHUNK_PATCHES,
    on_progress: OnProgress | None = None,
) -> Iterator[Chunk | SongSummary]:
    """Make songs, handing out audio as it becomes ready; songs decoded together arrive interleaved.

    Args:
        engine: decodes as many songs at once as it has slots.
        songs: each is asked for when a slot is free.
        chunk_patches: patches per piece of audio.
        on_progress: called after every patch of every song.

    Yields:
        Each song's `Chunk`s in order, then its `SongSummary`.

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

    def inputs() -> Iterator[DecodingInput]:
        for number, song in enumerate(songs):
            source = _encoded(engine, song, number)
            streams[number] = AudioStream(
                model.autoencoder,
                chunk_patches * config.model.patch,
                lambda number=number: clock.measure("audio", (number,)),  # type: ignore[misc]
            )
            sent[number] = 0
            yield source

    def chunks(number: int, pieces: list[Tensor]) -> Iterator[Chunk]:
        for piece in pieces:
            yield Chunk(number, piece.numpy(), sent[number])
            sent[number] += piece.shape[-1]

    for event in engine.decode(inputs()):
        if isinstance(event, Patch):
            if on_progress:
                patches = event.number + 1
                on_progress(SongProgress(event.song, patches, engine.longest, patches * config.patch_seconds))
            yield from chunks(event.song, streams[event.song].push(event.latents))
        else:
            yield from chunks(event.song, streams.pop(event.song).finish())
            yield SongSummary(event.song, sent.pop(event.song), event.ending, _merged(event, clock.take(event.song)))


def _merged(end: SongEnd, later: dict[str, float]) -> dict[str, float]:
    """Seconds up to a song's end and those of its last audio."""
    return {stage: end.seconds.get(stage, 0.0) + later.get(stage, 0.0) for stage in {**end.seconds, **later}}


def stream(
    model: SongBloom,
    lyrics: str | Lyrics,
    prompt: Audio | str | Path,
    seed: int = 0,
    *,
    chunk_patches: int = 1,
    on_progress: OnProgress | None = None,
    **settings: Any,
) -> Iterator[Audio]:
    """Make one song and hand out its audio while it is made.

    Args:
        model: prepared by `SongBloom.for_decoding` (`systems.songbloom.load` does it).
        lyrics: sectioned lyrics, as text in either of songbench's forms or parsed.
        prompt: audio in the style wanted, or its file; the first 10 s are used.
        seed: everything random follows from it.
        chunk_patches: patches of 0.64 s per piece; the first piece comes one patch after its last one.
        on_progress: called after every patch.
        **settings: changes to the model's own `systems.songbloom.config.DecodingConfig`, such as ``steps=18``.

    Yields:
        The song's audio, piece by piece; float32, shape (channels, samples), values may exceed ±1.

    Raises:
        InputError: lyrics, prompt or a setting cannot be used.
    """
    config = model.config
    parsed = parse_lyrics(lyrics, seconds_per_tag=config.seconds_per_tag) if isinstance(lyrics, str) else lyrics
    audio = prompt if isinstance(prompt, Audio) else read_audio(prompt)
    engine = DecodingEngine(model, config.decoding.changed(settings))
    song = SongInput.of(config, one_line(parsed, config.seconds_per_tag), audio, seed)
    for event in generate(engine, [song], chunk_patches=chunk_patches, on_progress=on_progress):
        if isinstance(event, Chunk):
            yield Audio(event.samples, config.autoencoder.sample_rate)


def sing(model: SongBloom, lyrics: str | Lyrics, prompt: Audio | str | Path, seed: int = 0, **settings: Any) -> Audio:
    """Make one song; arguments and errors as for `stream`.

    Raises:
        InputError: also when the model ends the song before it has begun; another seed may help.
    """
    pieces = [piece.samples for piece in stream(model, lyrics, prompt, seed, chunk_patches=CHUNK_PATCHES, **settings)]
    if not pieces:
        raise InputError("The model ended the song before it began.", cure="Try another seed or style prompt.")
    return Audio(np.concatenate(pieces, axis=1), model.config.autoencoder.sample_rate)
