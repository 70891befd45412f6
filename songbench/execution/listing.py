"""What lies in a store, asked of the file system once for all who plan on it; nothing is opened."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from songbench.execution.file_facts import FileFacts
from songbench.execution.store import Store
from songbench.execution.store_layout import Kind, record_place

FEW = 64
"""So many files are asked for one by one; for more the whole folder is listed first."""


class StoreListing:
    """The files of a store as they were when they were first asked for, until this is forgotten.

    On this disk the facts are asked of each file that is meant; only of failures, which are few and which may be under
    every key, the names are listed first. An object store is listed, a thousand files at a time.

    Args:
        store: the store.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._failures: set[str] | None = None
        self._folders: dict[str, dict[str, FileFacts]] = {}
        self._sizes: dict[str, int] = {}

    def forget(self) -> None:
        """Ask anew from now on, as results may have been stored or removed."""
        self._failures = None
        self._folders.clear()
        self._sizes.clear()

    def possible(self, kind: Kind, keys: Collection[str]) -> Collection[str]:
        """The keys under which there may be records: of many failures, which are few, those that were listed."""
        if not (self._store.local and kind == "failures" and len(keys) > FEW):
            return keys
        if self._failures is None:
            self._failures = self._store.keys("failures")
        return self._failures.intersection(keys)

    def stamps(self, kind: Kind, keys: Collection[str]) -> dict[str, int | None]:
        """The stamps of records, by key in their order; without those that are not there."""
        if self._store.local or len(keys) <= FEW:
            return self._store.stamps(kind, keys)
        facts = self._facts_below(f"records/{kind}")
        return {key: facts[place].stamp for key in keys if (place := record_place(kind, key)) in facts}

    def sizes(self, places: Iterable[str]) -> dict[str, int]:
        """The sizes in bytes of blobs and features by their places; without those that are not there."""
        distinct = set(places)
        new = distinct - self._sizes.keys()
        for folder in ("blobs", "features"):
            facts = self._facts_of(folder, [place for place in new if place.startswith(f"{folder}/")])
            self._sizes |= {place: fact.size for place, fact in facts.items()}
        return {place: self._sizes[place] for place in distinct & self._sizes.keys()}

    def _facts_of(self, folder: str, places: Collection[str]) -> dict[str, FileFacts]:
        """What the file system says of files that all lie below one folder."""
        if self._store.local or len(places) <= FEW:
            return self._store.facts_of(places)
        facts = self._facts_below(folder)
        return {place: facts[place] for place in places if place in facts}

    def _facts_below(self, folder: str) -> dict[str, FileFacts]:
        if folder not in self._folders:
            self._folders[folder] = self._store.facts_below(folder)
        return self._folders[folder]
