"""``songbench train prepare``: songs to latents, sketch tokens and symbols."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from songbench.domain.errors import InputError

if TYPE_CHECKING:
    from types import TracebackType

    from systems.songbloom.training.data.records import LeftOut
    from systems.songbloom.training.data.scores import ScoreFilter
    from systems.songbloom.training.data.songs import SourceSong, TrainingSongs

_SHOWN = 20
"""Songs that were left out and are shown; the report names all."""


def prepare(
    source: Annotated[
        str | None,
        typer.Argument(help="A suite, a manifest (.jsonl of id, audio, lyrics, …) or a folder of songs."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="The folder to prepare into, new or begun before.")] = None,
    tokenizer: Annotated[
        Path | None,
        typer.Option("--tokenizer", help="A codebook of 'songbench train tokenizer'; left out where tokens are given."),
    ] = None,
    features: Annotated[
        str | None, typer.Option("--features", help="The features of a codebook that does not say them.")
    ] = None,
    autoencoder: Annotated[
        str,
        typer.Option("--autoencoder", help="The checkpoint whose autoencoder and symbols are taken."),
    ] = "full_150s",
    audio: Annotated[
        Path | None,
        typer.Option("--audio", help="Recordings of a suite's prompts: a folder (ID.flac) or a manifest (id, audio)."),
    ] = None,
    references: Annotated[
        bool, typer.Option("--references", help="A suite's reference recordings sing the lyrics of their prompts.")
    ] = False,
    rulebased: Annotated[
        int | None, typer.Option("--rulebased", help="In place of a source: so many songs by rules.", min=1)
    ] = None,
    seconds: Annotated[float, typer.Option("--seconds", help="With --rulebased: about how long each is.")] = 30.0,
    language: Annotated[str, typer.Option("--language", help="With --rulebased: en, zh or en,zh (in turn).")] = "en",
    keep: Annotated[
        str | None, typer.Option("--keep", help="Only songs with these scores, e.g. 'per<15 & ser<20'.")
    ] = None,
    scores: Annotated[
        Path | None,
        typer.Option("--scores", help="With --keep: a report of a run (its folder or scores.csv), or a table with id."),
    ] = None,
    scores_of: Annotated[
        str | None, typer.Option("--scores-of", help="With --keep: whose songs, where a report has several systems.")
    ] = None,
    validation: Annotated[
        float, typer.Option("--validation", help="Share of the songs that are held out, by the digest of their audio.")
    ] = 0.05,
    half: Annotated[bool, typer.Option("--half", help="Store latents as float16: half the room, 3 digits.")] = False,
    seed: Annotated[int, typer.Option("--seed", help="Of songs by rules and of the autoencoder's noise.")] = 0,
    device: Annotated[
        str | None, typer.Option("--device", help="cpu, cuda, cuda:1 or mps; default: the fastest there is.")
    ] = None,
    batch: Annotated[
        int, typer.Option("--batch", help="10 s pieces of a song encoded at once; more is faster on a GPU.", min=1)
    ] = 1,
    check: Annotated[
        Path | None, typer.Option("--check", help="Prepare nothing: read a prepared folder back and verify it.")
    ] = None,
) -> None:
    r"""Prepare songs for training.

    Audio becomes latents (of the checkpoint's autoencoder) and sketch tokens (of a tokenizer), lyrics become symbols,
    and sections get their place in time. Stop it whenever you like: given again, it goes on where it was.

    Songs that cannot be used (silent, damaged, without lyrics) are named and left out. Without the times of their
    sections (\[{"tag", "start", "end"}] in the manifest or in NAME.json beside the audio; or the times of words) songs
    can only be trained on as a whole.

    Example: songbench train prepare my-songs --out data --tokenizer codes.safetensors
    """
    if check is not None:
        if source is not None or out is not None or rulebased is not None:
            raise InputError("A check prepares nothing.", field="--check", cure="Give the prepared folder alone.")
        _check(check)
        return
    if (source is None) == (rulebased is None):
        raise InputError("Give a source of songs, or --rulebased with a number of songs.", field="SOURCE")
    if out is None:
        raise InputError("Name the folder to prepare into.", field="--out")
    if keep is None and (scores is not None or scores_of is not None):
        raise InputError("Scores judge nothing without a rule.", field="--scores", cure="Add --keep 'per<15'.")
    if keep is not None and scores is None:
        raise InputError("A rule needs scores.", field="--keep", cure="Add --scores REPORT.")

    from systems.songbloom import loading
    from systems.songbloom.training.data.basis import PreparationSettings, basis_of
    from systems.songbloom.training.data.finding import find_source, source_path
    from systems.songbloom.training.data.folder import PreparationFolder
    from systems.songbloom.training.data.keep import parse_rule
    from systems.songbloom.training.data.latents import LatentEncoder, load_autoencoder
    from systems.songbloom.training.data.making import SongMaker
    from systems.songbloom.training.data.preparation import SongPreparation
    from systems.songbloom.training.data.rulebased_source import RulebasedSource
    from systems.songbloom.training.data.scores import ScoreFilter, read_scores
    from systems.songbloom.training.data.statistics import statistics_lines
    from systems.songbloom.training.tokenizer.codebook import load_tokenizer

    # 1. everything that can be wrong and is cheap to look at, before anybody is sent for weights
    if source is not None:
        source_path(source)
    settings = PreparationSettings(validation=validation, half=half, seed=seed)
    judge = None
    if keep is not None and scores is not None:
        judge = ScoreFilter(parse_rule(keep), read_scores(scores, scores_of))
    loading.check_names(device, None)
    device = device or loading.best_device()
    files = loading.find(autoencoder)
    config = files.read_config()
    origin: TrainingSongs
    if rulebased is not None:
        origin = RulebasedSource(rulebased, seconds, seed, [part.strip() for part in language.split(",")])
    else:
        origin = find_source(str(source), audio=audio, references=references, seconds_per_tag=config.seconds_per_tag)
    songs, faults = _selection(origin, judge)
    codebook = load_tokenizer(tokenizer, features, device) if tokenizer else None
    # 2. what songs are made with, and the folder that must have been begun with the same
    encoder = LatentEncoder(load_autoencoder(files).to(device), device, batch)
    basis = basis_of(config, encoder, codebook, settings)
    folder = PreparationFolder(out, basis)
    maker = SongMaker(config, encoder, codebook, basis)
    # 3. the songs
    with PreparationBar(len(songs) + len(faults)) as bar:
        try:
            report = SongPreparation(folder, maker, bar).run(songs, faults)
        except KeyboardInterrupt:
            bar.close()
            typer.echo("Stopped. Finished songs are kept: give the same again to go on.", err=True)
            raise typer.Exit(130) from None
    earlier = f", {report.earlier} were there" if report.earlier else ""
    typer.echo(f"{out}: {report.new} songs prepared{earlier}, {len(report.left_out)} left out")
    for line in statistics_lines(report.info.statistics):
        typer.echo(f"  {line}")
    _show_left_out(report.left_out, out)


def _selection(origin: TrainingSongs, judge: ScoreFilter | None) -> tuple[list[SourceSong], list[LeftOut]]:
    """The songs of a source that its scores do not rule out, and those that are left out before they begin."""
    from systems.songbloom.training.data.records import LeftOut

    songs = list(origin.songs())
    faults = list(origin.faults)
    if judge is None:
        return songs, faults
    problems = {song.id: judge.problem(song.id) for song in songs}
    faults += [LeftOut(name, problem) for name, problem in problems.items() if problem]
    return [song for song in songs if not problems[song.id]], faults


def _show_left_out(left_out: Sequence[LeftOut], out: Path) -> None:
    from systems.songbloom.training.data.folder import REPORT

    for fault in left_out[:_SHOWN]:
        typer.echo(f"  left out {fault.id}: {fault.reason}", err=True)
    if len(left_out) > _SHOWN:
        typer.echo(f"  and {len(left_out) - _SHOWN} more, see {out / REPORT}", err=True)


def _check(folder: Path) -> None:
    from systems.songbloom.training.data.checking import check_dataset
    from systems.songbloom.training.data.statistics import statistics_lines

    result = check_dataset(folder)
    for line in statistics_lines(result.info.statistics):
        typer.echo(f"  {line}")
    for fault in result.faults:
        typer.echo(f"{folder}: {fault}", err=True)
    if result.faults:
        raise typer.Exit(1)
    typer.echo(f"{folder}: {result.songs} songs in {len(result.info.shards)} shards are as they were written")


class PreparationBar:
    """A bar over songs with the time still to go, on stderr; songs that are left out are named above it.

    Args:
        total: songs.
    """

    def __init__(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self._bars = Progress(
            TextColumn("songs"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[music]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bars.add_task("", total=total, music="")
        self._seconds, self._left_out = 0.0, 0

    def __enter__(self) -> PreparationBar:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Take the bar away."""
        self._bars.stop()

    def song(self, song: str, seconds: float, problem: str) -> None:
        """See `systems.songbloom.training.data.preparation.PreparationProgress.song`."""
        from rich.markup import escape

        self._seconds += seconds
        self._left_out += bool(problem)
        music = f"{self._seconds / 60:.1f} min of music" + (f", {self._left_out} left out" if self._left_out else "")
        if problem and self._bars.console.is_terminal:
            self._bars.print(f"left out {escape(song)}: {escape(problem)}", soft_wrap=True, highlight=False)
        self._bars.update(self._task, advance=1, music=music)
