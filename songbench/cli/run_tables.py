"""Tables of ``songbench runs``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from songbench.execution.run_folders import RunSummary


def runs_table(summaries: Sequence[RunSummary]) -> Table:
    """One row per run."""
    table = Table(title="runs", title_justify="left", title_style="bold", header_style="bold")
    for column in ("name", "written", "suite", "systems", "metrics", "takes", "songs"):
        table.add_column(column, overflow="fold", no_wrap=column in ("name", "written"))
    for summary in summaries:
        cells = [summary.name, f"{summary.recorded_at.astimezone():%Y-%m-%d %H:%M}"]
        if summary.problem:
            table.add_row(*map(escape, cells), "", f"[red]{escape(summary.problem)}[/red]")
            continue
        cells += [summary.suite, ", ".join(summary.systems), str(len(summary.metrics)), str(summary.takes)]
        table.add_row(*map(escape, cells), _songs(summary))
    return table


def run_table(summary: RunSummary, files: Sequence[Path]) -> Table:
    """Everything about one run, a row for each fact."""
    table = Table(show_header=False, box=None, padding=(0, 2))
    facts = {
        "name": summary.name,
        "folder": str(summary.folder),
        "written": f"{summary.recorded_at.astimezone():%Y-%m-%d %H:%M}",
        "problem": summary.problem,
        "suite": summary.suite,
        "systems": ", ".join(summary.systems),
        "metrics": ", ".join(summary.metrics),
        "takes": str(summary.takes or ""),
        "songs": "" if summary.problem else _songs(summary),
        "store": summary.store,
        "files": ", ".join(path.relative_to(summary.folder).as_posix() for path in files),
    }
    for name, text in facts.items():
        if text:
            table.add_row(f"[bold]{name}[/bold]", escape(text))
    return table


def _songs(summary: RunSummary) -> str:
    failed = f", {summary.failed} failed" if summary.failed else ""
    return f"{summary.generated}/{summary.songs}{failed}"
