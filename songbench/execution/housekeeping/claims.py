"""Which files of a store a run rests on: those that its record names, and those that its plan will ask for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from songbench.contracts.feature import Extractor
from songbench.domain.errors import DamageError, InputError
from songbench.execution.intact_records import Basis, basis_of
from songbench.execution.keys import feature_key
from songbench.execution.record import JOURNAL, RECORD, read_record
from songbench.execution.recorded import recorded_config
from songbench.execution.store import Store
from songbench.execution.store_layout import KINDS, Blob, Kind, feature_place, record_of_place, record_place


@dataclass(frozen=True)
class RecordedRun:
    """A run, as its record has it.

    Attributes:
        folder: the run's.
        record: what `read_record` gave.
    """

    folder: Path
    record: Mapping[str, Any]

    @property
    def store(self) -> str:
        """Where its results lie, seen from the present working folder."""
        return str(recorded_config(dict(self.record), self.folder)["store"])

    @property
    def unfinished(self) -> bool:
        """Whether songs or scores that it asks for were neither made nor failed when its record was written."""
        contents, songs = self.record["stored"], self.record["songs"]
        failed_songs = {name for name, key in songs.items() if key in contents["failures"]}
        scores = [key for name, key in self.record["scores"].items() if name.partition("/")[2] not in failed_songs]
        settled = {*contents["songs"], *contents["scores"], *contents["failures"]}
        return not settled.issuperset([*songs.values(), *scores])

    def places(self) -> set[str]:
        """The places below the root of the store of all that its record names or its plan will ask for."""
        contents = self.record["stored"]
        records = {record_place(kind, key) for kind in KINDS for key in contents[kind]}
        records |= {record_place(kind, key) for kind, key in self._planned()}
        features = {feature_place(key) for key in contents["features"]}
        return records | features | {Blob(name).place for name in contents["blobs"]}

    def _planned(self) -> Iterator[tuple[Kind, str]]:
        for key in self.record["songs"].values():
            yield from (("songs", key), ("failures", key))
        for key in self.record["scores"].values():
            yield from (("scores", key), ("failures", key))
        for keys in self.record["assets"].values():
            yield from (("assets", key) for key in keys.values())


def recorded_runs(folders: Iterable[Path]) -> list[RecordedRun]:
    """Every run of some folders of run folders.

    Raises:
        InputError: naming the runs whose records are gone or damaged, so that nobody knows what they rest on.
    """
    runs, faults = [], []
    for folder in folders:
        for run in sorted(_run_folders(folder)):
            try:
                runs.append(RecordedRun(run, read_record(run / RECORD)))
            except InputError as error:
                faults.append(f"{run}: {error.message}")
    if faults:
        raise InputError(
            "Nobody knows what these runs rest on, so nothing is removed: " + "; ".join(faults),
            cure="The command that made a run writes its record anew; 'songbench remove RUN' removes a run, and where"
            " the record is gone, remove its folder.",
        )
    return runs


def _run_folders(folder: Path) -> set[Path]:
    return {path.parent for name in (RECORD, JOURNAL) for path in folder.glob(f"*/{name}")}


def basis_at(store: Store, place: str) -> Basis:
    """What the record at a place rests on; nothing where the record is gone or damaged, as it counts as not stored."""
    record = record_of_place(place)
    if record is None:
        return Basis()
    try:
        return basis_of(store.read(*record)[0], place)
    except DamageError:
        return Basis()


def places_of(basis: Basis) -> set[str]:
    """The places of all that a record rests on."""
    return {
        *(record_place("assets", key) for key in basis.get("assets", {})),
        *(record_place("songs", key) for key in basis.get("songs", {})),
        *(feature_place(key) for key in basis.get("features", {})),
        *(Blob(name).place for name in basis.get("blobs", {})),
    }


def with_basis(places: Collection[str], store: Store, files: Collection[str]) -> set[str]:
    """Those of the places that are there, with everything that the records among them rest on now.

    Args:
        places: below the root of the store.
        store: the store.
        files: the places of all its files.
    """
    claimed: set[str] = set()
    fresh = {place for place in places if place in files}
    while fresh:
        claimed |= fresh
        further = {place for record in fresh for place in places_of(basis_at(store, record))}
        fresh = {place for place in further if place in files} - claimed
    return claimed


def derived_features(places: Iterable[str], extractors: Iterable[Extractor]) -> set[str]:
    """The places of features that reports, and no metric, derive from audio.

    Args:
        places: of blobs; all others are left aside.
        extractors: what derives them.
    """
    digests = [Path(place).name.partition(".")[0] for place in places if place.startswith("blobs/")]
    return {
        feature_place(feature_key(extractor.name, extractor.identity, digest))
        for extractor in extractors
        for digest in digests
    }
