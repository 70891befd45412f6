"""What of a store is whole: records that say what was stored and rest on files that are still there.

Every record lists its basis: the records it was made from with their digests, the features with digest and size, the
blobs with their size. So a song that had to be made again takes the scores of the lost one with it, and a cut file
takes what was made of it, while nothing has to be hashed but the records themselves, which are small. What is altered
without a change of size shows when it is read, or when everything is hashed (`songbench.execution.verification`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypedDict

from songbench.domain.errors import DamageError
from songbench.domain.hashing import Json, bytes_digest
from songbench.execution.listing import FEW, StoreListing
from songbench.execution.store import Store
from songbench.execution.store_layout import KINDS, Blob, Kind, feature_place, record_place
from songbench.resources.garbage import no_search
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

    Of hundreds of thousands of records the compact form takes a tenth of the room, and none of it is asked of most.

    Attributes:
        digest_audio: digest and audio, one to a line.
        basis_json: what it rests on.
    """

    digest_audio: bytes
    basis_json: bytes

    @property
    def digest(self) -> str:
        """Of what it says."""
        return self.digest_audio.partition(b"\n")[0].decode()

    @property
    def audio(self) -> str:
        """Of songs and assets: the name of the blob that is their audio; else ""."""
        return self.digest_audio.partition(b"\n")[2].decode()

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
        self._standing: dict[bytes, bytes] = {}

    def refresh(self) -> None:
        """List the store anew when next asked, as results may have been stored since; what is whole stays so."""
        self._listing.forget()
        self._standing.clear()

    def look(self, kind: Kind, keys: Collection[str]) -> None:
        """Look at those of the records that are not known to be whole, all together."""
        records = self._intact[kind]
        if not self.damaged:  # else it is forgotten of each what was wrong
            keys = self._listing.possible(kind, keys)
        if open_keys := {key for key in keys if key not in records}:
            self._look(kind, open_keys)

    def intact(self, kind: Kind, keys: Iterable[str]) -> set[str]:
        """Those of the keys whose records are whole."""
        distinct = keys if isinstance(keys, Collection) else list(keys)
        self.look(kind, distinct)
        records = self._intact[kind]
        return {key for key in distinct if key in records} if records else set()

    def lacking(self, kind: Kind, keys: Collection[str]) -> set[str]:
        """Those of the keys under which there is no whole record."""
        self.look(kind, keys)
        records = self._intact[kind]
        return {key for key in keys if key not in records}

    def contents(self, kind: Kind, keys: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        """What those of the keys say whose records are whole, in no order; each is read once."""
        distinct = sorted(set(keys))  # neighbours in the store and in the index are soonest found together
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

    def find_all(self, kind: Kind, keys: Collection[str]) -> dict[str, IntactRecord]:
        """Digest and basis of those of the keys whose records are whole, by key."""
        self.look(kind, keys)
        records = self._intact[kind]
        return {key: records[key] for key in keys if key in records}

    def audio(self, kind: Kind, keys: Collection[str]) -> dict[str, Blob]:
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
        possible = self._listing.possible(kind, keys)
        index = self._index if len(possible) > FEW else None
        with no_search():
            notes = _Notes(index, kind)
            for part in _neighbours(possible):
                self._look_at(kind, self._listing.stamps(kind, part), notes, records)
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
        fresh: list[tuple[str, bytes, bytes]] = []
        for key, text in texts.items():
            digest_audio, _, basis_json = text.rpartition(b"\n")
            basis_text = standing.get(basis_json)  # one text for all that say the same
            if basis_text is None:
                fresh.append((key, digest_audio, basis_json))
            else:
                intact[key] = IntactRecord(digest_audio, basis_text)
        if not fresh:
            return
        faults = self._faults({basis_json for *_, basis_json in fresh})
        for key, digest_audio, basis_json in fresh:
            if basis_json in standing:
                intact[key] = IntactRecord(digest_audio, standing[basis_json])
            else:
                self.damaged[kind, key] = faults[basis_json]

    def _read(self, kind: Kind, keys: Collection[str]) -> Iterator[tuple[str, bytes, dict[str, Any]]]:
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
            audio = str(content.get("audio") or "")
            yield key, f"{digest}\n{audio}\n{_ENCODER.encode(basis)}".encode(), content

    def _faults(self, bases: Collection[bytes]) -> dict[bytes, str]:
        """Look at what records rest on: what stands is noted as such.

        Args:
            bases: as text.

        Returns:
            For each that does not stand, the first file that is gone, cut, or another one now, in words.
        """
        parsed: dict[bytes, Basis] = {text: json.loads(text) for text in bases}
        for parent in PARENTS:
            self.look(parent, {key for basis in parsed.values() for key in basis.get(parent, ())})
        sizes_of = {text: sizes for text, basis in parsed.items() if (sizes := _sizes_of(basis))}
        sizes = self._listing.sizes({place for expected in sizes_of.values() for place in expected})
        faults = {}
        for text, basis in parsed.items():
            fault = self._lost_parent(basis) or self._lost_file(sizes_of.get(text, {}), sizes)
            if fault is None:
                self._standing[text] = text
            else:
                faults[text] = fault
        return faults

    def _lost_parent(self, basis: Basis) -> str | None:
        for kind in PARENTS:
            for key, digest in basis.get(kind, {}).items():
                parent = self._intact[kind].get(key)
                if parent is None or parent.digest != digest:
                    problem = "is gone or damaged" if parent is None else "was made again"
                    return f"{record_place(kind, key)} {problem}"
        return None

    def _lost_file(self, expected: Mapping[str, int], sizes: Mapping[str, int]) -> str | None:
        for place, size in expected.items():
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
        self._new: dict[str, tuple[int, bytes]] = {}
        self._is_worthwhile = False

    def find(self, stamps: Mapping[str, int | None]) -> dict[str, bytes]:
        """What is noted of records that are as they were: digest, audio and basis, by key, one to a line."""
        return self._index.find(self._kind, stamps) if self._index else {}

    def add(self, key: str, stamp: int | None, text: bytes) -> None:
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


def _neighbours(keys: Iterable[str]) -> Iterator[list[str]]:
    """Keys in parts of about `_PART`, all sorted: folder by folder, and in the order of the index."""
    folders: dict[str, list[str]] = {}
    for key in keys:
        folders.setdefault(key[:2], []).append(key)
    part: list[str] = []
    for folder in sorted(folders):
        part += sorted(folders.pop(folder))
        if len(part) >= _PART:
            yield part
            part = []
    if part:
        yield part


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
