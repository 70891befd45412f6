"""Tables of ``songbench runs``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from songbench.execution.run_folders import RunSummary
from songbench.reporting.document.blocks import Fragment, Table, TableColumn, TableRow

_COLUMNS = ("name", "written", "suite", "systems", "metrics", "takes", "songs")


def runs_table(summaries: Sequence[RunSummary]) -> Table:
    """One row per run."""
    rows = []
    for summary in summaries:
        if summary.problem:
            facts = ("", summary.problem, "", "", "")
        else:
            systems = ", ".join(summary.systems)
            facts = (summary.suite, systems, str(len(summary.metrics)), str(summary.takes), _songs(summary))
        name = (Fragment(summary.name, "strong"),)
        rows.append(TableRow((name, _minute(summary), *facts), faint=bool(summary.problem)))
    return Table(title="runs", columns=tuple(TableColumn(name=name) for name in _COLUMNS), rows=tuple(rows))


def run_table(summary: RunSummary, files: Sequence[Path]) -> Table:
    """Everything about one run, a row for each fact."""
    facts = {
        "name": summary.name,
        "folder": str(summary.folder),
        "written": _minute(summary),
        "problem": summary.problem,
        "suite": summary.suite,
        "systems": ", ".join(summary.systems),
        "metrics": ", ".join(summary.metrics),
        "takes": str(summary.takes or ""),
        "songs": "" if summary.problem else _songs(summary),
        "store": summary.store,
        "files": ", ".join(path.relative_to(summary.folder).as_posix() for path in files),
    }
    rows = tuple(TableRow(((Fragment(name, "strong"),), text)) for name, text in facts.items() if text)
    return Table(columns=(TableColumn(name=""), TableColumn(name="")), rows=rows)


def _minute(summary: RunSummary) -> str:
    return f"{summary.recorded_at.astimezone():%Y-%m-%d %H:%M}"


def _songs(summary: RunSummary) -> str:
    failed = f", {summary.failed} failed" if summary.failed else ""
    unsupported = f", {summary.unsupported} unsupported" if summary.unsupported else ""
    return f"{summary.generated}/{summary.songs}{failed}{unsupported}"
