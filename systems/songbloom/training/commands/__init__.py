"""``songbench train``: from songs to a model of one's own. A module per command, heavy imports inside."""

from __future__ import annotations

import typer

from systems.songbloom.training.commands.memory import memory
from systems.songbloom.training.commands.merge import merge
from systems.songbloom.training.commands.pairs import pairs
from systems.songbloom.training.commands.preference import preference
from systems.songbloom.training.commands.prepare import prepare
from systems.songbloom.training.commands.songbloom import songbloom
from systems.songbloom.training.commands.tokenizer import tokenizer

HELP = """Train SongBloom: prepare songs, train from scratch, fine-tune, or teach it by preference.

Examples:

    songbench train tokenizer my-songs --codes 256 --out codes.safetensors

    songbench train prepare my-songs --tokenizer codes.safetensors --out data

    songbench train songbloom --config laptop --data data --out my-model

What comes out is a system: songbench run --systems songbloom:mine=my-model,rulebased
"""

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False)


@app.callback(help=HELP)
def train() -> None:
    """The group itself does nothing."""


# In the order in which they are needed.
app.command()(tokenizer)
app.command()(prepare)
app.command()(memory)
app.command()(songbloom)
app.command()(merge)
app.command()(pairs)
app.command()(preference)
