"""How much room runs take up: in their own folders, and in the stores they rest on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from songbench.domain.errors import InputError, StoreError
from songbench.execution.housekeeping.claims import RecordedRun
from songbench.execution.record import RECORD, read_record
from songbench.execution.run_folders import RunSummary, summarise, summary_of
from songbench.execution.store import Store


@dataclass(frozen=True)
class RunSize:
    """How much room a run takes up, in bytes.

    Attributes:
        folder: its own folder, reports and results of listening tests included, songs that are linked there not.
        store: what it rests on in its store; None where the record or the store cannot be read.
        unshared: how much of that no other run of the same folder rests on.
    """

    folder: int
    store: int | None = None
    unshared: int | None = None


def run_sizes(runs: Sequence[RecordedRun]) -> list[RunSize]:
    """The size of each run, from records and one listing of each store; no stored file is opened."""
    stores = [_resolved(run.store) for run in runs]
    listings = {store: _listing(store) for store in set(stores)}
    claims = [run.places() & (listings[store] or {}).keys() for run, store in zip(runs, stores, strict=True)]
    users = Counter((store, place) for store, places in zip(stores, claims, strict=True) for place in places)
    sizes = []
    for run, store, places in zip(runs, stores, claims, strict=True):
        folder, files = folder_size(run.folder), listings[store]
        if files is None:
            sizes.append(RunSize(folder))
            continue
        unshared = (place for place in places if users[store, place] == 1)
        sizes.append(RunSize(folder, sum(files[place] for place in places), sum(files[place] for place in unshared)))
    return sizes


def sized_summaries(folders: Sequence[Path]) -> list[tuple[RunSummary, RunSize]]:
    """What the records of runs say, and how much room they take up; each record is read once."""
    runs, problems = {}, {}
    for folder in folders:
        try:
            runs[folder] = RecordedRun(folder, read_record(folder / RECORD))
        except InputError:
            problems[folder] = (summarise(folder), RunSize(folder_size(folder)))
    sizes = dict(zip(runs, run_sizes(list(runs.values())), strict=True))
    return [
        problems[folder] if folder in problems else (summary_of(folder, runs[folder].record), sizes[folder])
        for folder in folders
    ]


def _resolved(address: str) -> str:
    """The same for two ways to write one local folder."""
    return address if ":" in address else str(Path(address).resolve())


def folder_size(folder: Path) -> int:
    """The bytes that the files below a folder take up; those that are links, to songs of the store, take none."""
    facts = (path.lstat() for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(file.st_size for file in facts if file.st_nlink == 1)


def _listing(address: str) -> dict[str, int] | None:
    try:
        return Store(address).files()
    except (InputError, StoreError):
        return None
