"""``songbench train tokenizer``: a codebook of sketch tokens from songs."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, get_args

import typer

from songbench.domain.errors import InputError


def tokenizer(
    source: Annotated[
        str | None,
        typer.Argument(help="A suite, a manifest (.jsonl of id, audio, lyrics, …) or a folder of songs."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="The codebook to write, a .safetensors file.")] = Path(
        "codes.safetensors"
    ),
    features: Annotated[
        str,
        typer.Option("--features", help="What it hears: mel (needs nothing), muq:LAYER or mert:LAYER (-1: the last)."),
    ] = "mel",
    codes: Annotated[int, typer.Option("--codes", help="Number of sketch tokens.", min=2)] = 256,
    method: Annotated[
        str, typer.Option("--method", help="How codes are found: kmeans, or ema (moving averages, decay 0.99).")
    ] = "kmeans",
    frame_rate: Annotated[
        float, typer.Option("--frame-rate", help="Frames a second: that of the autoencoder's latents.", min=0.1)
    ] = 25.0,
    frames: Annotated[int, typer.Option("--frames", help="Frames that are drawn from each song.", min=1)] = 512,
    most: Annotated[int, typer.Option("--most", help="Frames of all songs together, at most.", min=2)] = 200_000,
    audio: Annotated[
        Path | None,
        typer.Option("--audio", help="Recordings of a suite's prompts: a folder (ID.flac) or a manifest (id, audio)."),
    ] = None,
    references: Annotated[bool, typer.Option("--references", help="A suite's reference recordings are songs.")] = False,
    rulebased: Annotated[
        int | None, typer.Option("--rulebased", help="In place of a source: so many songs by rules.", min=1)
    ] = None,
    seconds: Annotated[float, typer.Option("--seconds", help="With --rulebased: about how long each is.")] = 30.0,
    language: Annotated[str, typer.Option("--language", help="With --rulebased: en, zh or en,zh (in turn).")] = "en",
    seed: Annotated[int, typer.Option("--seed", help="Everything random follows from it.")] = 0,
    device: Annotated[
        str | None, typer.Option("--device", help="cpu, cuda, cuda:1 or mps; default: the fastest there is.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there already.")] = False,
) -> None:
    """Train a tokenizer of sketch tokens: a codebook over features of songs.

    One song in ten, of five or more at least one, is held out and shows how well the codebook fits songs that it was
    not made of: error, dead codes, entropy and the share of the commonest code, which are written into the file, too.
    The authors' codebook is not published. Tokens of another mean nothing to released weights: a model trained with
    them begins with new embeddings of tokens.

    Example: songbench train tokenizer my-songs --features mel --codes 256 --out codes.safetensors
    """
    if (source is None) == (rulebased is None):
        raise InputError("Give a source of songs, or --rulebased with a number of songs.", field="SOURCE")
    if out.suffix != ".safetensors":
        raise InputError("A codebook's name ends in .safetensors.", field="--out", value=str(out))
    if out.exists() and not overwrite:
        raise InputError(f"'{out}' is there already.", field="--out", cure="Add --overwrite or name another file.")

    from systems.songbloom import loading
    from systems.songbloom.training.commands.prepare import PreparationBar
    from systems.songbloom.training.data.finding import find_source
    from systems.songbloom.training.data.rulebased_source import RulebasedSource
    from systems.songbloom.training.data.songs import TrainingSongs
    from systems.songbloom.training.tokenizer.clusters import CodebookMethod, code_usage, train_codebook
    from systems.songbloom.training.tokenizer.codebook import CodebookTokenizer
    from systems.songbloom.training.tokenizer.features import features_named
    from systems.songbloom.training.tokenizer.frames import FrameCollection

    if method not in get_args(CodebookMethod):
        raise InputError(
            f"There is no method '{method}'.", field="--method", value=method, allowed=get_args(CodebookMethod)
        )
    loading.check_names(device, None)
    device = device or loading.best_device()
    kind = features_named(features, device)
    origin: TrainingSongs
    if rulebased is not None:
        origin = RulebasedSource(rulebased, seconds, seed, [part.strip() for part in language.split(",")])
    else:
        origin = find_source(str(source), audio=audio, references=references)
    songs = origin.songs()
    # of many songs fewer frames each: no more than twice those that are used are ever held
    per_song = min(frames, math.ceil(2 * most / max(1, len(songs))))
    collection = FrameCollection(kind, frame_rate, per_song=per_song, most=most, seed=seed)
    with PreparationBar(len(songs) + len(origin.faults)) as bar:
        for fault in origin.faults:
            bar.song(fault.id, 0.0, fault.reason)
        for song in songs:
            length, problem = collection.add(song)
            bar.song(song.id, length, problem)
    training, validation = collection.training(), collection.validation()
    how: CodebookMethod = "ema" if method == "ema" else "kmeans"
    codebook = CodebookTokenizer(kind, train_codebook(training, codes, seed, how), device)
    usages = {
        name: code_usage(vectors, codebook.codebook)
        for name, vectors in (("trained on", training), ("held out", validation))
        if len(vectors)
    }
    facts = {"songs": str(collection.songs), "frames": str(len(training)), "seed": str(seed), "method": method}
    codebook.save(out, facts | {name: json.dumps(asdict(usage)) for name, usage in usages.items()})
    typer.echo(
        f"{out}: {codebook.name} by {method}, from {collection.songs} songs,"
        f" {len(origin.faults) + collection.faults} left out"
    )
    for name, usage in usages.items():
        typer.echo(
            f"  {name}: {usage.frames} frames, error {usage.error:.1%} of the variance, {usage.dead:.1%} of the codes"
            f" dead, {usage.entropy:.2f} of {math.log2(codebook.vocabulary):.2f} bits, the commonest"
            f" {usage.commonest:.1%}"
        )
    if "held out" not in usages:
        typer.echo("  held out: nothing, as there are too few songs")
