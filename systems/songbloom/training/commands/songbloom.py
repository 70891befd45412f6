"""``songbench train songbloom``: prepared songs to a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from songbench.domain.errors import InputError

if TYPE_CHECKING:
    from systems.songbloom.training.settings import TrainingSettings

_BASELINE_SONGS = 1000
"""Training songs whose statistics the baselines follow from."""


def songbloom(
    data: Annotated[Path, typer.Option("--data", help="A folder of 'songbench train prepare'.")],
    out: Annotated[
        Path, typer.Option("--out", help="The folder of the model, new or begun before; it becomes a checkpoint.")
    ],
    config: Annotated[
        str | None,
        typer.Option("--config", help="laptop, tiny, full_150s, full_240s or fine_tuning (the default with --from)."),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", help="Go on from a checkpoint: a release, a path or a hub name; else from scratch."),
    ] = None,
    autoencoder: Annotated[
        str, typer.Option("--autoencoder", help="From scratch: the checkpoint that the data were prepared with.")
    ] = "full_150s",
    lora: Annotated[
        str | None,
        typer.Option("--lora", help="With --from: train adapters only, e.g. rank=16,alpha=32,targets=q_proj+v_proj."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Any other setting, e.g. --set steps=5000 --set optimiser.lr=1e-4 (repeatable)."),
    ] = None,
) -> None:
    """Train SongBloom on prepared songs.

    The same command goes on where it was stopped.

    The folder is a checkpoint from the first save on: songbench run --systems songbloom:NAME=FOLDER.
    Its best/ is the step that did best on the songs held out; log.jsonl has all figures.

    Example: songbench train songbloom --config laptop --data data --out my-model
    """
    from systems.songbloom.training.composition import compose_settings

    if lora is not None and start is None:
        raise InputError("Adapters need a checkpoint to be put on.", field="--lora", cure="Name it with --from.")
    composed = compose_settings(config or ("fine_tuning" if start else "tiny"), settings or [])
    try:
        _train(data, out, composed, start=start, autoencoder=autoencoder, lora=lora)
    except KeyboardInterrupt:
        typer.echo("Stopped. The same command goes on from the last state that was saved.", err=True)
        raise typer.Exit(130) from None


def _train(
    data: Path, out: Path, settings: TrainingSettings, *, start: str | None, autoencoder: str, lora: str | None
) -> None:
    from rich.console import Console

    from songbench.domain.hashing import content_key
    from systems.songbloom.lora.config import LoraConfig
    from systems.songbloom.training.baselines import Baselines
    from systems.songbloom.training.beginning import checkpoint_model, fresh_model, model_name
    from systems.songbloom.training.composition import objective_settings
    from systems.songbloom.training.data.dataset import SongDataset
    from systems.songbloom.training.display import TrainingDisplay
    from systems.songbloom.training.exporting import Export, export_whole, with_adapters
    from systems.songbloom.training.fit import SONGS, TrainingParts, figures_text, fit
    from systems.songbloom.training.prepared_songs import PreparedSongs, crop_settings
    from systems.songbloom.training.processes import launched_fabric
    from systems.songbloom.training.run_log import RunLog
    from systems.songbloom.training.sinks import sink_loggers
    from systems.songbloom.training.song_steps import SongSteps
    from systems.songbloom.training.sung_songs import Singer
    from systems.songbloom.training.trained import trained_parameters
    from systems.songbloom.training.validation import SongValidation

    objective = objective_settings(settings)
    dataset = SongDataset(data, split="train")
    fabric = launched_fabric(settings.compute)
    first = fabric.is_global_zero
    name = model_name(out)
    if start is None:
        model = fresh_model(settings.model, dataset.info.basis, autoencoder, name=name, seed=settings.seed)
    else:
        model = checkpoint_model(start, name=name)
    dataset.check(model.config)
    export: Export = export_whole
    if start and lora:
        export = with_adapters(model, start, LoraConfig.parse(lora), name=name, seed=settings.seed)
    crop = crop_settings(settings.crop, model.config)
    songs, held_out = PreparedSongs(dataset, crop), PreparedSongs(SongDataset(data, split="validation"), crop)
    songs.require()
    processes = settings.compute.devices * settings.compute.nodes
    steps = SongSteps(songs, model.config.model, objective, settings.batch, processes=processes, seed=settings.seed)
    display = TrainingDisplay(Console(stderr=True), settings.steps, settings.log.interval, visible=first)
    trained = sum(parameter.numel() for parameter in trained_parameters(model).values())
    rounds = settings.steps * settings.songs_per_step / len(songs)
    display.line(
        f"{trained:,} weights learn from {len(songs)} songs, {settings.songs_per_step} a step on {fabric.device.type}"
        f" in {settings.compute.precision}, {rounds:.1f} times each"
    )
    validation = None
    if len(held_out) and settings.validation.interval:
        baselines = Baselines.of(songs.first(_BASELINE_SONGS), model.config.model)
        validation_songs = held_out.first(settings.validation.songs)
        validation = SongValidation(validation_songs, objective, baselines, settings.validation.bins)
        display.line(f"what is known without learning: {figures_text(validation.baseline(model))}")
    elif settings.validation.interval:
        display.line("No song is held out, so nothing can be validated: prepare more, or with a larger --validation.")
    singer = Singer(settings.songs, out / SONGS, str(fabric.device)) if settings.songs.interval and first else None
    log = RunLog(out if first else None, sink_loggers(settings.log, out) if first else ())
    origin = {
        "data": content_key("training data", *(shard.sha256 for shard in dataset.info.shards)),
        "model": content_key("training model", repr(model.config.model)),
        "start": start or "scratch",
        "lora": lora or "",
    }
    parts = TrainingParts(
        folder=out, export=export, origin=origin, log=log, display=display, validate=validation, singer=singer
    )
    fit(fabric, model, steps, settings, parts)
    if first:
        typer.echo(f"{out} is a checkpoint: songbench run --systems songbloom:{name}={out}")
