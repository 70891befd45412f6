"""``songbench sing``: one song by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml

from songbench.domain.errors import InputError

if TYPE_CHECKING:
    import soundfile

    from systems.songbloom.generation import Finished

FORMATS = {".flac": ("FLAC", "PCM_24"), ".wav": ("WAV", "FLOAT"), ".mp3": ("MP3", "MPEG_LAYER_III")}
"""What a song can be written as, by the ending of its name: container and encoding, as libsndfile names them."""


def sing(
    lyrics: Annotated[Path, typer.Argument(help=r"A text file: \[verse], its lines, \[chorus], … (docs: suites).")],
    prompt: Annotated[Path, typer.Option("--prompt", help="Audio in the style wanted; its first 10 s are used.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="A .flac, .wav or .mp3; default: the lyrics' name with .flac.")
    ] = None,
    model: Annotated[
        str, typer.Option("--model", help="full_150s, full_150s_dpo, full_240s, or a checkpoint's path or hub name.")
    ] = "full_150s",
    seed: Annotated[int, typer.Option("--seed", help="Another seed, another song.")] = 0,
    takes: Annotated[
        int, typer.Option("--takes", help="Songs to make, decoded together, with the seeds that follow.")
    ] = 1,
    device: Annotated[str | None, typer.Option("--device", help="cpu, cuda, cuda:1, mps; default: the best.")] = None,
    precision: Annotated[
        str | None, typer.Option("--precision", help="float32 or bfloat16; default: bfloat16 on CUDA only.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting, e.g. --set steps=18 --set guidance=2 (repeatable)."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there already.")] = False,
) -> None:
    """Sing one song with SongBloom.

    The lyrics are sections, as in songbench's suites: a tag in brackets, then its lines. Instrumental tags are repeated
    for their length: one is about 1 s (5 s for full_240s). The prompt gives the style: any audio format, 10 s or more.

    Example: songbench sing my-song.txt --prompt style.wav --takes 4
    """
    from songbench.domain.audio import read_audio
    from songbench.domain.lyrics import parse_lyrics
    from systems.songbloom.loading import load

    if takes < 1:
        raise InputError(f"{takes} takes make no song.", field="--takes")
    files = _files(out or lyrics.with_suffix(".flac"), takes, overwrite)
    changes = _changes(settings or [])
    words, style = _text(lyrics), read_audio(prompt)
    singer = load(model, device, precision)  # type: ignore[arg-type]

    from systems.songbloom.decoding import Engine
    from systems.songbloom.generation import SongInput
    from systems.songbloom.text import one_line

    config = singer.config
    parsed = parse_lyrics(words, file=str(lyrics), seconds_per_tag=config.seconds_per_tag)
    line = one_line(parsed, config.seconds_per_tag)
    try:
        songs = [SongInput.of(config, line, style, seed + take) for take in range(takes)]
    except InputError as error:
        raise error.located(file=str(prompt if error.field == "prompt_wav" else lyrics)) from None
    engine = Engine(singer, config.decoding.changed(changes), slots=takes)
    rate, channels = config.autoencoder.sample_rate, config.autoencoder.audio_channels
    empty = 0
    for finished in _write(engine, songs, files, rate, channels):
        _tell(files[finished.song], finished, rate)
        empty += not finished.samples
    if empty:
        raise typer.Exit(1)


def _write(engine: Any, songs: list[Any], files: list[Path], rate: int, channels: int) -> Iterator[Finished]:
    """Decode all songs into their files while a bar shows how far each is."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from systems.songbloom.generation import Chunk, generate
    from systems.songbloom.generation import Progress as Patches

    with ExitStack() as stack:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[music]}"),
            TimeElapsedColumn(),
        )
        bar = stack.enter_context(Progress(*columns, transient=True))
        rows = [bar.add_task(file.name, total=engine.longest, music="") for file in files]
        sounds = [stack.enter_context(_sound_file(file, rate, channels)) for file in files]

        def advance(progress: Patches) -> None:
            bar.update(rows[progress.song], completed=progress.patches, music=f"{progress.seconds:.0f} s of music")

        for event in generate(engine, songs, on_progress=advance):
            if isinstance(event, Chunk):
                sounds[event.song].write(event.samples.T)
            else:
                bar.update(rows[event.song], completed=engine.longest)
                yield event


@contextmanager
def _sound_file(file: Path, rate: int, channels: int) -> Iterator[soundfile.SoundFile]:
    """A file that has its name only once it is complete."""
    import soundfile

    container, encoding = FORMATS[file.suffix.lower()]
    partial = file.with_name(f".{file.name}.partial")
    try:
        with soundfile.SoundFile(partial, "w", rate, channels, encoding, format=container) as sound:
            yield sound
        if sound.frames:
            partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


def _files(out: Path, takes: int, overwrite: bool) -> list[Path]:
    if out.suffix.lower() not in FORMATS:
        raise InputError(f"'{out.name}' is no audio file this can write.", field="--out", allowed=tuple(FORMATS))
    if not out.parent.is_dir():
        raise InputError(f"There is no folder '{out.parent}'.", field="--out")
    files = [out] if takes == 1 else [out.with_stem(f"{out.stem}_s{take}") for take in range(takes)]
    for file in files:
        if file.exists() and not overwrite:
            raise InputError(f"'{file}' is there already.", field="--out", cure="Add --overwrite or name another file.")
    return files


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"The lyrics cannot be read: {error.strerror}.", file=str(file)) from None
    except UnicodeDecodeError:
        raise InputError("The lyrics are not UTF-8 text.", file=str(file), cure="Save them as UTF-8.") from None


def _changes(settings: list[str]) -> dict[str, Any]:
    changes = {}
    for setting in settings:
        name, found, value = setting.partition("=")
        if not found:
            raise InputError(f"'{setting}' is not of the form name=value.", field="--set")
        changes[name.strip()] = yaml.safe_load(value)
    return changes


def _tell(file: Path, finished: Finished, rate: int) -> None:
    if not finished.samples:
        typer.echo(f"{file}: not written, the model ended the song before it began; try another seed", err=True)
        return
    music, work = finished.samples / rate, sum(finished.stages.values())
    stages = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in finished.stages.items())
    typer.echo(
        f"{file}: {music:.1f} s of music in {work:.1f} s ({work / music:.2f} s per second: {stages}),"
        f" ended by the {finished.ending}"
    )
