"""``songbench train memory``: what a training would take."""

from __future__ import annotations

from typing import Annotated

import typer


def memory(
    config: Annotated[str, typer.Option("--config", help="tiny, full_150s, full_240s, or a checkpoint.")] = "full_150s",
    lora: Annotated[
        str | None,
        typer.Option("--lora", help='Adapters only: rank=16,alpha=32,targets=q_proj+v_proj+to_qkv; "" for these.'),
    ] = None,
    songs: Annotated[int, typer.Option("--songs", min=1, max=10_000, help="Songs of one pass on one device.")] = 1,
    seconds: Annotated[
        float | None, typer.Option("--seconds", min=0.1, max=3600, help="Of each; default: the model's longest.")
    ] = None,
    average: Annotated[bool, typer.Option("--average", help="With an average of the weights (EMA).")] = False,
) -> None:
    """Print the memory that training takes on one device, by precision and checkpointing; arithmetic, nothing is run.

    Example: songbench train memory --config full_150s --lora rank=16
    """
    from rich.console import Console
    from rich.table import Table

    from songbench.domain.errors import InputError
    from systems.songbloom import loading
    from systems.songbloom.lora.config import LoraConfig
    from systems.songbloom.presets import PRESETS
    from systems.songbloom.training.memory_costs import GIB, MemorySettings, training_memory

    try:
        sizes = PRESETS[config] if config in PRESETS else loading.find(config).read_config()
    except InputError as error:
        raise InputError(
            f"'{config}' is neither a preset nor a checkpoint.", field="--config", allowed=(*PRESETS,)
        ) from error
    adapters = None if lora is None else LoraConfig.parse(lora)
    length = seconds or sizes.trained_seconds
    table = Table(title=f"{config}, {'adapters: ' + str(adapters) if adapters else 'all weights'}, in GiB")
    for heading in ("precision", "checkpointing", "weights", "casts", "gradients", "AdamW", "activations", "sum"):
        table.add_column(heading, justify="left" if heading in ("precision", "checkpointing") else "right")
    trained = 0
    for precision in ("float32", "bfloat16"):
        for checkpointing in (False, True):
            cost = training_memory(
                sizes,
                MemorySettings(
                    songs=songs, seconds=length, precision=precision, checkpointing=checkpointing, average=average
                ),
                adapters,
            )
            trained = cost.trained
            activations = cost.activations + cost.recomputed
            numbers = (cost.weights, cost.casts, cost.gradients, cost.optimiser, activations, cost.total)
            table.add_row(precision, "yes" if checkpointing else "no", *(f"{number / GIB:.2f}" for number in numbers))
    console = Console(width=110)
    console.print(table)
    console.print(
        f"{trained:,} numbers are trained; {songs} x {length:g} s a pass. Not counted: what kernels need while they"
        " run, and what the allocator wastes.",
        highlight=False,
    )
