"""Prepared folders whose numbers say where they come from, and sound files with lyrics beside them."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile
import torch

from systems.songbloom.training.data.dataset import vocabulary_digest
from systems.songbloom.training.data.folder import PreparationFolder
from systems.songbloom.training.data.records import PreparationBasis, SectionSymbols, SongEntry
from systems.songbloom.training.data.shards import SongTensors

MARK, EMPTY, CHANNELS, CODES = 9, 0, 8, 64

BASIS = PreparationBasis(
    autoencoder="a" * 64,
    tokenizer="mel, 64 codes",
    tokenizer_digest="b" * 64,
    sketch_vocabulary=CODES,
    vocabulary="c" * 64,
    latent_channels=CHANNELS,
    frame_rate=25.0,
    patch=4,
    seconds_per_tag=1.0,
    section_mark=MARK,
    empty_symbol=EMPTY,
    latents="float32",
    validation=0.0,
    seed=0,
)


def basis_for(config, **changes) -> PreparationBasis:
    """A basis that fits a model."""
    model = config.model
    return replace(
        BASIS,
        sketch_vocabulary=model.sketch_vocabulary,
        latent_channels=model.latent_channels,
        frame_rate=config.autoencoder.frame_rate,
        vocabulary=vocabulary_digest(model.vocabulary),
        **changes,
    )


def counting_song(name: str, frames: int, sections: list[tuple], times="given", split="train", style_frames=None):
    """A song whose numbers are those of its frames: sketch modulo the codes, latents themselves, style plus 10,000.

    Sections are (tag, start, end, symbols).
    """
    style_frames = style_frames or frames
    entry = SongEntry(
        id=name,
        key=f"key of {name}",
        audio=f"{sum(name.encode()):064x}",
        split=split,
        language="en",
        seconds=frames / 25,
        frames=frames,
        style_frames=style_frames,
        times=times,
        sections=tuple(
            SectionSymbols(tag=tag, start=start, end=end, symbols=tuple(symbols))
            for tag, start, end, symbols in sections
        ),
    )
    numbers = torch.arange(frames)
    latents = numbers[:, None].expand(-1, CHANNELS).float()
    style = (10_000 + torch.arange(style_frames))[:, None].expand(-1, CHANNELS).float()
    return entry, SongTensors((numbers % CODES).int(), latents, style)


def counting_folder(folder: Path, songs, basis=BASIS, shard_songs=2) -> Path:
    """A prepared folder of such songs."""
    target = PreparationFolder(folder, basis, shard_songs=shard_songs)
    with target.exclusive():
        for entry, tensors in songs:
            target.add(entry, tensors)
        target.finish([], 400)
    return folder


LYRICS = "[intro] [intro]\n\n[verse]\n我们走过长长的小路\n\n[chorus]\n月光照着旧时的灯火\n"
"""Mandarin, which needs no data beside the packages."""

SECTIONS = [
    {"tag": "intro", "start": 0.0, "end": 1.0},
    {"tag": "verse", "start": 1.0, "end": 2.5},
    {"tag": "chorus", "start": 2.5, "end": 4.0},
]


def tone(seconds=4.0, rate=48_000, frequency=330.0, channels=2) -> np.ndarray:
    """A chord that moves, (samples, channels)."""
    time = np.arange(round(seconds * rate)) / rate
    sound = sum(np.sin(2 * np.pi * frequency * ratio * time * (1 + 0.1 * np.sin(time))) for ratio in (1, 1.5, 2.01))
    return np.stack([0.2 * sound * (1 - 0.3 * channel) for channel in range(channels)], axis=1).astype(np.float32)


def write_song(
    folder: Path, name: str, *, seconds=4.0, rate=48_000, lyrics=LYRICS, sections=SECTIONS, **options
) -> Path:
    """A sound file with its lyrics and times beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.wav"
    frequency = options.pop("frequency", 200 + 7 * (sum(name.encode()) % 50))
    soundfile.write(path, tone(seconds, rate, frequency, **options), rate)
    notes = {key: value for key, value in (("lyrics", lyrics), ("sections", sections)) if value is not None}
    if notes:
        path.with_suffix(".json").write_text(json.dumps(notes, ensure_ascii=False))
    return path
