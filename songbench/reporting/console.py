"""What the command line shows while and besides working: progress, listings, plans, checks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from songbench.contracts import registry
from songbench.contracts.cards import Availability, MetricCard, SystemCard
from songbench.contracts.conflicts import conflicts_of
from songbench.domain.errors import SongbenchError
from songbench.reporting import limits
from songbench.reporting.document.blocks import (
    Block,
    Fragment,
    Heading,
    Listing,
    Phrase,
    Style,
    Table,
    TableColumn,
    TableRow,
    Text,
)
from songbench.reporting.limits import UnsupportedSong
from songbench.resources import needs

if TYPE_CHECKING:
    from songbench.execution.doctor import Check
    from songbench.execution.gather import Completion
    from songbench.execution.jobs import Event
    from songbench.execution.plan import Stage
    from songbench.execution.verification import Remade, Verification

MOST_CHANGES = 12


class Bars:
    """Progress bars with the time still to go, on stderr so that stdout holds results only.

    Stages that are at work have a bar each, one below the other; what is over stays as a line above them.
    """

    def __init__(self) -> None:
        self.console = Console(stderr=True)
        self._bars: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._sessions: set[str] = set()

    def stage(self, title: str, total: int, completed: int) -> None:
        """Begin a bar, or correct its numbers."""
        bars = self._live()
        if title not in self._tasks:
            self._tasks[title] = bars.add_task(escape(title), total=total, completed=completed)
        bars.update(self._tasks[title], total=total, completed=completed)

    def item(self, title: str, label: str, event: Event) -> None:
        """Advance, and show a failure at once."""
        bars = self._live()
        if event.status != "stray" and title in self._tasks:
            bars.advance(self._tasks[title])
        if event.status != "done":
            bars.console.print(f"  [red]failed[/red] {escape(label)}: {escape(event.cause)}")

    def end(self, title: str) -> None:
        """Finish a bar."""
        if title not in self._tasks:
            return
        bars, task = self._live(), self._tasks.pop(title)
        bars.console.print(bars.make_tasks_table([row for row in bars.tasks if row.id == task]))
        bars.remove_task(task)
        self._stop_when_idle()

    def waiting(self, sessions: Mapping[str, int]) -> None:
        """Say which other runs work on what this one needs."""
        bars = self._live()
        for session, count in sessions.items():
            if session not in self._sessions:
                self._sessions.add(session)
                bars.console.print(f"  waiting for {escape(session)}: {count} items", highlight=False)
        self._stop_when_idle()

    def _live(self) -> Progress:
        """The bars that are shown at this moment."""
        if self._bars is None:
            self._bars = Progress(
                TextColumn("{task.description:<36}"),
                BarColumn(bar_width=24),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                console=self.console,
                disable=not self.console.is_terminal,
            )
            self._bars.start()
        return self._bars

    def _stop_when_idle(self) -> None:
        if self._bars is not None and not self._tasks:
            self._bars.stop()
            self._bars = None


def systems_listing(names: Iterable[str]) -> list[Block]:
    """Registered systems with what they take, and below, how to get those that cannot run here."""
    rows: list[TableRow] = []
    cures: list[Text] = []
    for name in names:
        try:
            system = registry.build_system(name)
        except SongbenchError as error:
            rows.append(TableRow((name, "", "", "", "", "", _BROKEN)))
            cures.append(_cure(name, str(error)))
            continue
        card: SystemCard = system.card
        languages, conditions = ", ".join(card.languages) or "any", ", ".join(card.conditions) or "nothing"
        state = _state(system.availability(), name, cures)
        rows.append(TableRow((name, card.version, ", ".join(card.tracks), languages, conditions, card.licence, state)))
    columns = ("name", "version", "track", "languages", "takes", "licence", "state")
    return [_table("systems", columns, rows), *cures]


def metrics_listing(identifiers: Iterable[str]) -> list[Block]:
    """Registered metrics with their numbers, and below, how to get those that cannot run here."""
    rows: list[TableRow] = []
    cures: list[Text] = []
    arrows = {"higher": "↑", "lower": "↓", "none": ""}
    for name in identifiers:
        try:
            metric = registry.build_metric(name)
        except SongbenchError as error:
            rows.append(TableRow((name, "", "", "", "", _BROKEN)))
            cures.append(_cure(name, str(error)))
            continue
        card: MetricCard = metric.card
        headlines = [
            f"{f.name}{arrows[f.direction]}" + (f" ({f.unit})" if f.unit else "") for f in card.fields if f.headline
        ]
        more = len(card.fields) - len(headlines)
        fields = ", ".join(headlines) + (f" and {more} more" if more else "")
        kind = "reference" if card.reference else "embedded" if card.backend else "signal"
        state = _state(needs.of_metric(name, metric), name, cures)
        languages, tracks = ", ".join(card.languages) or "any", ", ".join(card.tracks)
        rows.append(TableRow((name, kind, tracks, fields, languages, state)))
    return [_table("metrics", ("name@backend", "kind", "track", "fields", "languages", "state"), rows), *cures]


def presets_listing(selections: Mapping[str, Sequence[str]], identifiers: Sequence[str]) -> list[Block]:
    """The names that stand for several metrics.

    Args:
        selections: ids of metrics by preset.
        identifiers: of the metrics that are listed; a preset with none of them is left out.
    """
    rows = [
        TableRow((name, ", ".join(metrics)))
        for name, metrics in selections.items()
        if not set(identifiers).isdisjoint(metrics)
    ]
    return [_table("presets", ("name", "metrics"), rows)]


def card_table(card: MetricCard) -> list[Block]:
    """Everything the card of a metric says."""
    rows: list[TableRow] = []
    for name, value in vars(card).items():
        if name == "fields":
            for field in value:
                unit = f" ({field.unit})" if field.unit else ""
                head = (Fragment(field.name, "strong"), Fragment(unit))
                rows.append(TableRow((head, f"{field.description} Better: {field.direction}.")))
        elif name == "models":
            if conflicts := conflicts_of(card):
                rows.append(TableRow(((Fragment("conflicts", "strong"),), ", ".join(map(str, conflicts)))))
        elif value not in ("", (), None):
            text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
            rows.append(TableRow(((Fragment(name, "strong"),), text)))
    return [_table("", ("", ""), rows)]


def suites_listing() -> list[Block]:
    """Every registered suite, and below, what is wrong with those that cannot be read."""
    from songbench.execution.experiment import find_suite

    rows: list[TableRow] = []
    faults: list[Text] = []
    for name in registry.names(registry.SUITES):
        try:
            suite = find_suite(name)
        except SongbenchError as error:
            rows.append(TableRow((name, "", "", "", "", _BROKEN)))
            faults.append(_cure(name, str(error)))
            continue
        facts = (name, suite.version, suite.track, str(len(suite.prompts)), suite.licence, suite.description)
        rows.append(TableRow(facts))
    return [_table("suites", ("name", "version", "track", "prompts", "licence", "what it is"), rows), *faults]


def plan_table(
    stages: Sequence[tuple[Stage, float | None]], unsupported: Sequence[Sequence[UnsupportedSong]] = ()
) -> list[Block]:
    """What is stored, what is to do and, where past runs tell, how long that takes; below, what is unsupported.

    Args:
        stages: each with the seconds that one item took so far, or None when unknown.
        unsupported: the songs of each system that cannot take every prompt.
    """
    rows: list[TableRow] = []
    total, unknown = 0.0, False
    for stage, seconds in stages:
        open_items = stage.missing + stage.waiting
        cost = None if seconds is None else seconds * open_items
        total += cost or 0.0
        unknown = unknown or bool(cost is None and open_items)
        about = "" if not open_items else duration(cost) if cost is not None else "not known yet"
        rows.append(TableRow((stage.title, str(stage.settled), str(stage.missing), str(stage.waiting or ""), about)))
    all_of_it = duration(total) + (" and what is not known yet" if unknown else "")
    rows.append(TableRow(("all, one after the other", "", "", "", all_of_it)))
    lines = [line for songs in unsupported for line in limits.listed(songs)]
    plan: list[Block] = [_table("plan", ("stage", "stored", "to do", "after the songs", "about"), rows)]
    return [*plan, Heading("Unsupported"), Listing(tuple(lines))] if lines else plan


def status_table(songs: Sequence[Completion], scores: Sequence[Completion]) -> list[Block]:
    """How far a run is."""
    stages = [*songs, *scores]
    with_limits = any(stage.unsupported for stage in stages)
    rows: list[TableRow] = []
    for stage in stages:
        failed = (Fragment(str(stage.failed), "bad"),) if stage.failed else ""
        unsupported = [str(stage.unsupported or "")] if with_limits else []
        cells = (stage.name, str(stage.succeeded), failed, *unsupported, str(stage.remaining or ""), str(stage.total))
        rows.append(TableRow(cells))
    columns = ("what", "done", "failed", *(["unsupported"] if with_limits else []), "open", "asked")
    return [_table("status", columns, rows)]


def checks_table(checks: Sequence[Check]) -> list[Block]:
    """The doctor's findings."""
    styles: Mapping[str, Style] = {"ok": "good", "note": "caution", "bad": "bad"}
    rows = [
        TableRow((check.subject, (Fragment(check.state, styles[check.state]),), check.finding, check.cure))
        for check in checks
    ]
    return [_table("doctor", ("what", "state", "finding", "cure"), rows)]


def show_verification(
    console: Console, run: str, verification: Verification, remade: Sequence[Remade], removed: int | None = None
) -> None:
    """What still holds of a run, and what to do about the rest.

    Args:
        console: where.
        run: its name.
        verification: what was found.
        remade: songs that were made again.
        removed: how many damaged files were removed from the store; None: that was not asked for.
    """
    for song in remade:
        colour = "green" if song.verdict == "same" else "red"
        name = f"{song.name.system} {song.name.prompt} take {song.name.take}"
        console.print(f"made again: {escape(name)}: [{colour}]{escape(song.verdict)}[/{colour}]")
    console.print(
        f"{verification.checked} stored files read: {len(verification.damaged)} damaged;"
        f" {len(verification.missing)} songs missing."
    )
    for damage in verification.damaged:
        description = escape(f"{damage.kind} {damage.name}: {damage.place} {damage.problem}")
        console.print(f"  [red]damaged[/red] {description}", soft_wrap=True)
    for name in verification.missing:
        console.print(f"  [red]missing[/red] {escape(name)}")
    for cure in _cures(run, verification, removed):
        console.print(escape(cure), soft_wrap=True)
    if verification.obstacle:
        console.print(f"The run cannot be rebuilt here, so what changed is not known: {escape(verification.obstacle)}")
        return
    if not verification.changed:
        console.print("Nothing that decided this run has changed since.")
        return
    console.print(
        f"{len(verification.changed)} things differ from when it ran (new songs or scores may come out differently):"
    )
    for setting, then, now in verification.changed[:MOST_CHANGES]:
        console.print(f"  {escape(setting)}: {escape(then)} → {escape(now)}")
    if len(verification.changed) > MOST_CHANGES:
        console.print(f"  … and {len(verification.changed) - MOST_CHANGES} more")


def _cures(run: str, verification: Verification, removed: int | None) -> Iterator[str]:
    """What to do about damage, one line each."""
    kinds = {damage.kind for damage in verification.damaged}
    if removed is not None:
        yield f"{removed} damaged files were removed from the store."
    if kinds - {"report", "left over"}:
        first = "" if removed is not None else f"'songbench verify {run} --discard' removes what is damaged; "
        yield f"{first}the command that made the run then makes it again, and everything that rests on it."
    if "report" in kinds:
        yield f"'songbench report {run}' writes tables and figures anew, from what is stored."
    if verification.missing or verification.unknown:
        unknown = verification.unknown
        more = f"{unknown} results are stored that the record does not hold yet: " if unknown else ""
        yield f"{more}the command that made the run goes on where it stopped, and records what is there."


def duration(seconds: float) -> str:
    """For people: ``40 s``, ``3 min 20 s``, ``2 h 05 min``."""
    rounded = round(seconds)
    if rounded < 60:
        return f"{rounded} s"
    if rounded < 3600:
        return f"{rounded // 60} min {rounded % 60:02d} s"
    return f"{rounded // 3600} h {rounded % 3600 // 60:02d} min"


def mean_seconds(journals: Iterable[Iterable[Mapping[str, Any]]]) -> dict[str, float]:
    """Per stage title, the mean seconds of a stored item over past runs."""
    seconds: dict[str, float] = {}
    items: Counter[str] = Counter()
    for entries in journals:
        for entry in entries:
            if entry["outcome"] == "done":
                seconds[entry["stage"]] = seconds.get(entry["stage"], 0.0) + entry["seconds"]
                items[entry["stage"]] += 1
    return {stage: total / items[stage] for stage, total in seconds.items()}


_BROKEN: Phrase = (Fragment("broken", "bad"),)


def _state(state: Availability, name: str, cures: list[Text]) -> Phrase:
    """The word for the table; what to do about it is added to `cures`."""
    if state.ready:
        return (Fragment("ready", "good"),)
    cures.append(_cure(name, f"{state.reason}. To get it: {state.cure}"))
    return (Fragment("unavailable", "caution"),)


def _cure(name: str, text: str) -> Text:
    return Text((Fragment(name, "strong"), Fragment(f": {text}")))


def _table(title: str, columns: Sequence[str], rows: Sequence[TableRow]) -> Table:
    return Table(title=title, columns=tuple(TableColumn(name=name) for name in columns), rows=tuple(rows))
