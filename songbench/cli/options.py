"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

from songbench.cli import completion

Suite: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--suite",
        metavar="NAME|FILE",
        help="A registered suite (songbench suites) or a .jsonl file.",
        autocompletion=completion.suite_name,
    ),
]
Systems: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--systems",
        metavar="NAMES",
        help="Comma-separated: name, name:variant, imported:NAME=FOLDER (songbench systems).",
        autocompletion=completion.system_names,
    ),
]
Metrics: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--metrics",
        metavar="NAMES",
        help="Comma-separated ids, bare names for all their backends, or presets (songbench metrics).",
        autocompletion=completion.metric_names,
    ),
]
Takes: TypeAlias = Annotated[int | None, typer.Option("--takes", metavar="N", help="Songs per prompt and system.")]
Seed: TypeAlias = Annotated[
    int | None, typer.Option("--seed", metavar="N", help="The seeds of all takes follow from it.")
]
Name: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--name",
        metavar="NAME",
        help="Of the run and its folder; default: the suite's. More systems, metrics or takes under the name of an"
        " earlier run are added to it; whatever else differs is refused.",
        autocompletion=completion.run_name,
    ),
]
StoreUrl: TypeAlias = Annotated[
    str | None, typer.Option("--store", metavar="URL", help="Where results live: a folder or fsspec URL.")
]
Published: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--published",
        metavar="NAMES",
        help="Comma-separated files of results/published to show below, in blocks apart, now and in later reports;"
        " none: show them no more.",
        autocompletion=completion.published_names,
    ),
]
Facet: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--facet",
        metavar="NAME",
        help="Also a table for each part of the run: by language, section_plan, condition (the kind of style that"
        " systems were given) or any tag of the suite, such as genre. Later reports keep the parts; none: no more.",
    ),
]
Figures: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--figures",
        metavar="FORMATS",
        help="Comma-separated formats of the figures: svg, png, pdf; default: svg,png (docs/figures.md).",
    ),
]
TABLE = "A table for a paper"
"""Where help shows the options of a table; any of them asks for one."""
Rows: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--systems",
        metavar="NAMES",
        help="Comma-separated systems of the run, in this order; they are compared among themselves.",
        rich_help_panel=TABLE,
    ),
]
Columns: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--columns",
        metavar="NAMES",
        help="Comma-separated fields (per), columns (per@whisper-base-stem) or metrics, in this order.",
        rich_help_panel=TABLE,
    ),
]
Decimals: TypeAlias = Annotated[
    int | None, typer.Option("--decimals", metavar="N", help="Of every number.", rich_help_panel=TABLE)
]
NoIntervals: TypeAlias = Annotated[
    bool, typer.Option("--no-intervals", help="Without intervals.", rich_help_panel=TABLE)
]
NoLetters: TypeAlias = Annotated[
    bool, typer.Option("--no-letters", help="Without letters of significance groups.", rich_help_panel=TABLE)
]
BoldBest: TypeAlias = Annotated[
    bool, typer.Option("--bold-best", help="With the best of each column in bold.", rich_help_panel=TABLE)
]
Caption: TypeAlias = Annotated[
    str | None, typer.Option("--caption", metavar="TEXT", help="Plain text over it.", rich_help_panel=TABLE)
]
Label: TypeAlias = Annotated[
    str | None, typer.Option("--label", metavar="LABEL", help="For LaTeX, e.g. tab:results.", rich_help_panel=TABLE)
]
TableName: TypeAlias = Annotated[
    str | None,
    typer.Option("--name", metavar="NAME", help="Of its files; default: made of what it shows.", rich_help_panel=TABLE),
]
Runs: TypeAlias = Annotated[
    str | None, typer.Option("--runs", metavar="FOLDER", help="The folder of run folders; default: results/runs.")
]
Workers: TypeAlias = Annotated[int | None, typer.Option("--workers", metavar="N", help="Worker processes.")]
Overrides: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Any setting, e.g. --set system.NAME.KEY=VALUE (repeatable; docs/runs.md)."
    ),
]
RetryFailed: TypeAlias = Annotated[bool, typer.Option("--retry-failed", help="Try again what is stored as failed.")]
DryRun: TypeAlias = Annotated[bool, typer.Option("--dry-run", help="Show what is stored, what is to do, the cost.")]
Replace: TypeAlias = Annotated[
    bool, typer.Option("--replace", help="Start the run of this name anew; nothing stored is lost.")
]
Quiet: TypeAlias = Annotated[
    bool, typer.Option("--quiet", "-q", help="Show results and errors only: no progress, no introduction.")
]
Track: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--track",
        metavar="TRACK",
        help="Only those of this track: song (lyrics to song) or v2a (vocal to accompaniment).",
        autocompletion=completion.track_name,
    ),
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
RunName: TypeAlias = Annotated[
    str | None,
    typer.Argument(
        metavar="RUN",
        help="The run's name (songbench runs); default: the newest.",
        show_default=False,
        autocompletion=completion.run_name,
    ),
]


def parts(text: str | None) -> list[str] | None:
    """The parts of a comma-separated value; None stays None."""
    return None if text is None else [name for part in text.split(",") if (name := part.strip())]
