"""``songbench suites``: list them, show one, import lyrics of other projects."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from songbench.cli.app import app

_SHOW = "show"


class _ShowByDefault(TyperGroup):
    """A group whose first word, where it is none of its commands, is what to show."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        if args and args[0] not in self.commands:
            args = [_SHOW, *args]
        return super().resolve_command(ctx, args)


suites = typer.Typer(cls=_ShowByDefault, invoke_without_command=True, rich_markup_mode="rich", no_args_is_help=False)
app.add_typer(suites, name="suites")


@suites.callback()
def listing(context: typer.Context) -> None:
    """List the suites, check and show one (songbench suites NAME or FILE), or import lyrics of other projects."""
    if context.invoked_subcommand is None:
        from rich.console import Console

        from songbench.reporting.console import suites_listing

        Console().print(suites_listing())


@suites.command(_SHOW, hidden=True)
def show(name: Annotated[str, typer.Argument(help="A registered suite or a file.")]) -> None:
    """Check a suite and show its prompts, the lines as they will be sung, and what looks odd."""
    from rich.console import Console

    from songbench.execution.experiment import find_suite
    from songbench.reporting.lyric_sheet import suite_sheet

    Console().print(suite_sheet(find_suite(name)))


_IMPORT_HELP = """Convert prompts of another project to a suite file: tags, times, styles, languages.

FILE is what the project has: a .jsonl or .json file, a text file, or a folder of them. What is changed or left out is
reported; nothing is overwritten without --force.

\b
  suno           a paste (.txt), a folder of them, or .jsonl; any lyrics with headings in brackets
  yue            a folder with lyrics.txt and genre.txt, or YuE2's .jsonl
  levo           LeVo's .jsonl (gt_lyric, descriptions)
  acestep        .json or .jsonl (prompt, lyrics, audio_duration)
  lrc            an .lrc file or a folder of them
  songbloom      SongBloom's .jsonl (--seconds-per-tag 5 for its 240 s model)
  wildsongbench  its .jsonl
  tencent        .jsonl of Tencent's SongBench (lyric, text_prompt)
  heartmula      a folder with lyrics.txt and tags.txt, or .jsonl

Examples:

    songbench suites import paste.txt --from suno --to mine.jsonl

    songbench suites import YuE/prompt_egs --from yue --to yue.jsonl

    songbench suites import lyrics.jsonl --from levo --to levo.jsonl --force
"""


@suites.command("import", help=_IMPORT_HELP)
def import_(
    file: Annotated[Path, typer.Argument(help="The file or folder to convert.")],
    source: Annotated[str, typer.Option("--from", help="Whose it is: suno, yue, levo, …")],
    to: Annotated[Path, typer.Option("--to", help="The suite file to write (.jsonl).")],
    force: Annotated[bool, typer.Option("--force", help="Replace the file where there is one.")] = False,
    part_seconds: Annotated[
        float, typer.Option(min=0.1, max=600, help="How long a part without words lasts where the source does not say.")
    ] = 5.0,
    seconds_per_tag: Annotated[
        float, typer.Option(min=0.1, max=60, help="How long one tag lasts in SongBloom's lines.")
    ] = 1.0,
) -> None:
    """See `_IMPORT_HELP`."""
    from songbench.suites.importing import import_suite

    done = import_suite(file, source, to, force=force, part_seconds=part_seconds, seconds_per_tag=seconds_per_tag)
    count = len(done.suite.prompts)
    typer.echo(f"{done.path}: {count} prompt{'s' if count > 1 else ''}")
    for title, lines in (("changed or left out", done.changes), ("to look at", done.suite.remarks)):
        if lines:
            typer.echo(f"{title}:")
            for line in lines:
                typer.echo(f"  {line}")
    typer.echo(f"See the lines as they will be sung: songbench suites {done.path}")
