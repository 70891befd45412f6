"""The folders of runs: which runs there are, which is the newest, what a run wrote, and how to remove it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from songbench.domain.errors import InputError, StoreWriteError
from songbench.execution.checksums import SUMS
from songbench.execution.damage import REPORT_FILES, SONG_FILES
from songbench.execution.loose_files import PATTERNS as SUITES_OF_FILES
from songbench.execution.record import JOURNAL, RECORD, read_record
from songbench.resources.files import is_scratch

RUNS = "results/runs"
"""The folder of run folders where nothing else is named."""
LOGS = "logs"
"""Where the output of worker processes lies in a run's folder."""


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """What a run's record says of it, in short.

    Attributes:
        folder: the run's.
        recorded_at: when its record was last written.
        suite: name and version; "" where the record cannot be read.
        systems: their names.
        metrics: their ids.
        takes: songs per prompt and system.
        songs: how many it asks for, unsupported ones included.
        generated: how many of them were stored when the record was written.
        failed: how many had failed then.
        unsupported: how many are never made, as their system cannot take the prompt.
        store: where its results lie, as given.
        problem: why the record cannot be read; "" when it can.
    """

    folder: Path
    recorded_at: datetime
    suite: str = ""
    systems: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    takes: int = 0
    songs: int = 0
    generated: int = 0
    failed: int = 0
    unsupported: int = 0
    store: str = ""
    problem: str = ""

    @property
    def name(self) -> str:
        """The run's, which is its folder's."""
        return self.folder.name


def run_names(runs: str | Path | None = None) -> list[str]:
    """The names of all runs in a folder, the one whose record was written last first.

    Args:
        runs: the folder of run folders; None: `RUNS`.
    """
    records = Path(runs or RUNS).glob(f"*/{RECORD}")
    newest_first = sorted(records, key=lambda path: (-path.stat().st_mtime_ns, path.parent.name))
    return [path.parent.name for path in newest_first]


def run_folder(run: str | None, runs: str | Path | None = None) -> Path:
    """The folder of an earlier run.

    Args:
        run: its name; None: the newest run.
        runs: the folder of run folders; None: `RUNS`.

    Raises:
        InputError: when there is none, naming those that exist.
    """
    folder, names = Path(runs or RUNS), run_names(runs)
    if not names:
        raise InputError(
            f"There is no run in {folder}." if run is None else f"There is no run '{run}' in {folder}, nor any other.",
            cure="'songbench run' makes one; --runs names the folder.",
        )
    if run is None:
        return folder / names[0]
    if run not in names:
        raise InputError(
            f"There is no run '{run}' in {folder}.", value=run, allowed=sorted(names), cure="--runs names the folder."
        )
    return folder / run


def named_system(text: str, runs: str | Path | None = None) -> tuple[str, str | None]:
    """The run and the system that a text names: ``RUN``, ``RUN:SYSTEM``, or the path of a run's folder.

    Args:
        text: as written.
        runs: the folder of run folders; None: `RUNS`.
    """
    if text in run_names(runs) or (Path(text) / RECORD).is_file():
        return text, None
    run, _, system = text.partition(":")
    return run, system or None


def summarise(folder: Path) -> RunSummary:
    """What the record of a run says."""
    try:
        return summary_of(folder, read_record(folder / RECORD))
    except InputError as error:
        return RunSummary(folder=folder, recorded_at=_recorded_at(folder), problem=error.message)


def _recorded_at(folder: Path) -> datetime:
    return datetime.fromtimestamp((folder / RECORD).stat().st_mtime, UTC).replace(microsecond=0)


def summary_of(folder: Path, record: Mapping[str, Any]) -> RunSummary:
    """The same of a record that was read already."""
    keys, unsupported = list(record["songs"].values()), len(record.get("unsupported", ()))
    names = {facts["spec"]: name for name, facts in record["systems"].items()}
    return RunSummary(
        folder=folder,
        recorded_at=_recorded_at(folder),
        suite=f"{record['suite']['name']} {record['suite']['version']}",
        systems=tuple(names[spec] for spec in record["config"]["systems"] if spec in names),
        metrics=tuple(record["metrics"]),
        takes=record["config"]["takes"],
        songs=len(keys) + unsupported,
        generated=sum(key in record["stored"]["songs"] for key in keys),
        failed=sum(key in record["stored"]["failures"] for key in keys),
        unsupported=unsupported,
        store=record["config"]["store"],
    )


def run_files(folder: Path) -> list[Path]:
    """Every file that songbench wrote for a run into its folder, but for results of listening tests."""
    return sorted(_run_files(folder))


def _run_files(folder: Path) -> Iterator[Path]:
    for pattern in (
        *REPORT_FILES,
        *SUITES_OF_FILES,
        *SONG_FILES,
        SUMS,
        JOURNAL,
        RECORD,
        f"{LOGS}/**/*",
    ):
        yield from (path for path in folder.glob(pattern) if path.is_file())
    yield from (path for path in folder.rglob(".*.tmp") if is_scratch(path))


def remove_run(folder: Path) -> list[Path]:
    """Remove what songbench wrote into a run's folder, and the folder if nothing else is in it.

    The store is left alone, as other runs may rest on what it holds. Results of listening tests, and whatever people
    put there themselves, stay.

    Returns:
        The files that stay.

    Raises:
        StoreWriteError: when a file cannot be removed.
    """
    try:
        for path in run_files(folder):
            path.unlink()
        for path in [*sorted(filter(_is_folder, folder.rglob("*")), reverse=True), folder]:
            if not any(path.iterdir()):
                path.rmdir()
    except OSError as error:
        raise StoreWriteError(f"The run folder '{folder}' cannot be removed: {error.strerror}.") from error
    return sorted(path for path in folder.rglob("*") if not _is_folder(path))


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()
