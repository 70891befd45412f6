"""The store: content-addressed records and blobs on any fsspec URL. The only module that writes results.

A key never changes its content. On a local disk every file appears by an atomic rename after its bytes are on the disk;
object stores put whole objects. Nothing read is taken on trust: a record and a feature carry the digest of what they
say, a blob is named by its own, and what does not agree with it counts as not stored.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from songbench.domain.errors import DamageError
from songbench.domain.hashing import Json, bytes_digest
from songbench.execution.local_files import folders_below
from songbench.execution.store_files import StoreFiles
from songbench.execution.store_layout import Blob, Kind, feature_place, record_key, record_place
from songbench.execution.stored_record import record_from_bytes, record_to_bytes

_AT_ONCE = 1000
"""So many records an object store is asked for side by side."""


class Store(StoreFiles):
    """Records, features and blobs below one fsspec URL (a folder, ``s3://…``, ``memory://…``).

    Args:
        url: where; a local folder is created when first written to.

    Attributes:
        damage: blobs that were found damaged while they were read, in the order found.

    Raises:
        InputError: when the URL's protocol is not known or its driver is not installed.
    """

    def __init__(self, url: str | os.PathLike[str]) -> None:
        super().__init__(url)
        self.damage: list[DamageError] = []

    # -- records ---------------------------------------------------------------------------------------------------

    def read(self, kind: Kind, key: str) -> tuple[dict[str, Any], str]:
        """A record and its digest.

        Raises:
            DamageError: when it is gone, cut, or not what was stored.
        """
        return record_from_bytes(kind, key, self.peek(record_place(kind, key)), None)

    def read_each(
        self, kind: Kind, keys: Collection[str], digests: Mapping[str, str]
    ) -> Iterator[tuple[str, tuple[dict[str, Any], str] | DamageError]]:
        """Many records, each with its digest or with what is wrong with it; an object store is asked for many at once.

        Args:
            kind: of record.
            keys: which.
            digests: of those among them that were found whole a moment ago, which are not hashed again.
        """
        places = {key: record_place(kind, key) for key in keys}
        ahead: dict[str, bytes] = {}
        for number, (key, place) in enumerate(places.items()):
            if not self.local and number % _AT_ONCE == 0:
                ahead = self._peek_all(list(islice(places.values(), number, number + _AT_ONCE)))
            data = self.peek(place) if self.local else ahead.get(place)
            try:
                yield key, record_from_bytes(kind, key, data, digests.get(key))
            except DamageError as damage:
                yield key, damage

    def get(self, kind: Kind, key: str) -> dict[str, Any] | None:
        """The record, or None when there is none or it is damaged (`verify` names the damage)."""
        try:
            return self.read(kind, key)[0]
        except DamageError:
            return None

    def digest(self, kind: Kind, key: str) -> str | None:
        """The digest of a record, or None when there is none or it is damaged."""
        try:
            return self.read(kind, key)[1]
        except DamageError:
            return None

    def save(self, kind: Kind, key: str, record: Mapping[str, Json]) -> None:
        """Store a record; it exists completely or not at all."""
        self._write(record_place(kind, key), record_to_bytes(kind, key, record))

    def discard(self, kind: Kind, key: str) -> None:
        """Remove a record (a failure that is to be tried again, or one that is damaged)."""
        self.remove(record_place(kind, key))

    def keys(self, kind: Kind) -> set[str]:
        """Every key of a kind, in one listing; whether the records are whole is not asked."""
        if not self.local:
            return {key for place in self.facts_below(f"records/{kind}") if (key := record_key(place))}
        with self._reading(f"records/{kind}"):  # names alone: to ask for each file's facts takes five times as long
            return {
                key
                for _, names in folders_below(f"{self._root}/records/{kind}")
                for key in map(record_key, names)
                if key
            }

    def stamps(self, kind: Kind, keys: Iterable[str]) -> dict[str, int | None]:
        """The stamps of records, by key; without those that are not there."""
        places = {record_place(kind, key): key for key in keys}
        return {places[place]: stamp for place, stamp in self.stamps_of(places)}

    # -- features --------------------------------------------------------------------------------------------------

    def get_feature(self, key: str) -> bytes | None:
        """The npz bytes of a feature, or None."""
        return self.peek(feature_place(key))

    def has_feature(self, key: str) -> bool:
        """Whether the feature is there."""
        return self.facts(feature_place(key)) is not None

    def put_feature(self, key: str, data: bytes) -> None:
        """Store the npz bytes of a feature."""
        self._write(feature_place(key), data)

    # -- blobs -----------------------------------------------------------------------------------------------------

    def put_blob(self, data: bytes, suffix: str) -> Blob:
        """Store bytes under their own sha256; what is there already is left alone, unless it is damaged."""
        blob = Blob(f"{bytes_digest(data)}.{suffix}")
        if self.peek(blob.place) != data:
            self._write(blob.place, data)
        return blob

    def read_blob(self, blob: Blob) -> bytes:
        """The bytes of a blob, which are those it is named after.

        Raises:
            DamageError: when it is gone or altered; it is added to `damage`, too, as the error may be swallowed.
        """
        data = self.peek(blob.place)
        if data is not None and bytes_digest(data) == blob.digest:
            return data
        self.damage.append(DamageError(blob.place, "is gone" if data is None else _difference(data)))
        raise self.damage[-1]

    def local_path(self, blob: Blob) -> Path | None:
        """The file of a blob, for those who link or read it and never write; None where the store is not on this disk.

        Whether the file is there and whole is not asked.
        """
        return Path(self._root) / blob.place if self.local else None


def _difference(data: bytes) -> str:
    return "is empty" if not data else "was altered or cut"
