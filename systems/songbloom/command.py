"""``songbench sing``: one song by hand."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from songbench.domain.errors import InputError, StoreWriteError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from rich.console import Console
    from rich.progress import TaskID

    from systems.songbloom.decoding import DecodingEngine
    from systems.songbloom.singing import SongInput, SongSummary

FORMATS = {".flac": ("FLAC", "PCM_24"), ".wav": ("WAV", "FLOAT"), ".mp3": ("MP3", "MPEG_LAYER_III")}
"""What a song can be written as, by the ending of its name: container and encoding, as libsndfile names them."""


def sing(
    lyrics: Annotated[Path, typer.Argument(help=r"A text file: \[verse], its lines, \[chorus], its lines, …")],
    prompt: Annotated[
        Path, typer.Option("--prompt", help="A sound file in the style wanted; its first 10 s are followed.")
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The song to write: .flac, .wav or .mp3; default: the lyrics' name with .flac."),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            "--model", help="full_150s, full_150s_dpo, full_240s, a checkpoint (path or hub name), or adapters (.lora)."
        ),
    ] = "full_150s",
    base: Annotated[
        str | None,
        typer.Option("--base", help="The checkpoint to put adapters on; default: the one they were trained on."),
    ] = None,
    lora_alpha: Annotated[
        float | None, typer.Option("--lora-alpha", help="Of adapters; default: as their file says.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Another seed, another song.")] = 0,
    takes: Annotated[
        int,
        typer.Option("--takes", help="Make several songs, with this seed and those that follow; NAME_s0.flac and on."),
    ] = 1,
    device: Annotated[
        str | None, typer.Option("--device", help="cpu, cuda, cuda:1 or mps; default: the fastest there is.")
    ] = None,
    precision: Annotated[
        str | None, typer.Option("--precision", help="float32 or bfloat16; default: bfloat16 on CUDA only.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting of the model, e.g. --set steps=18 --set guidance=2 (repeatable)."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there already.")] = False,
) -> None:
    r"""Sing lyrics with SongBloom, in the style of a sound file.

    The lyrics are sections: a tag on a line of its own, then the words that are sung.
    Sung are \[verse], \[chorus] and \[bridge]. \[intro], \[inst], \[outro] and \[silence] have no words;
    repeat them for their length, each is about 1 s (5 s with full_240s). Words under \[intro] or \[outro] are sung
    as a verse, as the model knows these parts without words only.

    Example: songbench sing my-song.txt --prompt style.wav --takes 4
    """
    from rich.console import Console

    from songbench.domain.audio import read_audio
    from songbench.domain.checking import checked
    from songbench.domain.lyric_remarks import reading_remarks, sung_remarks
    from songbench.domain.lyrics import read_lyrics
    from songbench.domain.overrides import nested, read_overrides
    from songbench.domain.reading import read_text
    from systems.songbloom import loading
    from systems.songbloom.checkpoint import check_checkpoint
    from systems.songbloom.config import DecodingConfig
    from systems.songbloom.takes import TakeNumbers

    checked(TakeNumbers, {"--takes": takes, "--seed": seed})
    words = read_text(lyrics, "lyrics file")
    files = _files(out or lyrics.with_suffix(".flac"), range(seed, seed + takes), overwrite)
    changes = nested(read_overrides(settings or [], example="steps=18"))
    DecodingConfig().changed(changes)
    loading.check_names(device, precision)
    style = read_audio(prompt)
    # Everything that can be wrong is looked at before gigabytes are read.
    checkpoint = loading.find(model, base=base, alpha=lora_alpha)
    config = check_checkpoint(checkpoint)
    slow = loading.slow_precision(device or loading.best_device(), precision or "")
    for remark in filter(None, (*loading.adapter_remarks(checkpoint), slow)):
        typer.echo(remark, err=True)
    reading = read_lyrics(words, file=str(lyrics), seconds_per_tag=config.seconds_per_tag)
    parsed = reading.lyrics

    from systems.songbloom.decoding import DecodingEngine
    from systems.songbloom.singing import SongInput, songs_at_once
    from systems.songbloom.text import one_line, retagged

    for remark in filter(None, (*reading_remarks(reading), *sung_remarks(parsed), retagged(parsed))):
        typer.echo(f"{lyrics}: {remark}", err=True)
    line = one_line(parsed, config.seconds_per_tag)
    try:
        song = SongInput.of(config, line, style, seed)
    except InputError as error:
        raise error.located(file=str(prompt if error.field == "prompt_wav" else lyrics)) from None
    if song.lyrics.dropped:
        typer.echo(f"{lyrics}: not sung: {' '.join(song.lyrics.dropped[:20])}", err=True)
    console = Console(stderr=True)
    try:
        with console.status(f"Loading {model} …"):
            singer = loading.load(checkpoint, device, precision)  # type: ignore[arg-type]  # names checked above
            decoding = singer.config.decoding.changed(changes)
            engine = DecodingEngine(singer, decoding, slots=min(takes, songs_at_once(singer, decoding)))
        count = _write(engine, [replace(song, seed=seed + take) for take in range(takes)], files, console)
    except KeyboardInterrupt:
        typer.echo("Stopped. Songs that were not complete are not kept.", err=True)
        raise typer.Exit(130) from None
    if count < takes:
        raise typer.Exit(1)


def _write(engine: DecodingEngine, songs: list[SongInput], files: list[Path], console: Console) -> int:
    """Decode all songs into their files while a bar per song shows how far it is; returns how many were written."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from systems.songbloom.singing import Chunk, SongProgress, generate

    audio = engine.model.config.autoencoder
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[music]}"),
        TimeElapsedColumn(),
    )
    rows: dict[int, TaskID] = {}
    sounds: dict[int, _SoundFile] = {}
    count = 0
    with Progress(*columns, console=console, transient=True, redirect_stdout=False) as bar:
        # The bar's console knows to print above the bar; where the answers go elsewhere there is nothing in the way.
        above = partial(bar.print, soft_wrap=True, markup=False, highlight=False)
        say = above if sys.stdout.isatty() else typer.echo

        def advance(progress: SongProgress) -> None:
            if progress.song not in rows:
                rows[progress.song] = bar.add_task(files[progress.song].name, total=progress.longest, music="")
            # Most songs end before the longest length, so the bar says how far it is to that at most.
            music = f"{progress.seconds:.0f} s of music, at most {engine.config.max_seconds:.0f} s"
            bar.update(rows[progress.song], completed=progress.patches, music=music)

        try:
            for event in generate(engine, songs, on_progress=advance):
                number = event.song
                if isinstance(event, Chunk):
                    if number not in sounds:
                        sounds[number] = _SoundFile(files[number], audio.sample_rate, audio.audio_channels)
                    sounds[number].write(event.samples)
                    continue
                if number in rows:
                    bar.remove_task(rows[number])
                if not event.samples:
                    above(f"{files[number]}: not written, the model ended the song before it began; try another seed")
                    continue
                sounds[number].complete()
                count += 1
                say(_outcome(sounds.pop(number), event, audio.sample_rate))
        finally:
            for sound in sounds.values():
                sound.discard()
    return count


class _SoundFile:
    """A sound file that has its name only once it is complete."""

    def __init__(self, file: Path, rate: int, channels: int) -> None:
        import soundfile

        self.file, self.peak = file, 0.0
        container, encoding = FORMATS[file.suffix.lower()]
        self.clips = encoding != "FLOAT"
        self._partial = file.with_name(f".{file.name}.partial")
        with self._explained():
            self._sound = soundfile.SoundFile(self._partial, "w", rate, channels, encoding, format=container)

    def write(self, samples: npt.NDArray[np.float32]) -> None:
        """Add samples of shape (channels, n)."""
        self.peak = max(self.peak, float(abs(samples).max()))
        with self._explained():
            self._sound.write(samples.T)

    def complete(self) -> None:
        """Give it its name."""
        with self._explained():
            self._sound.close()
            self._partial.replace(self.file)

    def discard(self) -> None:
        """Remove what there is of it."""
        self._sound.close()
        self._partial.unlink(missing_ok=True)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        import soundfile

        try:
            yield
        except (soundfile.SoundFileError, OSError) as error:
            self._partial.unlink(missing_ok=True)
            reason = str(error).rstrip(".")
            raise StoreWriteError(f"'{self.file}' cannot be written ({reason}). Is there room on the disk?") from error


def _outcome(sound: _SoundFile, finished: SongSummary, rate: int) -> str:
    music, work = finished.samples / rate, sum(finished.stages.values())
    stages = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in finished.stages.items())
    text = (
        f"{sound.file}: {music:.1f} s of music, ended by the {finished.ending}; computed in {work:.1f} s ({stages}),"
        f" {work / music:.2f} s per second of music"
    )
    if sound.clips and sound.peak > 1:
        text += f"; peaks of +{20 * math.log10(sound.peak):.1f} dB were cut off, which a .wav would keep"
    return text


def _files(out: Path, seeds: range, overwrite: bool) -> list[Path]:
    if out.suffix.lower() not in FORMATS:
        raise InputError(f"'{out.name}' is no audio file this can write.", field="--out", allowed=tuple(FORMATS))
    if not out.parent.is_dir():
        raise InputError(f"There is no folder '{out.parent}'.", field="--out")
    if not os.access(out.parent, os.W_OK):
        raise InputError(f"Nothing can be written into the folder '{out.parent}'.", field="--out")
    files = [out] if len(seeds) == 1 else [out.with_stem(f"{out.stem}_s{seed}") for seed in seeds]
    for file in files:
        if file.exists() and not overwrite:
            raise InputError(f"'{file}' is there already.", field="--out", cure="Add --overwrite or name another file.")
    return files
