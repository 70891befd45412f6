"""What no run rests on: listed by kind, and removed while no run works on the store."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from songbench.contracts import registry
from songbench.contracts.feature import Extractor
from songbench.domain.errors import SongbenchError
from songbench.execution.experiment import find_suite
from songbench.execution.housekeeping.claims import derived_features, recorded_runs, with_basis
from songbench.execution.housekeeping.contents import StoredFiles, by_kind, kind_of, remove_files
from songbench.execution.plan import asset_keys
from songbench.execution.sessions import open_session
from songbench.execution.store import Store
from songbench.execution.store_layout import record_place

KEEP_ASSETS = "needed again by the suite {suite} (--no-keep-assets removes them)"
UNFINISHED = "the run '{run}' is unfinished and may need them"


def garbage(
    store: Store, folders: Sequence[Path], *, keep_assets: bool = True, extractors: Sequence[Extractor] = ()
) -> list[StoredFiles]:
    """What no run rests on, by kind; first what goes, then what stays all the same.

    A run rests on all that its record names, on what its plan will ask for as far as that is there, and on what the
    records of both rest on. It does not matter which store a run names: the store may have moved.

    Args:
        store: the store.
        folders: the folders of run folders whose runs count.
        keep_assets: leave prompt audio and references that a registered suite needs again.
        extractors: what reports derive from the audio of runs, which stays with it.

    Raises:
        InputError: a run's record is gone or damaged, so that nobody knows what it rests on.
        StoreError: the store cannot be read.
    """
    runs = recorded_runs(folders)
    files = store.files()
    claimed = with_basis({place for run in runs for place in run.places()}, store, files)
    claimed |= derived_features(claimed, extractors)
    free = {place for place in files if kind_of(place)} - claimed
    # 1. prompt audio and references of suites
    staying: list[StoredFiles] = []
    has_assets = any(kind_of(place) == "assets" for place in free)  # to read all suites takes a moment
    for suite, places in _assets_of_suites().items() if keep_assets and has_assets else ():
        required = with_basis(places, store, files) & free
        if required:
            sizes = {place: files[place] for place in sorted(required)}
            staying.append(StoredFiles(kind="assets", sizes=sizes, reason=KEEP_ASSETS.format(suite=suite)))
            free -= required
    # 2. features, whose keys a run that was cut short cannot tell yet
    unfinished = next((run.folder.name for run in runs if run.unfinished), None)
    if unfinished is not None:
        features = {place for place in free if kind_of(place) == "features"}
        staying += by_kind(files, features, UNFINISHED.format(run=unfinished))
        free -= features
    return [*by_kind(files, free), *staying]


def remove_garbage(
    store: Store,
    parts: Sequence[StoredFiles],
    folders: Sequence[Path],
    *,
    keep_assets: bool = True,
    extractors: Sequence[Extractor] = (),
) -> int:
    """Remove what `garbage` gave, as far as it still is some; returns how many bytes that freed.

    Raises:
        StoreBusyError: a run works on the store.
        InputError, StoreError: see `garbage`; a file cannot be removed.
    """
    with open_session(store, "gc", alone=True):
        now = garbage(store, folders, keep_assets=keep_assets, extractors=extractors)
        still = {place for part in now if not part.reason for place in part.sizes}
        return remove_files(store, parts, still)


def _assets_of_suites() -> dict[str, set[str]]:
    """By registered suite, the places of its rendered and cut audio; suites that are broken need nothing."""
    places: dict[str, set[str]] = {}
    for name in registry.names(registry.SUITES):
        with suppress(SongbenchError):
            keys = asset_keys(find_suite(name)).values()
            places[name] = {record_place("assets", key) for fields in keys for key in fields.values()}
    return places
