"""Commands that run experiments: ``run``, ``generate``, ``score``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer

from songbench.cli.app import RUNS, app
from songbench.cli.leaderboards import NONE, exit_for_failures, published_blocks, show_leaderboard
from songbench.cli.options import (
    DryRun,
    Facet,
    Metrics,
    Name,
    Overrides,
    Published,
    Quiet,
    Replace,
    RetryFailed,
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


def execute(
    experiment: Any,
    *,
    generate: bool,
    score: bool,
    retry_failed: bool,
    dry_run: bool,
    anew: bool = False,
    report: bool = True,
    blocks: Sequence[Any] | None = None,
    quiet: bool = False,
    facet: str | None = None,
) -> None:
    """Run an experiment's stages, or show the plan, and print the leaderboard.

    Args:
        experiment: what to run.
        generate: make songs.
        score: score songs, and print the leaderboard.
        retry_failed: try again what is stored as failed.
        dry_run: show the plan only.
        anew: the run replaces an earlier one of its name.
        report: print the leaderboard and write its files.
        blocks: published numbers to show below; None: those that the report shows already.
        quiet: no progress and no introduction.
        facet: by which the leaderboard is told apart into parts.
    """
    from songbench.execution.runner import Runner
    from songbench.execution.store import Store
    from songbench.reporting.console import Bars, duration

    store, bars = Store(experiment.store), Bars()
    bars.console.quiet = quiet
    _introduce(experiment, store, bars.console)
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
        _show_damage(list(outcome.damaged))
    new = sum(outcome.computed.values())
    extent = "everything that systems can take" if experiment.unsupported else "everything"
    did = f"{new} new results" if new else f"nothing to compute: {extent} was stored already"
    bars.console.print(f"[bold]{did}[/bold] ({duration(outcome.seconds)})", highlight=False)
    if score and report:
        idle = not (new or outcome.failed or outcome.damaged)
        show_leaderboard(experiment, store, experiment.folder, blocks, quiet=quiet, facet=facet, renew=not idle)
    elif not score:
        from songbench.execution.gather import failure_count, gather

        exit_for_failures(failure_count(gather(experiment, store)))


def _introduce(experiment: Any, store: Any, console: Any) -> None:
    from rich.markup import escape

    from songbench.contracts.system import SystemWithRemarks
    from songbench.execution.memory_remarks import memory_remarks
    from songbench.execution.plan import Planner
    from songbench.reporting import limits
    from songbench.reporting.sound_notes import asset_notes

    suite, names = experiment.suite, [system.name for system in experiment.systems]
    listed = ", ".join(names if len(names) <= SYSTEMS_NAMED else [*names[: SYSTEMS_NAMED - 1], "…"])
    console.print(
        f"Suite [bold]{escape(suite.name)}[/bold] {suite.version}: {_count(len(suite.prompts), 'prompt')} ×"
        f" {_count(experiment.takes, 'take')} × {_count(len(names), 'system')} ({escape(listed)})",
        highlight=False,
    )
    for remark in [*experiment.remarks, *asset_notes(experiment.asset_remarks, experiment.suite.track)]:
        console.print(f"  {escape(remark)}", highlight=False)
    for system in experiment.systems:
        if isinstance(system.plugin, SystemWithRemarks):
            for remark in system.plugin.remarks(suite.prompts, experiment.takes):
                console.print(f"  {escape(remark)}", highlight=False)
    for remark in memory_remarks(experiment):
        console.print(f"  [yellow]{escape(remark)}[/yellow]", highlight=False)
    for songs in limits.by_system(Planner(experiment, store).unsupported).values():
        sentence = limits.sentence(songs, len(suite.prompts) * experiment.takes)
        console.print(f"  [yellow]{escape(sentence)}[/yellow]", highlight=False)
    for metric in experiment.metrics:
        if not metric.availability.ready:
            state = metric.availability
            console.print(
                f"  [yellow]without {metric.id}[/yellow]: {escape(state.reason)}. To get it: {escape(state.cure)}"
            )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _show_damage(faults: Sequence[str]) -> None:
    from rich.console import Console
    from rich.markup import escape

    console = Console(stderr=True)
    console.print(
        f"[yellow]{len(faults)} stored files were not whole[/yellow] and are made again where they are needed:"
    )
    for fault in faults[:DAMAGES_NAMED]:
        console.print(f"  {escape(fault)}", highlight=False, soft_wrap=True)
    if len(faults) > DAMAGES_NAMED:
        console.print(f"  … and {len(faults) - DAMAGES_NAMED} more")


def _show_plan(experiment: Any, store: Any) -> None:
    from songbench.contracts import registry
    from songbench.contracts.metric import SetMetric
    from songbench.execution.plan import Planner
    from songbench.execution.record import read_journal
    from songbench.reporting import limits
    from songbench.reporting.console import mean_seconds, plan_table
    from songbench.reporting.document.terminal import print_document

    planner = Planner(experiment, store)
    stages = [planner.assets(), *(planner.generation(system) for system in experiment.systems)]
    for metric in experiment.ready_metrics:
        if isinstance(metric.plugin, SetMetric):
            stages += [planner.features(metric), planner.set_scoring(metric)]
        else:
            stages.append(planner.scoring(metric))
    is_open = any(stage.missing or stage.waiting for stage in stages)  # else no past run need tell how long it takes
    runs = experiment.runs.iterdir() if is_open and experiment.runs.is_dir() else []
    seconds = mean_seconds(map(read_journal, runs))
    unsupported = list(limits.by_system(planner.unsupported).values())
    print_document(plan_table([(stage, seconds.get(stage.title)) for stage in stages], unsupported))
    engine: Any = registry.load(registry.ENGINES, experiment.engine.name)
    if is_open and hasattr(engine, "plan"):
        typer.echo(engine.plan(experiment.engine, experiment.folder))


_RUN_HELP = """Make the missing songs, score them, print the leaderboard.

Examples:

    songbench run
    songbench run --systems rulebased,imported:suno-v5=downloads/ --metrics per,audio --takes 2
    songbench run --suite my_prompts.jsonl --dry-run

More in docs/runs.md.
"""

_GENERATE_HELP = """Make the missing songs only; score them later.

Example:

    songbench generate --systems rulebased,noise --takes 2

More in docs/runs.md.
"""

_SCORE_HELP = """Score the stored songs without making new ones, print the leaderboard.

Example:

    songbench score --systems rulebased,noise --metrics audio,rtf

More in docs/runs.md.
"""


def _add_stages(name: str, text: str, *, generate: bool, score: bool) -> None:
    """Add a command that runs some of the stages; all of them take the same options."""

    @app.command(name, help=text, rich_help_panel=RUNS)
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
        facet: Facet = None,
        elsewhere: Published = None,
        quiet: Quiet = False,
    ) -> None:
        from songbench.execution.config import plan_experiment
        from songbench.execution.run_names import continued
        from songbench.reporting.facets import check_facet

        # 1. what is asked for, before anything is computed: a misspelt name must not cost a run
        blocks = published_blocks(elsewhere)
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
        check_facet(experiment.suite, None if facet == NONE else facet)
        # 2. the run
        execute(
            continued(experiment, anew=replace),
            generate=generate,
            score=score,
            retry_failed=retry_failed,
            dry_run=dry_run,
            anew=replace,
            blocks=blocks,
            quiet=quiet,
            facet=facet,
        )


_add_stages("run", _RUN_HELP, generate=True, score=True)
_add_stages("generate", _GENERATE_HELP, generate=True, score=False)
_add_stages("score", _SCORE_HELP, generate=False, score=True)
