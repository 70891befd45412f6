"""What of a store is whole: records that say what was stored and rest on files that are still there.

Every record lists its basis: the records it was made from with their digests, the features with digest and size, the
blobs with their size. So a song that had to be made again takes the scores of the lost one with it, and a cut file
takes what was made of it, while nothing has to be hashed but the records themselves, which are small. What is altered
without a change of size shows when it is read, or when everything is hashed (`songbench.execution.verification`).
"""

from __future__ import annotations

import gc
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypedDict

from songbench.domain.errors import DamageError
from songbench.domain.hashing import Json, bytes_digest
from songbench.execution.listing import FEW, StoreListing
from songbench.execution.store import KINDS, Blob, Kind, Store, feature_place, record_place
from songbench.resources.stamped_index import StampedIndex

BASIS = "basis"
"""The field of a record that lists what it rests on."""
PARENTS: tuple[Literal["assets", "songs"], ...] = ("assets", "songs")
"""The kinds of records that others are made from."""
WORTH_NOTING = 500
"""Fewer records are read again each time rather than noted in the index: it takes a few hundredths of a second."""
_BATCH = 2000
"""So many records are held at once while their contents are handed out."""
_PART = 5000
"""So many are looked at together: few enough that what is known of them on the way takes no room to speak of."""
_ENCODER = json.JSONEncoder(separators=(",", ":"), sort_keys=True)


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


class IntactRecord(NamedTuple):
    """A record that is whole.

    Attributes:
        digest: of what it says.
        audio: of songs and assets: the name of the blob that is their audio; else "".
        basis_json: what it rests on, as compact text: of hundreds of thousands of records that is a tenth of the room.
    """

    digest: str
    audio: str
    basis_json: str

    @property
    def basis(self) -> Basis:
        """What it rests on."""
        basis: Basis = json.loads(self.basis_json)
        return basis


class IntactRecords:
    """The whole records of a store, each read once; those that are not whole are looked at again each time.

    Args:
        store: the store.

    Attributes:
        damaged: what is wrong with the records that are there but not whole, by kind and key.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.damaged: dict[tuple[Kind, str], str] = {}
        self._listing = StoreListing(store)
        self._index = index_of(store)
        self._intact: dict[Kind, dict[str, IntactRecord]] = {kind: {} for kind in KINDS}
        self._standing: dict[str, str] = {}

    def refresh(self) -> None:
        """List the store anew when next asked, as results may have been stored since; what is whole stays so."""
        self._listing.forget()
        self._standing.clear()

    def intact(self, kind: Kind, keys: Iterable[str]) -> set[str]:
        """Those of the keys whose records are whole."""
        distinct = set(keys)
        records = self._intact[kind]
        open_keys = distinct - records.keys()
        if open_keys:
            self._look(kind, open_keys)
        return distinct & records.keys()

    def contents(self, kind: Kind, keys: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        """What those of the keys say whose records are whole, in no order; each is read once."""
        distinct = list(dict.fromkeys(keys))
        for start in range(0, len(distinct), _BATCH):
            part = distinct[start : start + _BATCH]
            fresh = {key for key in part if key not in self._intact[kind]}
            records: dict[str, dict[str, Any]] = {}
            self._look(kind, fresh, records)
            # 1. those that were read just now
            yield from ((key, record) for key, record in records.items() if key in self._intact[kind])
            # 2. those that the index knew, and those that were looked at earlier
            rest = [key for key in part if key in self._intact[kind] and key not in records]
            digests = {key: self._intact[kind][key].digest for key in fresh.intersection(rest)}
            for key, outcome in self.store.read_each(kind, rest, digests):
                if not isinstance(outcome, DamageError):
                    yield key, outcome[0]

    def find(self, kind: Kind, key: str) -> IntactRecord | None:
        """A whole record's digest and basis; None when it is not there or not whole."""
        return self._intact[kind].get(key) if self.intact(kind, [key]) else None

    def find_all(self, kind: Kind, keys: Iterable[str]) -> dict[str, IntactRecord]:
        """Digest and basis of those of the keys whose records are whole, by key."""
        records = self._intact[kind]
        return {key: records[key] for key in self.intact(kind, keys)}

    def audio(self, kind: Kind, keys: Iterable[str]) -> dict[str, Blob]:
        """The audio of songs or assets, by key; of those whose records are whole."""
        return {key: Blob(record.audio) for key, record in self.find_all(kind, keys).items()}

    def features(self, keys: Iterable[str]) -> set[str]:
        """Those of the keys under which a feature is stored; whether it is whole is not asked."""
        places = {feature_place(key): key for key in keys}
        return {places[place] for place in self._listing.sizes(places)}

    def _look(self, kind: Kind, keys: Collection[str], records: dict[str, dict[str, Any]] | None = None) -> None:
        """Look at records that are not known to be whole, and note which are, and what is wrong with the others.

        Args:
            kind: of record.
            keys: which.
            records: what the whole ones say that had to be read is added here.
        """
        for key in keys if self.damaged else ():
            self.damaged.pop((kind, key), None)
        possible = sorted(self._listing.possible(kind, keys))  # folder by folder, and in the order of the index
        index = self._index if len(possible) > FEW else None
        with _garbage_left_alone():
            notes = _Notes(index, kind)
            for start in range(0, len(possible), _PART):
                self._look_at(kind, self._listing.stamps(kind, possible[start : start + _PART]), notes, records)
            notes.end()

    def _look_at(
        self,
        kind: Kind,
        stamps: Mapping[str, int | None],
        notes: _Notes,
        records: dict[str, dict[str, Any]] | None,
    ) -> None:
        """Look at some of them.

        Args:
            kind: of record.
            stamps: of those that are there, by key.
            notes: what the index says of them, and what it is to say.
            records: as of `_look`.
        """
        # 1. what they say, by the index or as read
        texts = notes.find(stamps)
        if len(texts) < len(stamps):
            for key, text, content in self._read(kind, [key for key in stamps if key not in texts]):
                texts[key] = text
                if records is not None:
                    records[key] = content
                notes.add(key, stamps[key], text)
        # 2. what they rest on
        intact, standing = self._intact[kind], self._standing
        fresh: list[tuple[str, list[str]]] = []
        for key, text in texts.items():
            parts = text.split("\n", 2)
            basis_json = standing.get(parts[2])  # one text for all that say the same
            if basis_json is None:
                fresh.append((key, parts))
            else:
                intact[key] = IntactRecord(parts[0], parts[1], basis_json)
        if not fresh:
            return
        faults = self._faults({basis_json for _, (*_, basis_json) in fresh})
        for key, (digest, audio, basis_json) in fresh:
            if basis_json in standing:
                intact[key] = IntactRecord(digest, audio, standing[basis_json])
            else:
                self.damaged[kind, key] = faults[basis_json]

    def _read(self, kind: Kind, keys: Collection[str]) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Read and hash records: the key of each that says what was stored, what is noted of it, and what it says."""
        for key, outcome in self.store.read_each(kind, keys, {}):
            place = record_place(kind, key)
            try:
                if isinstance(outcome, DamageError):
                    raise outcome
                content, digest = outcome
                basis = basis_of(content, place)
            except DamageError as damage:
                if damage.problem != "is gone":
                    self.damaged[kind, key] = f"{place} {damage.problem}"
                continue
            basis_json = _ENCODER.encode(basis)
            yield key, "\n".join((digest, str(content.get("audio") or ""), basis_json)), content

    def _faults(self, bases: Collection[str]) -> dict[str, str]:
        """Look at what records rest on: what stands is noted as such.

        Args:
            bases: as text.

        Returns:
            For each that does not stand, the first file that is gone, cut, or another one now, in words.
        """
        parsed: dict[str, Basis] = {text: json.loads(text) for text in bases}
        for parent in PARENTS:
            self.intact(parent, {key for basis in parsed.values() for key in basis.get(parent, {})})
        sizes = self._listing.sizes({place for basis in parsed.values() for place in _sizes_of(basis)})
        faults = {}
        for text, basis in parsed.items():
            fault = self._fault(basis, sizes)
            if fault is None:
                self._standing[text] = text
            else:
                faults[text] = fault
        return faults

    def _fault(self, basis: Basis, sizes: Mapping[str, int]) -> str | None:
        for kind in PARENTS:
            for key, digest in basis.get(kind, {}).items():
                parent = self._intact[kind].get(key)
                if parent is None or parent.digest != digest:
                    problem = "is gone or damaged" if parent is None else "was made again"
                    return f"{record_place(kind, key)} {problem}"
        for place, size in _sizes_of(basis).items():
            if sizes.get(place) != size:
                actual = self.store.size(place)  # now, as it may have been stored since
                if actual != size:
                    return f"{place} " + ("is gone" if actual is None else f"has {actual} bytes instead of {size}")
        return None


class _Notes:
    """What the index says of the records of one kind that are looked at, and what it is to say of others.

    Args:
        index: None: there is none, or it is not worth asking.
        kind: of the records.
    """

    def __init__(self, index: StampedIndex | None, kind: Kind) -> None:
        self._index, self._kind = index, kind
        self._new: dict[str, tuple[int, str]] = {}
        self._is_worthwhile = False

    def find(self, stamps: Mapping[str, int | None]) -> dict[str, str]:
        """What is noted of records that are as they were: digest, audio and basis, by key, one to a line."""
        return self._index.find(self._kind, stamps) if self._index else {}

    def add(self, key: str, stamp: int | None, text: str) -> None:
        """Note what was read."""
        if stamp is not None:
            self._new[key] = stamp, text
            if len(self._new) >= _PART:
                self._write()

    def end(self) -> None:
        """Note the rest, unless that and all before was too little to be worth it."""
        if self._is_worthwhile or len(self._new) >= WORTH_NOTING:
            self._write()

    def _write(self) -> None:
        self._is_worthwhile = True
        if self._index:
            self._index.add(self._kind, self._new)
        self._new.clear()


@contextmanager
def _garbage_left_alone() -> Iterator[None]:
    """Do not look for circles among hundreds of thousands of small things that form none: a tenth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def index_of(store: Store) -> StampedIndex | None:
    """The index of what the records of a store say, in the user's cache folder; None for stores in memory."""
    address = str(Path(store.address("")).resolve()) if store.local else store.address("")
    if address.startswith("memory:"):
        return None
    return StampedIndex.in_cache(bytes_digest(address.encode())[:32])


def _sizes_of(basis: Basis) -> dict[str, int]:
    """The size in bytes that each feature and blob has to have, by place."""
    sizes = {feature_place(key): size for key, (_, size) in basis.get("features", {}).items()}
    return sizes | {Blob(name).place: size for name, size in basis.get("blobs", {}).items()}


def basis_of(record: Mapping[str, Any], place: str) -> Basis:
    """The basis of a record that was read.

    Raises:
        DamageError: when it is malformed.
    """
    parts = record.get(BASIS, {})
    try:
        basis: Basis = {}
        if parts.get("assets"):
            basis["assets"] = dict(parts["assets"])
        if parts.get("songs"):
            basis["songs"] = dict(parts["songs"])
        if parts.get("features"):
            basis["features"] = {key: (str(digest), int(size)) for key, (digest, size) in parts["features"].items()}
        if parts.get("blobs"):
            basis["blobs"] = {name: int(size) for name, size in parts["blobs"].items()}
        return basis
    except (AttributeError, TypeError, ValueError):
        raise DamageError(place, "is cut or unreadable") from None
