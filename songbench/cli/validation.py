"""The command that examines metrics."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from songbench.cli.app import RUNS, app
from songbench.cli.leaderboards import exit_for_failures
from songbench.cli.options import (
    DryRun,
    Metrics,
    Overrides,
    Quiet,
    Replace,
    RetryFailed,
    Runs,
    Seed,
    StoreUrl,
    Suite,
    Takes,
    Workers,
    parts,
)
from songbench.cli.stages import execute
from songbench.contracts.registry import SystemSpec
from songbench.domain.errors import InputError

_VALIDATE_HELP = """Show how metrics answer to controlled damage: noise, wrong lyrics, shuffled sections …

Songs of a system that sings any lyrics and gives its stems and sections (--base) are damaged in four strengths, \
scored and compared with the undamaged ones. Each metric gets a response curve and a verdict per damage: it reacts as \
it says it should, it is blind, or it reacts to what it should ignore. Your own metric is examined like every other. \
Stop it whenever you like; the same command goes on.

Accompaniments are damaged in ways of their own: --track v2a, or --suite with a suite of that track. What is damaged \
are then the true accompaniments, the system oracle.

Examples:

    songbench validate-metrics
    songbench validate-metrics --track v2a
    songbench validate-metrics --metrics audio --damages noise,loudness --to my-validation
    songbench validate-metrics --metrics per,mcc@mine --suite my_prompts.jsonl

More in docs/validation.md.
"""


@app.command("validate-metrics", help=_VALIDATE_HELP, rich_help_panel=RUNS)
def validate_metrics(
    metrics: Metrics = None,
    damages: Annotated[
        str | None,
        typer.Option("--damages", metavar="NAMES", help="Comma-separated; default: all. (songbench systems damaged)"),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option("--base", metavar="NAME", help="Whose songs are damaged: rulebased, in track v2a oracle."),
    ] = None,
    suite: Suite = None,
    track: Annotated[
        str | None, typer.Option("--track", metavar="TRACK", help="Whose suite to take: song (default) or v2a.")
    ] = None,
    takes: Takes = None,
    seed: Seed = None,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="Of the run and its folder; default: validation, validation_v2a."),
    ] = None,
    store: StoreUrl = None,
    runs: Runs = None,
    workers: Workers = None,
    overrides: Overrides = None,
    retry_failed: RetryFailed = False,
    dry_run: DryRun = False,
    replace: Replace = False,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FOLDER", help="Write here instead of the run's folder.")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """See `_VALIDATE_HELP`."""
    from rich.console import Console

    from songbench.domain.damages import DAMAGES, STRENGTHS, VALIDATED, damages_of
    from songbench.execution.config import plan_experiment
    from songbench.execution.experiment import find_suite
    from songbench.execution.gather import failure_count, gather
    from songbench.execution.record import RECORD
    from songbench.execution.run_names import continued
    from songbench.execution.store import Store
    from songbench.reporting.validation.report import write_validation
    from songbench.reporting.validation.responses import row, validation_of
    from songbench.reporting.validation.tables import print_validation
    from songbench.resources.files import write_atomically

    if track is not None and track not in VALIDATED:
        raise InputError(f"There is no track '{track}'.", field="--track", value=track, allowed=VALIDATED)
    suite = suite or VALIDATED[track or "song"].suite
    suite_track = find_suite(suite).track
    if track not in (None, suite_track):
        raise InputError(f"The suite '{suite}' is of the track {suite_track}, not {track}.", field="--track")
    base = base or VALIDATED[suite_track].base
    name = name or ("validation" if suite_track == "song" else f"validation_{suite_track}")
    allowed = damages_of(suite_track)
    selected = parts(damages) or allowed
    for damage in selected:
        if damage not in allowed:
            raise InputError(
                f"There is no damage '{damage}' of the track {suite_track}.",
                field="--damages",
                value=damage,
                allowed=allowed,
            )
    experiment = plan_experiment(
        suite=suite,
        systems=[base, *(row(DAMAGES[damage], strength) for damage in selected for strength in STRENGTHS)],
        metrics=parts(metrics),
        takes=takes,
        seed=seed,
        name=name,
        store=store,
        runs=runs,
        workers=workers,
        overrides=[*(overrides or ()), *_of_base(base, overrides or ())],
    )
    experiment = continued(experiment, anew=replace)
    execute(
        experiment,
        generate=True,
        score=True,
        retry_failed=retry_failed,
        dry_run=dry_run,
        anew=replace,
        report=False,
        quiet=quiet,
    )
    if dry_run:
        return
    if to:
        write_atomically(to / RECORD, (experiment.folder / RECORD).read_bytes())
    results = gather(experiment, Store(experiment.store))
    validation = validation_of(results, experiment.systems[0].name)
    paths = write_validation(validation, to or experiment.folder)
    print_validation(validation, Console())
    Console(stderr=True, quiet=quiet).print(
        f"{len(paths)} files in [bold]{to or experiment.folder}[/bold]: {paths[0].name} …"
    )
    exit_for_failures(failure_count(results))


def _of_base(base: str, overrides: Sequence[str]) -> list[str]:
    """The damaged songs are of the base as it was set: what is set of it is set of the system that damages it, too."""
    prefix = f"system.{SystemSpec.parse(base).name}."
    settings = [override.lstrip("+") for override in overrides if override.lstrip("+").startswith(prefix)]
    quoted = base.replace("\\", "\\\\").replace("'", "\\'")
    return [
        f"system.damaged.base='{quoted}'",
        *(f"system.damaged.base_settings.{setting.removeprefix(prefix)}" for setting in settings),
    ]
