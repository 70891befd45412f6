"""The files of a store by what they are, and in which order they go."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from songbench.execution.store import Store
from songbench.execution.store_layout import record_of_place

FILE_KINDS = ("scores", "failures", "songs", "assets", "features", "audio")
"""The kinds of stored files in the order in which they are removed: what rests on others goes before them.

So a removal that is cut short leaves no record of something that is gone, only files that no record names.
"""
_FEATURE = re.compile(r"features/([0-9a-f]{2})/\1[0-9a-f]+\.npz")
_BLOB = re.compile(r"blobs/([0-9a-f]{2})/\1[0-9a-f]+\.\w+")


@dataclass(frozen=True, kw_only=True)
class StoredFiles:
    """Files of a store that share a fate.

    Attributes:
        kind: one of `FILE_KINDS`.
        sizes: their sizes in bytes, by their places below the root.
        reason: why they stay; "" where they go.
    """

    kind: str
    sizes: Mapping[str, int]
    reason: str = ""

    @property
    def bytes(self) -> int:
        """The size of all of them."""
        return sum(self.sizes.values())


def kind_of(place: str) -> str | None:
    """What the file at a place is, one of `FILE_KINDS`; None for what songbench did not put there as a result."""
    record = record_of_place(place)
    if record is not None:
        return record[0]
    return "features" if _FEATURE.fullmatch(place) else "audio" if _BLOB.fullmatch(place) else None


def by_kind(files: Mapping[str, int], places: Iterable[str], reason: str = "") -> list[StoredFiles]:
    """Some of the files of a store by their kinds, those without any left out.

    Args:
        files: the sizes of all files, by place.
        places: of those that are meant; what is none of `FILE_KINDS` is left aside.
        reason: why they stay; "" where they go.
    """
    sizes: dict[str, dict[str, int]] = {kind: {} for kind in FILE_KINDS}
    for place in sorted(places):
        if (kind := kind_of(place)) and place in files:
            sizes[kind][place] = files[place]
    return [StoredFiles(kind=kind, sizes=part, reason=reason) for kind, part in sizes.items() if part]


def remove_files(store: Store, parts: Sequence[StoredFiles], still: Collection[str]) -> int:
    """Remove files from a store that nobody else works on; returns how many bytes that freed.

    Args:
        store: the store.
        parts: what was shown; what has a reason to stay stays.
        still: the places of all that may go by now, as something may have happened since that was shown.

    Raises:
        StoreError: a file cannot be removed; those before it are gone, and the store is whole.
    """
    going = [part for part in parts if not part.reason]
    freed = 0
    for part in sorted(going, key=lambda part: FILE_KINDS.index(part.kind)):
        for place, size in part.sizes.items():
            if place in still:
                store.remove(place)
                freed += size
    return freed
