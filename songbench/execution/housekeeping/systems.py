"""Everything a store holds of one system: its songs, their scores, and features and audio that only these need."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from songbench.contracts.feature import Extractor
from songbench.domain.errors import DamageError
from songbench.execution.housekeeping.claims import RecordedRun, derived_features, places_of, recorded_runs
from songbench.execution.housekeeping.contents import StoredFiles, by_kind, remove_files
from songbench.execution.intact_records import Basis, basis_of
from songbench.execution.sessions import open_session
from songbench.execution.store import Store
from songbench.execution.store_layout import Kind, record_of_place, record_place


@dataclass(frozen=True)
class SystemFiles:
    """What a store holds of one system.

    Attributes:
        parts: by kind.
        runs: the names of the runs that rest on any of it.
        systems: the names of all systems of which the store or a run knows something.
    """

    parts: tuple[StoredFiles, ...]
    runs: tuple[str, ...]
    systems: tuple[str, ...]


@dataclass(frozen=True)
class _StoredRecord:
    """A record of a store: where it lies, what it says, what it rests on."""

    place: str
    content: Mapping[str, Any]
    basis: Basis


def system_files(
    store: Store, system: str, folders: Sequence[Path], extractors: Sequence[Extractor] = ()
) -> SystemFiles:
    """What a store holds of a system, by its name in tables.

    Records say whose they are; of those that do not yet, the records of runs do. What other systems, prompt audio or
    runs without the system need of the same features and audio is not among it.

    Args:
        store: the store.
        system: its name.
        folders: the folders of run folders whose runs count.
        extractors: what reports derive from the audio of songs, which goes with it.

    Raises:
        InputError: a run's record is gone or damaged, so that nobody knows what it rests on.
        StoreError: the store cannot be read.
    """
    runs, files = recorded_runs(folders), store.files()
    records = [record for place in files if (record := _record(store, place))]
    named_in_runs = {place for run in runs for place in _places_of_system(run, system)}
    songs = {
        record.place
        for record in records
        if record.place.startswith("records/songs/")
        and (record.content.get("system") == system or record.place in named_in_runs)
    }
    removed = [record for record in records if _is_of(record, system, songs, named_in_runs)]
    removed_places = {record.place for record in removed}
    # Damaged records say nothing, but runs may know whose they are.
    removed_places |= {place for place in named_in_runs if place in files}
    remaining = [record for record in records if record.place not in removed_places]
    shared = {place for record in remaining for place in places_of(record.basis)}
    shared |= {place for run in runs if system not in run.record["systems"] for place in run.places()}
    beneath = {place for record in removed for place in places_of(record.basis) if not place.startswith("records/")}
    places = removed_places | (beneath - shared)
    places |= derived_features(places, extractors)
    resting = [run.folder.name for run in runs if not removed_places.isdisjoint(run.places())]
    systems = {str(record.content["system"]) for record in records if record.content.get("system")}
    systems |= {name for run in runs for name in run.record["systems"]}
    return SystemFiles(tuple(by_kind(files, places)), tuple(resting), tuple(sorted(systems)))


def remove_system(
    store: Store, system: str, files: SystemFiles, folders: Sequence[Path], extractors: Sequence[Extractor] = ()
) -> int:
    """Remove what `system_files` gave, as far as it still is the system's alone; returns how many bytes that freed.

    Raises:
        StoreBusyError: a run works on the store.
        InputError, StoreError: see `system_files`; a file cannot be removed.
    """
    with open_session(store, f"remove --system {system}", alone=True):
        still = {place for part in system_files(store, system, folders, extractors).parts for place in part.sizes}
        return remove_files(store, files.parts, still)


def _record(store: Store, place: str) -> _StoredRecord | None:
    name = record_of_place(place)
    if name is None:
        return None
    try:
        content = store.read(*name)[0]
        return _StoredRecord(place, content, basis_of(content, place))
    except DamageError:
        return None


def _is_of(record: _StoredRecord, system: str, songs: set[str], named_in_runs: set[str]) -> bool:
    if record.place in songs or record.place in named_in_runs:
        return True
    if record.place.startswith("records/assets/"):
        return False
    facts = record.content.get("of", record.content)
    return facts.get("system") == system or any(place in songs for place in places_of(record.basis))


def _places_of_system(run: RecordedRun, system: str) -> Iterator[str]:
    """Where songs, scores and failures of a system lie, by the record of a run."""
    songs = _keys(run.record["songs"], lambda name: name.rsplit("/", 2)[0] == system)
    scores = _keys(run.record["scores"], lambda name: name.partition("/")[2].rsplit("/", 2)[0] == system)
    sets = _keys(run.record["scores"], lambda name: name.partition("/")[2] == system)
    kinds: tuple[tuple[Kind, Iterable[str]], ...] = (("songs", songs), ("scores", (*scores, *sets)))
    for kind, keys in kinds:
        for key in keys:
            yield from (record_place(kind, key), record_place("failures", key))


def _keys(names: Mapping[str, str], is_meant: Callable[[str], bool]) -> list[str]:
    return [key for name, key in names.items() if is_meant(name)]
