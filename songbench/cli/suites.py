"""``songbench suites``: list them, show one, import lyrics of other projects."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from songbench.cli import completion, json_output
from songbench.cli.app import THINGS, app
from songbench.cli.options import Json
from songbench.domain.errors import nearest

_SHOW = "show"


class _ShowByDefault(TyperGroup):
    """A group whose first word, where it is none of its commands, is what to show."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        if args and args[0] not in self.commands:
            self._refuse_misspelt(ctx, args[0])
            args = [_SHOW, *args]
        return super().resolve_command(ctx, args)

    def _refuse_misspelt(self, ctx: Any, name: str) -> None:
        """A word that is nearer to a command than to any suite is no suite."""
        from songbench.contracts import registry

        registered = registry.names(registry.SUITES)
        match = nearest(name, [*registered, *self.commands])
        if match in self.commands and not Path(name).exists():
            ctx.fail(f"No such command or suite '{name}'. Did you mean '{match}'?")


_SUITES_HELP = """List the suites, check and show one, or import lyrics of other projects.

Examples:

    songbench suites
    songbench suites demo
    songbench suites my_prompts.jsonl

More in docs/suites.md.
"""

suites = typer.Typer(cls=_ShowByDefault, invoke_without_command=True, rich_markup_mode="rich", no_args_is_help=False)
app.add_typer(suites, name="suites", rich_help_panel=THINGS)


@suites.callback(help=_SUITES_HELP)
def listing(context: typer.Context, json: Json = False) -> None:
    """See `_SUITES_HELP`."""
    if context.invoked_subcommand is None:
        from songbench.contracts import registry
        from songbench.reporting.console import suites_listing
        from songbench.reporting.document.terminal import print_document

        if json:
            json_output.show(json_output.of_suites(registry.names(registry.SUITES)))
        else:
            print_document(suites_listing())


@suites.command(_SHOW)
def show(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME|FILE", help="A registered suite or a file.", autocompletion=completion.suite_name),
    ],
    json: Json = False,
) -> None:
    """Check a suite and show its prompts, the lines as they will be sung, statistics, and what looks odd.

    The word show may be left out.

    Example: songbench suites my_prompts.jsonl
    """
    from rich.console import Console

    from songbench.execution.experiment import find_suite
    from songbench.reporting.lyric_sheet import suite_sheet

    if json:
        json_output.show(json_output.of_suite(name))
    else:
        Console().print(suite_sheet(find_suite(name)))


_IMPORT_HELP = """Convert prompts of another project to a suite file: tags, times, styles, languages.

FILE is what the project has: a .jsonl or .json file, a text file, or a folder of them. What is changed or left out \
is reported; nothing is overwritten without --force.

  suno           a paste with headings (.txt), a folder of them, .jsonl
  yue            a folder with lyrics.txt and genre.txt, or YuE2's .jsonl
  levo           LeVo's .jsonl, such as its test100 (gt_lyric, descriptions)
  acestep        .json or .jsonl (prompt, lyrics, audio_duration)
  lrc            an .lrc file or a folder of them
  songbloom      SongBloom's .jsonl (--seconds-per-tag 5 for its 240 s model)
  wildsongbench  its .jsonl (prompt_index, style, lyrics)
  tencent        test100.jsonl of Tencent's SongBench (lyric, text_prompt)
  heartmula      folders with lyrics.txt and tags.txt, or .jsonl
  stems          a folder of vocals with their accompaniments (vocals.wav, no_vocals.wav)

Examples:

    songbench suites import paste.txt --from suno --to mine.jsonl
    songbench suites import YuE/prompt_egs --from yue --to yue.jsonl
    songbench suites import lyrics.jsonl --from levo --to levo.jsonl --force

More in docs/suites.md.
"""


@suites.command("import", help=_IMPORT_HELP)
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file or folder to convert.")],
    source: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="SOURCE",
            help="Whose it is, from the list above.",
            autocompletion=completion.importer_name,
        ),
    ],
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="The suite file to write (.jsonl).")],
    force: Annotated[bool, typer.Option("--force", help="Replace the file where there is one.")] = False,
    part_seconds: Annotated[
        float,
        typer.Option(
            metavar="S", min=0.1, max=600, help="How long a part without words lasts where the source does not say."
        ),
    ] = 5.0,
    seconds_per_tag: Annotated[
        float,
        typer.Option(metavar="S", min=0.1, max=60, help="How long one tag lasts in SongBloom's lines."),
    ] = 1.0,
) -> None:
    """See `_IMPORT_HELP`."""
    from songbench.suites.importing import import_suite

    imported = import_suite(file, source, to, force=force, part_seconds=part_seconds, seconds_per_tag=seconds_per_tag)
    count = len(imported.suite.prompts)
    typer.echo(f"{imported.path}: {count} prompt{'s' if count > 1 else ''}")
    typer.echo("languages: " + ", ".join(f"{language} {number}" for language, number in imported.languages.items()))
    for title, lines in (("changed or left out", imported.changes), ("to look at", imported.suite.remarks)):
        if lines:
            typer.echo(f"{title}:")
            for line in lines:
                typer.echo(f"  {line}")
    typer.echo(f"See the lines as they will be sung: songbench suites {imported.path}")
