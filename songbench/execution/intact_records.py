"""What of a store is whole: records that say what was stored and rest on files that are still there.

Every record lists its basis: the records it was made from with their digests, the features with digest and size, the
blobs with their size. So a song that had to be made again takes the scores of the lost one with it, and a cut file
takes what was made of it, while nothing has to be hashed but the records themselves, which are small. What is altered
without a change of size shows when it is read, or when everything is hashed (`songbench.execution.verification`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict

from songbench.domain.errors import DamageError
from songbench.domain.hashing import Json
from songbench.execution.store import Blob, Kind, Store, feature_place, record_place

BASIS = "basis"
"""The field of a record that lists what it rests on."""


class Basis(TypedDict, total=False):
    """What a record rests on.

    Attributes:
        assets: digests of rendered or cut prompt audio and references, by key.
        songs: digests of songs, by key.
        features: digest and size in bytes of features, by key.
        blobs: size in bytes of blobs, by name.
    """

    assets: dict[str, str]
    songs: dict[str, str]
    features: dict[str, tuple[str, int]]
    blobs: dict[str, int]


def basis_to_json(basis: Basis) -> dict[str, Json]:
    """As it is stored: without empty parts, keys sorted."""
    return {name: dict(sorted(part.items())) for name, part in sorted(basis.items()) if part}  # type: ignore[attr-defined]


@dataclass(frozen=True)
class IntactRecord:
    """A record that is whole.

    Attributes:
        digest: of what it says.
        basis: what it rests on.
    """

    digest: str
    basis: Basis


@dataclass
class IntactRecords:
    """The whole records of a store, each read once; those that are not whole are looked at again each time.

    Attributes:
        store: the store.
        damaged: what is wrong with the records that are there but not whole, by kind and key.
    """

    store: Store
    damaged: dict[tuple[Kind, str], str] = field(default_factory=dict)
    _intact: dict[tuple[Kind, str], IntactRecord] = field(default_factory=dict)

    def intact(self, kind: Kind, keys: Iterable[str]) -> set[str]:
        """Those of the keys whose records are whole."""
        distinct = set(keys)
        intact_keys = {key for key in distinct if (kind, key) in self._intact}
        open_keys = distinct - intact_keys
        if open_keys:
            intact_keys |= {key for key in open_keys & self.store.keys(kind) if self.find(kind, key)}
        return intact_keys

    def contents(self, kind: Kind, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
        """What those of the keys say whose records are whole, by key; each is read once."""
        contents: dict[str, dict[str, Any]] = {}
        for key in set(keys) & self.store.keys(kind):
            record = self.store.get(kind, key) if (kind, key) in self._intact else self._look(kind, key)
            if record is not None:
                contents[key] = record
        return contents

    def find(self, kind: Kind, key: str) -> IntactRecord | None:
        """A whole record's digest and basis; None when it is not there or not whole."""
        if (kind, key) not in self._intact:
            self._look(kind, key)
        return self._intact.get((kind, key))

    def _look(self, kind: Kind, key: str) -> dict[str, Any] | None:
        """What a record says, noted as whole; None, with what is wrong noted, where it is not."""
        self.damaged.pop((kind, key), None)
        try:
            record, digest = self.store.read(kind, key)
            basis = basis_of(record, record_place(kind, key))
            self._stand(basis)
        except DamageError as damage:
            if damage.problem != "is gone" or damage.place != record_place(kind, key):
                self.damaged[kind, key] = f"{damage.place} {damage.problem}"
            return None
        self._intact[kind, key] = IntactRecord(digest, basis)
        return record

    def _stand(self, basis: Basis) -> None:
        """Check that what a record rests on is there.

        Raises:
            DamageError: naming the first file that is gone, cut, or another one now.
        """
        parents: list[tuple[Kind, Mapping[str, str]]] = [
            ("assets", basis.get("assets", {})),
            ("songs", basis.get("songs", {})),
        ]
        for kind, digests in parents:
            for key, digest in digests.items():
                parent = self.find(kind, key)
                if parent is None or parent.digest != digest:
                    raise DamageError(
                        record_place(kind, key), "is gone or damaged" if parent is None else "was made again"
                    )
        sizes = {feature_place(key): size for key, (_, size) in basis.get("features", {}).items()}
        sizes |= {Blob(name).place: size for name, size in basis.get("blobs", {}).items()}
        for place, size in sizes.items():
            actual = self.store.size(place)
            if actual != size:
                raise DamageError(place, "is gone" if actual is None else f"has {actual} bytes instead of {size}")


def basis_of(record: Mapping[str, Any], place: str) -> Basis:
    """The basis of a record that was read.

    Raises:
        DamageError: when it is malformed.
    """
    parts = record.get(BASIS, {})
    try:
        return Basis(
            assets=dict(parts.get("assets", {})),
            songs=dict(parts.get("songs", {})),
            features={key: (str(digest), int(size)) for key, (digest, size) in parts.get("features", {}).items()},
            blobs={name: int(size) for name, size in parts.get("blobs", {}).items()},
        )
    except (AttributeError, TypeError, ValueError):
        raise DamageError(place, "is cut or unreadable") from None
