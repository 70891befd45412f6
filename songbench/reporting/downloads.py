"""What ``songbench setup`` shows: what will be fetched, and how far it is."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from songbench.reporting.document.blocks import Fragment, Phrase, Table, TableColumn, TableRow
from songbench.resources.needs import NeedFacts, kind_of
from songbench.resources.removal import Removal
from songbench.resources.weights import in_words

REVISION = 12
"""Characters of a commit that are shown."""


def needs_table(needs: Sequence[NeedFacts], checks: Sequence[str] = ()) -> Table:
    """Every step of a setup: kind, revision, size, licence and state of what is needed; below, how much is to fetch.

    Args:
        needs: in the order in which they are set up.
        checks: the names of systems that are asked afterwards whether they work.
    """
    missing = [need for need in needs if not need.present]
    rows = []
    for need in needs:
        name: Phrase = need.name
        if need.unfixed and not need.present:
            name = (Fragment(f"{need.name}, "), Fragment("trusted on first use", "caution"))
        restricted: Phrase = (Fragment("yes", "caution"),) if need.restricted else "no"
        kind = f"{need.kind} {need.revision[:REVISION]}"
        rows.append((name, kind, need.size or "not known", need.licence, restricted, _present(need)))
    rows += [(name, "self-check", "", "", "", "") for name in checks]
    heads = ("step", "name", "what it is", "size", "licence", "restricted", "here")
    return Table(
        title="setup",
        columns=tuple(TableColumn(name=head) for head in heads),
        rows=tuple(TableRow((str(number), *cells)) for number, cells in enumerate(rows, 1)),
        notes=(f"{len(missing)} of {len(needs)} to fetch: {_total(missing)}",),
    )


def _present(need: NeedFacts) -> Phrase:
    return (Fragment("yes", "good"),) if need.present else "no"


def removals_table(removals: Sequence[Removal]) -> Table:
    """What ``songbench setup --remove`` takes away and what it leaves; below, how much space that frees."""
    going = [removal for removal in removals if not removal.obstacle]
    rows = []
    for removal in removals:
        fate: Phrase = (Fragment("removed", "caution"),) if removal.paths else "not here"
        fate = f"stays: {removal.obstacle}" if removal.obstacle else fate
        rows.append(TableRow((removal.need.name, kind_of(removal.need), in_words(removal.size), fate)))
    heads = ("name", "what it is", "size", "what happens")
    return Table(
        title="remove",
        columns=tuple(TableColumn(name=head) for head in heads),
        rows=tuple(rows),
        notes=(
            f"{in_words(sum(removal.size for removal in going))} to be freed",
            *(f"removed: {path}" for removal in going for path in removal.paths),
            *(f"{kind_of(removal.need)} {removal.need.name}: {removal.note}" for removal in removals if removal.note),
        ),
    )


def _total(missing: Sequence[NeedFacts]) -> str:
    if not missing:
        return "nothing"
    if not any(need.bytes for need in missing):
        return "size not known"
    open_ended = "at least " if any(not one.bytes for one in missing) else ""
    about = "about " if any("about" in one.size for one in missing) else ""
    return open_ended + about + in_words(sum(one.bytes for one in missing))


class ByteBar:
    """One bar per download, on stderr, so that stdout holds results only.

    Args:
        console: where the bar is drawn; nothing is drawn where that is no terminal.
    """

    def __init__(self, console: Console) -> None:
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")  # the hub's client would draw others between ours
        self._console = console
        self._bars: Progress | None = None
        self._task: Any = None

    @contextmanager
    def show(self, name: str) -> Iterator[None]:
        """Draw the bar of one download."""
        self._bars = Progress(
            TextColumn("{task.description:<28}"),
            BarColumn(bar_width=24),
            DownloadColumn(),
            TransferSpeedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        with self._bars:
            self._task = self._bars.add_task(escape(name), total=None, visible=False)
            yield
        self._bars = None

    def __call__(self, loaded: int, size: int) -> None:
        """Advance to `loaded` of `size` bytes."""
        if self._bars:
            self._bars.update(self._task, completed=loaded, total=size, visible=True)
