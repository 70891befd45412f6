"""``songbench train preference``: from pairs of songs to a model that prefers the better ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from songbench.domain.errors import InputError

if TYPE_CHECKING:
    from systems.songbloom.lora.config import LoraConfig
    from systems.songbloom.training.preference.objective import PreferenceObjective
    from systems.songbloom.training.preference.pair_files import PreferencePair
    from systems.songbloom.training.settings import TrainingSettings

_SHOWN = 10
"""Songs and pairs that were left out and are shown."""


def preference(
    data: Annotated[Path, typer.Option("--data", help="A file of 'songbench train pairs'.")],
    start: Annotated[
        str,
        typer.Option("--from", help="The checkpoint to train and to stay close to: a release, a path, a hub name."),
    ],
    out: Annotated[
        Path, typer.Option("--out", help="The folder of the model, new or begun before; it becomes a checkpoint.")
    ],
    tokenizer: Annotated[
        Path | None,
        typer.Option(
            "--tokenizer",
            help="The codebook that the checkpoint was trained with; needed until all songs are prepared.",
        ),
    ] = None,
    features: Annotated[
        str | None, typer.Option("--features", help="The features of a codebook that does not say them.")
    ] = None,
    lora: Annotated[
        str | None,
        typer.Option(
            "--lora",
            help="Train adapters only, e.g. rank=16,alpha=32; the reference is then the model without them and costs"
            " no memory. Else a second model is the reference.",
        ),
    ] = None,
    validation: Annotated[
        float, typer.Option("--validation", help="Share of the prompts whose pairs are held out.", min=0, max=0.9)
    ] = 0.1,
    config: Annotated[str, typer.Option("--config", help="A recipe of settings.")] = "preference",
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="Any other setting, e.g. --set steps=200 --set objective.flow_beta=1000 --set objective.sft_weight=1"
            " (repeatable).",
        ),
    ] = None,
) -> None:
    """Train SongBloom to prefer the better song of each pair (DPO of sketch tokens, Flow-DPO of latents).

    The songs of the pairs are prepared first, into the folder. log.jsonl tells the terms of the loss apart, the share
    of pairs that are preferred rightly and the margins of the rewards, also for prompts that are held out.
    The same command goes on where it was stopped.

    No recipe for SongBloom is published: neither the pairs nor the loss of the released full_150s_dpo are known.

    Example: songbench train preference --data pairs.jsonl --from my-model --tokenizer codes.safetensors
    --lora rank=16 --out my-model-dpo
    """
    from systems.songbloom.lora.config import LoraConfig
    from systems.songbloom.training.composition import compose_settings, objective_of
    from systems.songbloom.training.preference.objective import PreferenceObjective
    from systems.songbloom.training.preference.pair_files import read_pairs

    composed = compose_settings(config, settings or [])
    _refuse_unused(composed)
    objective = objective_of(composed, PreferenceObjective)
    adapters = _without_dropout(LoraConfig.parse(lora), lora) if lora is not None else None
    pairs = read_pairs(data)
    try:
        _prepare(pairs, out, start, tokenizer, features, composed)
        _train(pairs, out, composed, objective, start=start, lora=adapters, validation=validation)
    except KeyboardInterrupt:
        typer.echo("Stopped. The same command goes on from what was finished.", err=True)
        raise typer.Exit(130) from None


_SONGS = "pair_songs"


def _refuse_unused(settings: TrainingSettings) -> None:
    from systems.songbloom.training.settings import CropChoice, ModelSettings

    for field, value, usual in (("crop", settings.crop, CropChoice()), ("model", settings.model, ModelSettings())):
        if value != usual:
            raise InputError(
                f"Preference training has no settings '{field}': whole songs are shown to the checkpoint's model.",
                field=field,
                cure="Leave them out.",
            )


def _without_dropout(config: LoraConfig, text: str) -> LoraConfig:
    """Adapters that give policy and reference the same inputs."""
    if config.dropout and "dropout" in text:
        raise InputError(
            "Preference compares two models on the same inputs, so nothing is dropped.",
            field="--lora",
            cure="Leave dropout out.",
        )
    return replace(config, dropout=0.0)


def _prepare(
    pairs: list[PreferencePair],
    out: Path,
    start: str,
    tokenizer: Path | None,
    features: str | None,
    settings: TrainingSettings,
) -> None:
    from systems.songbloom import loading
    from systems.songbloom.training.commands.prepare import PreparationBar
    from systems.songbloom.training.preference.preparation import is_prepared, prepare_pairs
    from systems.songbloom.training.tokenizer.codebook import load_tokenizer

    folder = out / _SONGS
    if is_prepared(folder, pairs):
        return
    if tokenizer is None:
        raise InputError(
            "The songs have no sketch tokens yet.",
            field="--tokenizer",
            cure="Give the codebook that the checkpoint was trained with.",
        )
    if start.removeprefix("songbloom_") in loading.RELEASES:
        typer.echo(
            "The codebook of the released models is not published. Unless this is it, its tokens mean nothing to their"
            " weights, and what is learnt from them is noise.",
            err=True,
        )
    device = settings.compute.device or loading.best_device()
    codebook = load_tokenizer(tokenizer, features, device)
    songs = {song.digest for pair in pairs for song in (pair.winner, pair.loser)}
    with PreparationBar(len(songs)) as bar:
        left_out = prepare_pairs(folder, pairs, loading.find(start), codebook, device=device, progress=bar)
    for fault in left_out[:_SHOWN]:
        typer.echo(f"left out {fault.id}: {fault.reason}", err=True)
    if len(left_out) > _SHOWN:
        typer.echo(f"and {len(left_out) - _SHOWN} more songs", err=True)


def _train(
    pairs: list[PreferencePair],
    out: Path,
    settings: TrainingSettings,
    objective: PreferenceObjective,
    *,
    start: str,
    lora: LoraConfig | None,
    validation: float,
) -> None:
    from rich.console import Console

    from songbench.domain.hashing import content_key
    from systems.songbloom.training.beginning import checkpoint_model, model_name
    from systems.songbloom.training.display import TrainingDisplay
    from systems.songbloom.training.exporting import export_whole, with_adapters
    from systems.songbloom.training.fit import SONGS, TrainingParts, fit
    from systems.songbloom.training.preference.pair_songs import PreparedPairs
    from systems.songbloom.training.preference.preparation import prepared_dataset
    from systems.songbloom.training.preference.reference import (
        FrozenReference,
        PreferenceReference,
        policy_without_adapters,
    )
    from systems.songbloom.training.preference.selection import evaluation_warning
    from systems.songbloom.training.preference.steps import PairTerms, PreferenceSteps, PreferenceValidation
    from systems.songbloom.training.processes import launched_fabric
    from systems.songbloom.training.run_log import RunLog
    from systems.songbloom.training.sinks import sink_loggers
    from systems.songbloom.training.sung_songs import Singer
    from systems.songbloom.training.trained import trained_parameters

    fabric = launched_fabric(settings.compute)
    first, name = fabric.is_global_zero, model_name(out)
    model = checkpoint_model(start, name=name)
    export = export_whole if lora is None else with_adapters(model, start, lora, name=name, seed=settings.seed)
    reference: PreferenceReference = policy_without_adapters
    if lora is None or lora.train == "all":  # then the model as it was is nowhere in the policy
        reference = FrozenReference(checkpoint_model(start, name=name))
    prepared = PreparedPairs(pairs, prepared_dataset(out / _SONGS), model.config)
    terms = PairTerms(model.config.model, objective, reference)
    numbers, held_out = prepared.split(validation)
    steps = PreferenceSteps(
        numbers,
        prepared.pair,
        terms,
        size=settings.batch.songs,
        passes=settings.batch.accumulation,
        processes=settings.compute.devices * settings.compute.nodes,
        seed=settings.seed,
    )
    display = TrainingDisplay(Console(stderr=True), settings.steps, settings.log.interval, visible=first)
    for pair, problem in prepared.left_out[:_SHOWN]:
        display.line(f"left out {pair}: {problem}")
    trained = sum(parameter.numel() for parameter in trained_parameters(model).values())
    display.line(
        f"{trained:,} weights learn from {len(numbers)} pairs, {settings.songs_per_step} a step on"
        f" {fabric.device.type} in {settings.compute.precision}; {len(held_out)} pairs are held out,"
        f" {len(prepared.left_out)} cannot be used"
    )
    display.line(evaluation_warning(sorted({column for pair in prepared.pairs for column in pair.scores})))
    judge = None
    if held_out and settings.validation.interval:
        judge = PreferenceValidation(held_out[: settings.validation.songs], prepared.pair, terms)
    elif settings.validation.interval:
        display.line("No pair is held out, so nothing can be validated: give more prompts, or a larger --validation.")
    singer = Singer(settings.songs, out / SONGS, str(fabric.device)) if settings.songs.interval and first else None
    log = RunLog(out if first else None, sink_loggers(settings.log, out) if first else ())
    origin = {
        "pairs": content_key("preference pairs", *(pair.model_dump(mode="json") for pair in prepared.pairs)),
        "model": content_key("training model", repr(model.config.model)),
        "start": start,
        "lora": "" if lora is None else str(lora),
        "held out": validation,
    }
    parts = TrainingParts(
        folder=out, export=export, origin=origin, log=log, display=display, validate=judge, singer=singer
    )
    fit(fabric, model, steps, settings, parts)
    if first:
        typer.echo(f"{out} prefers: songbench run --systems songbloom:{name}={out} --takes 2")
