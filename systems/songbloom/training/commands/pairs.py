"""``songbench train pairs``: which of two takes is better, by scores."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from songbench.domain.errors import InputError


def pairs(
    run: Annotated[str, typer.Argument(help="A run with two takes or more: its name, or the path of its folder.")],
    by: Annotated[
        str, typer.Option("--by", help="Comma-separated scores that must agree, e.g. per,ser; fields or columns.")
    ],
    margin: Annotated[
        list[str] | None,
        typer.Option(
            "--margin",
            help="NAME=VALUE: by how much the winner must be better; 0: it must not be worse. Default: per=10, others"
            " 0 (repeatable).",
        ),
    ] = None,
    systems: Annotated[
        str, typer.Option("--systems", help="Comma-separated: only pairs of these; default: of all but sanity systems.")
    ] = "",
    out: Annotated[
        Path | None, typer.Option("--out", help="The file to write; default: pairs.jsonl in the run's folder.")
    ] = None,
    runs: Annotated[str | None, typer.Option("--runs", help="The folder of runs; default: results/runs.")] = None,
    store: Annotated[
        str | None, typer.Option("--store", help="Where the run's results live now, if not where its record says.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there already.")] = False,
) -> None:
    """Choose pairs of songs for preference training among the takes of a run.

    Of two takes of one prompt, the winner is better by every margin and worse by none of the scores. Ties,
    contradictions and songs without a score are left out and counted. More takes give more pairs: run with --takes 4.

    Example: songbench train pairs my-run --by per,ser --margin per=10 --out pairs.jsonl
    """
    from songbench import api
    from systems.songbloom.training.preference.pair_files import write_pairs
    from systems.songbloom.training.preference.selection import choose_pairs, evaluation_warning, find_criteria

    margins = _margins(margin or [])
    loaded = api.load_run(run, runs=runs, store=store)
    path = out or loaded.folder / "pairs.jsonl"
    if path.exists() and not overwrite:
        raise InputError(f"'{path}' is there already.", field="--out", cure="Add --overwrite or name another file.")
    criteria = find_criteria(loaded.scores, _names(by), margins)
    choice = choose_pairs(loaded, criteria, _names(systems))
    for system, language, count, prompts, left_out in choice.table():
        typer.echo(f"{system}, {language}: {count} pairs of {prompts} prompts, {left_out} pairs of takes left out")
    for reason, count in choice.left_out.most_common():
        typer.echo(f"  left out {count}: {reason}")
    if not choice.pairs:
        raise InputError(
            "No two takes are far enough apart, so no file was written.",
            field="--by",
            cure="Run more takes or prompts, or ask for smaller margins (--margin).",
        )
    write_pairs(path, choice.pairs)
    typer.echo(f"{path}: {len(choice.pairs)} pairs")
    typer.echo(evaluation_warning(criterion.column for criterion in criteria), err=True)


def _names(text: str) -> list[str]:
    return [name for name in (part.strip() for part in text.split(",")) if name]


def _margins(texts: list[str]) -> dict[str, float]:
    margins = {}
    for text in (part for given in texts for part in _names(given)):
        name, sign, value = text.partition("=")
        try:
            margins[name.strip()] = float(value)
        except ValueError:
            sign = ""
        if not sign:
            raise InputError(f"'{text}' is no margin.", field="--margin", cure="Write it like per=10.")
    return margins
