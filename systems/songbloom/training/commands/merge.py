"""``songbench train merge``: adapters and their base as one checkpoint."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class MergeLayout(StrEnum):
    """What is written."""

    released = "released"
    lightning = "lightning"
    lightning_lora = "lightning-lora"


def merge(
    adapters: Annotated[
        Path, typer.Argument(help="Adapters (.lora), or a fork's Lightning checkpoint that holds some.")
    ],
    out: Annotated[Path, typer.Option("--out", help="The folder to write; its files must not be there yet.")],
    base: Annotated[
        str | None,
        typer.Option(
            "--base", help="The checkpoint they are for, a release or a path; default: the one they were trained on."
        ),
    ] = None,
    alpha: Annotated[
        float | None, typer.Option("--alpha", help="Of adapters whose file does not hold it; there 32 is assumed.")
    ] = None,
    layout: Annotated[
        MergeLayout,
        typer.Option(
            "--layout",
            help="released: as the authors' checkpoints; lightning: for the fork's infer.py --ckpt-path;"
            " lightning-lora: the same with the adapters apart, for --use-lora.",
        ),
    ] = MergeLayout.released,
) -> None:
    """Write adapters and their base as a checkpoint that needs neither.

    The numbers are those of the base plus (alpha / rank) B A, added in float32; what the adapters do not touch is
    written as it was.

    Example: songbench train merge my-voice.lora --out my-voice
    """
    from songbench.domain.errors import InputError
    from systems.songbloom import loading
    from systems.songbloom.checkpoint import check_checkpoint, load_checkpoint, save_checkpoint
    from systems.songbloom.lora.files import load_with_adapters
    from systems.songbloom.lora.lightning import infer_options, save_lightning

    files = loading.find(str(adapters), base=base, alpha=alpha)
    remarks = loading.adapter_remarks(files)
    if out.is_dir() and any(out.iterdir()):
        raise InputError("This folder holds files already.", file=str(out), field="--out", cure="Name another.")
    check_checkpoint(files)
    for remark in remarks:
        typer.echo(remark, err=True)
    if layout is MergeLayout.lightning_lora:
        model = load_with_adapters(files)
        saved, options = save_lightning(model, out), infer_options(model)
    else:
        model = load_checkpoint(files)
        saved, options = (save_checkpoint if layout is MergeLayout.released else save_lightning)(model, out), ""
    typer.echo(f"{saved.weights}: sing with it: songbench run --systems songbloom:{out.name}={out}")
    if layout is not MergeLayout.released:
        typer.echo(f"In the fork: infer.py --ckpt-path {saved.weights} {options}".rstrip())
