"""Commands that run experiments and report on them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from songbench.cli.app import app
from songbench.cli.options import (
    DryRun,
    Metrics,
    Name,
    Overrides,
    Published,
    Replace,
    RetryFailed,
    RunName,
    Runs,
    Seed,
    StoreUrl,
    Suite,
    Systems,
    Takes,
    Workers,
    parts,
)

DAMAGES_NAMED = 8
"""How many damaged files a run names."""
SYSTEMS_NAMED = 8
"""How many systems the first line of a run names."""


def _published(text: str | None) -> list[Any]:
    from songbench.reporting.published import load_published

    return [load_published(name) for name in parts(text) or ()]


def execute(
    experiment: Any,
    *,
    generate: bool,
    score: bool,
    retry_failed: bool,
    dry_run: bool,
    anew: bool = False,
    report: bool = True,
    blocks: Sequence[Any] = (),
) -> None:
    """Run an experiment's stages, or show the plan, and print the leaderboard unless told not to."""
    from songbench.execution.runner import Runner
    from songbench.execution.store import Store
    from songbench.reporting.console import Bars, duration

    store, bars = Store(experiment.store), Bars()
    _introduce(experiment, bars.console)
    if dry_run:
        _show_plan(experiment, store)
        return
    retry = retry_failed or bool(experiment.config["retry_failed"])
    try:
        outcome = Runner(experiment, store, bars, retry_failed=retry, anew=anew).run(generate=generate, score=score)
    except KeyboardInterrupt:
        typer.echo("\nStopped. Everything finished is stored: run the same command again to go on.", err=True)
        raise typer.Exit(130) from None
    if outcome.damaged:
        _tell_damage(outcome, bars.console)
    new = sum(outcome.computed.values())
    did = f"{new} new results" if new else "nothing to compute: everything was stored already"
    bars.console.print(f"[bold]{did}[/bold] ({duration(outcome.seconds)})", highlight=False)
    if score and report:
        _report(experiment, store, experiment.folder, blocks)
    elif not score:
        exit_for_failures(experiment, store)


def _introduce(experiment: Any, console: Any) -> None:
    from rich.markup import escape

    from songbench.contracts.system import Remarkable
    from songbench.reporting.sound_notes import asset_notes

    suite, names = experiment.suite, [system.name for system in experiment.systems]
    told = ", ".join(names if len(names) <= SYSTEMS_NAMED else [*names[: SYSTEMS_NAMED - 1], "…"])
    console.print(
        f"Suite [bold]{escape(suite.name)}[/bold] {suite.version}: {len(suite.prompts)} prompts × {experiment.takes}"
        f" takes × {len(names)} systems ({escape(told)})",
        highlight=False,
    )
    for remark in [*experiment.remarks, *asset_notes(experiment.asset_remarks)]:
        console.print(f"  {escape(remark)}", highlight=False)
    for system in experiment.systems:
        if isinstance(system.plugin, Remarkable):
            for remark in system.plugin.remarks(suite.prompts, experiment.takes):
                console.print(f"  {escape(remark)}", highlight=False)
    for metric in experiment.metrics:
        if not metric.availability.ready:
            state = metric.availability
            console.print(
                f"  [yellow]without {metric.id}[/yellow]: {escape(state.reason)}. To get it: {escape(state.cure)}"
            )


def _tell_damage(outcome: Any, console: Any) -> None:
    from rich.markup import escape

    told = list(outcome.damaged)
    console.print(f"[yellow]{len(told)} stored files were not whole[/yellow] and are made again where they are needed:")
    for line in told[:DAMAGES_NAMED]:
        console.print(f"  {escape(line)}", highlight=False, soft_wrap=True)
    if len(told) > DAMAGES_NAMED:
        console.print(f"  … and {len(told) - DAMAGES_NAMED} more")


def _show_plan(experiment: Any, store: Any) -> None:
    from rich.console import Console

    from songbench.contracts.metric import SetMetric
    from songbench.execution.plan import Planner
    from songbench.execution.record import read_journal
    from songbench.reporting.console import mean_seconds, plan_table

    planner = Planner(experiment, store)
    stages = [planner.assets(), *(planner.generation(system) for system in experiment.systems)]
    for metric in experiment.ready_metrics:
        if isinstance(metric.plugin, SetMetric):
            stages += [planner.features(metric), planner.set_scoring(metric)]
        else:
            stages.append(planner.scoring(metric))
    runs = experiment.runs.iterdir() if experiment.runs.is_dir() else []
    known = mean_seconds(read_journal(folder) for folder in runs)
    Console().print(plan_table([(stage, known.get(stage.title)) for stage in stages]))


def _report(experiment: Any, store: Any, folder: Path, blocks: Sequence[Any] = ()) -> None:
    from rich.console import Console

    from songbench.execution.gather import gather
    from songbench.reporting import published
    from songbench.reporting.leaderboard import build_leaderboard
    from songbench.reporting.panels import load_panels
    from songbench.reporting.report import write_report
    from songbench.reporting.tables import WIDTH, print_leaderboard

    panels = load_panels(experiment.folder)
    board = build_leaderboard(gather(experiment, store), panels=panels, **experiment.statistics)
    paths = write_report(board, folder, blocks)
    print_leaderboard(board, console := Console())
    if blocks:
        console.print(published.to_text(blocks, min(console.width, WIDTH)), markup=False, highlight=False)
    Console(stderr=True).print(f"{len(paths)} files in [bold]{folder}[/bold]: {', '.join(p.name for p in paths[:5])} …")
    exit_for_failures(experiment, store)


def exit_for_failures(experiment: Any, store: Any) -> None:
    """Exit with 1 when songs or scores failed."""
    from songbench.execution.gather import completion, gather

    songs, scores = completion(gather(experiment, store))
    failed = sum(one.failed for one in [*songs, *scores])
    if failed:
        typer.echo(f"{failed} songs or scores failed; they are counted, and --retry-failed tries them again.", err=True)
        raise typer.Exit(1)


_RUN_HELP = """Make the missing songs, score them, print the leaderboard.

Examples:

    songbench run

    songbench run --systems rulebased,imported:suno-v5=downloads/ --metrics per,audio --takes 2

    songbench run --suite my_prompts.jsonl --dry-run
"""


def _add_stages(name: str, text: str, *, generate: bool, score: bool) -> None:
    """Add a command that runs some of the stages; all of them take the same options."""

    @app.command(name, help=text)
    def command(
        suite: Suite = None,
        systems: Systems = None,
        metrics: Metrics = None,
        takes: Takes = None,
        seed: Seed = None,
        name: Name = None,
        store: StoreUrl = None,
        runs: Runs = None,
        workers: Workers = None,
        overrides: Overrides = None,
        retry_failed: RetryFailed = False,
        dry_run: DryRun = False,
        replace: Replace = False,
        elsewhere: Published = None,
    ) -> None:
        from songbench.execution.config import plan_experiment
        from songbench.execution.run_names import continued

        blocks = _published(elsewhere)  # before anything is computed: a misspelt name must not cost a run
        experiment = plan_experiment(
            suite=suite,
            systems=parts(systems),
            metrics=parts(metrics),
            takes=takes,
            seed=seed,
            name=name,
            store=store,
            runs=runs,
            workers=workers,
            overrides=overrides or (),
        )
        execute(
            continued(experiment, anew=replace),
            generate=generate,
            score=score,
            retry_failed=retry_failed,
            dry_run=dry_run,
            anew=replace,
            blocks=blocks,
        )


_add_stages("run", _RUN_HELP, generate=True, score=True)
_add_stages("generate", "Make the missing songs only; score them later.", generate=True, score=False)
_add_stages(
    "score", "Score the stored songs without making new ones, print the leaderboard.", generate=False, score=True
)


@app.command()
def report(
    run: RunName = "demo",
    to: Annotated[Path | None, typer.Option("--to", help="Write here instead of the run's folder.")] = None,
    elsewhere: Published = None,
    runs: Runs = None,
    store: StoreUrl = None,
) -> None:
    """Print a run's leaderboard again and write its tables and figures (with the run record, when --to is given)."""
    from songbench.execution.record import RECORD
    from songbench.execution.recorded import recorded
    from songbench.execution.store import Store, write_atomically

    blocks = _published(elsewhere)
    experiment, _ = recorded(run, runs, store)
    if to:
        write_atomically(to / RECORD, (experiment.folder / RECORD).read_bytes())
    _report(experiment, Store(experiment.store), to or experiment.folder, blocks)


@app.command()
def status(run: RunName = "demo", runs: Runs = None, store: StoreUrl = None) -> None:
    """Show how far a run is: songs and scores done, failed, open."""
    from rich.console import Console

    from songbench.execution.gather import completion, gather
    from songbench.execution.recorded import recorded
    from songbench.execution.store import Store
    from songbench.reporting.console import status_table

    experiment, _ = recorded(run, runs, store)
    songs, scores = completion(gather(experiment, Store(experiment.store)))
    Console().print(status_table(songs, scores))


@app.command()
def verify(
    run: RunName = "demo",
    again: Annotated[
        int, typer.Option("--again", min=0, help="Make this many songs of each system again and compare.")
    ] = 0,
    runs: Runs = None,
    store: StoreUrl = None,
    discard: Annotated[
        bool, typer.Option("--discard", help="Remove what is damaged in the store; the next run makes it again.")
    ] = False,
) -> None:
    """Read everything a run stored and wrote again, name what is damaged, and say what has changed since."""
    from rich.console import Console

    from songbench.domain.errors import SongbenchError
    from songbench.execution.damage import discard_damage
    from songbench.execution.plan import Planner
    from songbench.execution.record import RECORD, make_record, read_record
    from songbench.execution.recorded import rebuilt, recorded_config, run_folder
    from songbench.execution.store import Store
    from songbench.execution.verification import make_again
    from songbench.execution.verification import verify as check
    from songbench.reporting.console import show_verification

    folder = run_folder(run, runs)
    record = read_record(folder / RECORD)
    opened = Store(store or recorded_config(record, folder)["store"])
    now: dict[str, Any] | str
    try:
        experiment = rebuilt(record, folder, store)
        now = make_record(experiment, Planner(experiment, opened))
    except SongbenchError as error:
        if again:
            raise
        now = str(error)
    found = check(record, folder, opened, now)
    remade = make_again(experiment, opened, again) if again else []
    removed = discard_damage(list(found.damaged), opened) if discard else None
    show_verification(Console(), run, found, remade, removed)
    if not found.whole or any(one.verdict != "same" for one in remade):
        raise typer.Exit(1)
