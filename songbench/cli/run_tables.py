"""Tables of ``songbench runs``, ``remove`` and ``gc``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from songbench.execution.housekeeping.contents import StoredFiles
from songbench.execution.housekeeping.sizes import RunSize
from songbench.execution.run_folders import RunSummary
from songbench.reporting.document.blocks import Fragment, Phrase, Table, TableColumn, TableRow
from songbench.resources.weights import in_words

_COLUMNS = ("name", "written", "suite", "systems", "metrics", "takes", "songs", "folder", "store", "unshared")
_SIZES = _COLUMNS[-3:]


def runs_table(runs: Sequence[tuple[RunSummary, RunSize]]) -> Table:
    """One row per run."""
    rows = []
    for summary, size in runs:
        if summary.problem:
            facts = ("", summary.problem, "", "", "")
        else:
            systems = ", ".join(summary.systems)
            facts = (summary.suite, systems, str(len(summary.metrics)), str(summary.takes), _songs(summary))
        name = (Fragment(summary.name, "strong"),)
        rows.append(TableRow((name, _minute(summary), *facts, *_sizes(size)), faint=bool(summary.problem)))
    columns = (TableColumn(name=name, align="right" if name in _SIZES else "left") for name in _COLUMNS)
    return Table(title="runs", columns=tuple(columns), rows=tuple(rows))


def files_table(title: str, parts: Sequence[StoredFiles]) -> Table:
    """What of a store goes and what stays, a row for each kind."""
    going = [part for part in parts if not part.reason]
    rows = []
    for part in parts:
        fate: Phrase = f"stays: {part.reason}" if part.reason else (Fragment("removed", "caution"),)
        rows.append(TableRow((part.kind, str(len(part.sizes)), in_words(part.bytes), fate), faint=bool(part.reason)))
    numbers = ("files", "size")
    columns = (
        TableColumn(name=name, align="right" if name in numbers else "left")
        for name in ("kind", *numbers, "what happens")
    )
    return Table(
        title=title,
        columns=tuple(columns),
        rows=tuple(rows),
        notes=(f"{in_words(sum(part.bytes for part in going))} to be freed",),
    )


def run_table(summary: RunSummary, size: RunSize, files: Sequence[Path]) -> Table:
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
        "size": _size_in_words(size),
        "files": ", ".join(_file_names([path.relative_to(summary.folder) for path in files])),
    }
    rows = tuple(TableRow(((Fragment(name, "strong"),), text)) for name, text in facts.items() if text)
    return Table(columns=(TableColumn(name=""), TableColumn(name="")), rows=rows)


def _file_names(paths: Sequence[Path]) -> list[str]:
    """Files by name, folders by how many files they hold."""
    folders = Counter(path.parts[0] for path in paths if len(path.parts) > 1)
    counts = (f"{name}/ ({number} {'file' if number == 1 else 'files'})" for name, number in sorted(folders.items()))
    return [*(path.name for path in paths if len(path.parts) == 1), *counts]


def _sizes(size: RunSize) -> tuple[str, str, str]:
    in_store, unshared = ("" if part is None else in_words(part) for part in (size.store, size.unshared))
    return in_words(size.folder), in_store, unshared


def _size_in_words(size: RunSize) -> str:
    folder, in_store, unshared = _sizes(size)
    return f"{folder} in its folder" + (f", {in_store} in the store ({unshared} of it unshared)" if in_store else "")


def _minute(summary: RunSummary) -> str:
    return f"{summary.recorded_at.astimezone():%Y-%m-%d %H:%M}"


def _songs(summary: RunSummary) -> str:
    failed = f", {summary.failed} failed" if summary.failed else ""
    unsupported = f", {summary.unsupported} unsupported" if summary.unsupported else ""
    return f"{summary.generated}/{summary.songs}{failed}{unsupported}"
