"""``songbench listen create``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from songbench.cli.options import parts

if TYPE_CHECKING:
    from rich.console import Console

    from listening_test.preparation.build import Preparation
    from listening_test.preparation.writing import ProgressCallback
    from listening_test.protocol import Protocol

HELP = """Prepare a blind listening test from the songs of a finished run.

The protocol says what is asked and how; a preset is a good start (songbench listen presets). The folder then holds \
the loudness-matched audio under opaque names, who hears what, and hidden checks. preparation.md tells you what was \
made; key.json says which file is which song: keep both from raters. The songs of the run are not touched.

Examples:

    songbench listen create demo --protocol songbloom

    songbench listen create mine --protocol multistimulus --raters 20 --set listening.loudness=-16

    songbench listen create mine --protocol our-lab.yaml --systems ours,theirs --set raters.pages=12

Everything is drawn from the seed: the same run, protocol and seed make the same test. The next step is \
`songbench listen serve FOLDER`, or `songbench listen simulate FOLDER` to see what a report would look like.
"""


def create(
    run: Annotated[str, typer.Argument(help="The run's name, as under --runs.")],
    protocol: Annotated[
        str, typer.Option("--protocol", help="A preset (songbench listen presets) or a file of your own, .yaml.")
    ] = "songbloom",
    name: Annotated[str | None, typer.Option("--name", help="Of the test. Default: the protocol's.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="The folder to make. Default: listening/RUN-NAME.")] = None,
    systems: Annotated[
        str | None, typer.Option("--systems", help="Comma-separated. Default: all but sanity systems.")
    ] = None,
    raters: Annotated[
        int | None, typer.Option("--raters", min=1, help="Planned raters: seats that are balanced.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Of everything that is drawn.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Any field of the protocol, e.g. --set raters.minutes=20 (repeatable)."),
    ] = None,
    runs: Annotated[
        str | None, typer.Option("--runs", help="The folder of run folders. Default: results/runs.")
    ] = None,
    store: Annotated[str | None, typer.Option("--store", help="Where the run's results live now.")] = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Make a finished test anew; the one before is kept aside with its key and answers."
        ),
    ] = False,
) -> None:
    """See `HELP`."""
    from rich.console import Console

    from listening_test.preparation.build import prepare
    from listening_test.preparation.folder import claim, give_up
    from listening_test.preparation.material import gather_material
    from listening_test.preparation.report import write_reports
    from listening_test.protocol import load_protocol
    from songbench.execution.recorded import recorded
    from songbench.execution.store import Store

    declared = load_protocol(protocol, _overrides(name, parts(systems), raters, seed, settings or ()))
    experiment, _ = recorded(run, runs, store)
    folder = out or Path("listening") / f"{run}-{declared.name}"
    material = gather_material(experiment, Store(experiment.store), runs or "results/runs")
    console = Console(stderr=True)
    earlier = claim(folder, force=force)
    try:
        with _progress(console) as tell:
            preparation = prepare(material, declared, folder, tell)
    except KeyboardInterrupt:
        give_up(folder, earlier)
        typer.echo("\nStopped. Nothing half-made was left; run the same command again.", err=True)
        raise typer.Exit(130) from None
    except BaseException:
        give_up(folder, earlier)
        raise
    if earlier:
        console.print(f"the test before, with its key and answers, is kept in {earlier}", highlight=False, markup=False)
    write_reports(preparation)
    _summary(Console(), preparation)


def _overrides(
    name: str | None, systems: list[str] | None, raters: int | None, seed: int | None, settings: Sequence[str]
) -> dict[str, Any]:
    """What the options change of the protocol; `--set` wins."""
    from listening_test.protocol.loading import merged
    from songbench.domain.overrides import nested, read_overrides

    options: dict[str, Any] = {}
    if name is not None:
        options["name"] = name
    if systems is not None:
        options["items"] = {"systems": systems}
    if raters is not None:
        options["raters"] = {"planned": raters}
    if seed is not None:
        options["seed"] = seed
    return merged(options, nested(read_overrides(settings, example="raters.minutes=20")))


@contextmanager
def _progress(console: Console) -> Iterator[ProgressCallback]:
    """A bar per stage of the work, on stderr."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<20}"), BarColumn(bar_width=24), MofNCompleteColumn(), TimeElapsedColumn())
    bars = Progress(*columns, console=console)
    tasks: dict[str, Any] = {}

    def tell(stage: str, count: int, total: int) -> None:
        if not tasks:
            bars.start()  # not before: what is refused at once is one message, without an empty line for no bars
        if stage not in tasks:
            tasks[stage] = bars.add_task(stage, total=total)
        bars.update(tasks[stage], completed=count)

    try:
        yield tell
    finally:
        if tasks:
            bars.stop()


def _summary(console: Console, preparation: Preparation) -> None:
    """What was made, how good it can get, what comes next."""
    from rich.markup import escape

    from listening_test.preparation.report import minutes, power_statement
    from listening_test.reporting.wording import counted

    test, design = preparation.test, preparation.design
    console.print(
        f"[bold]{escape(test.name)}[/bold]: {len(test.stimuli)} stimuli, {counted(design.seats, 'rater')} with"
        f" {counted(design.pages, 'test page')} each, about {minutes(preparation)} minutes",
        highlight=False,
    )
    console.print(f"  systems  {escape(', '.join(preparation.selection.names))}", highlight=False)
    console.print(
        f"  votes    {preparation.coverage.cells} per {_cell(test.protocol)}; a rater meets each"
        f" {'pair of systems' if design.pairwise else 'system'} {_times(preparation.coverage.treatments)}",
        highlight=False,
    )
    for note in preparation.notes:
        console.print(f"  [yellow]note[/yellow]     {escape(note)}", highlight=False)
    console.print(f"  power    {escape(power_statement(preparation))}", highlight=False)
    console.print(
        f"  made     {escape(str(test.folder))} (read preparation.md; keep key.json from raters)", highlight=False
    )
    console.print(f"Next: [bold]songbench listen serve {escape(str(test.folder))}[/bold]", highlight=False)


def _times(span: object) -> str:
    return "once" if str(span) == "1" else f"{span} times"


def _cell(protocol: Protocol) -> str:
    return "page" if protocol.continuous else "pair of songs" if protocol.pairwise else "song"
