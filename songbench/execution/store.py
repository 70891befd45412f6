"""The store: content-addressed records and blobs on any fsspec URL. The only module that writes results.

Layout below the root::

    records/<kind>/<2 hex>/<key>.json     songs, assets, scores, failures: JSON, written last, so what exists is whole
    features/<2 hex>/<key>.npz            shared features
    blobs/<2 hex>/<sha256>.<suffix>       audio and MIDI, named by their content
    sessions, claims                      who works on this store, and on what (`songbench.execution.sessions`)

A key never changes its content. On a local disk every file appears by an atomic rename after its bytes are on the disk;
object stores put whole objects. Nothing read is taken on trust: a record and a feature carry the digest of what they
say, a blob is named by its own, and what does not agree with it counts as not stored.
"""

from __future__ import annotations

import functools
import inspect
import json
import os
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

from songbench.domain.errors import DamageError, InputError
from songbench.domain.hashing import Json, bytes_digest, content_key
from songbench.execution.store_errors import open_error, read_error, write_error
from songbench.resources.close_to_open import open_folder, read_file, stat_file
from songbench.resources.files import create_file, is_scratch, sweep, write_atomically
from songbench.resources.stamped_index import stamp_of

__all__ = ["KINDS", "Blob", "Kind", "Store", "write_atomically"]

Kind: TypeAlias = Literal["songs", "assets", "scores", "failures"]
KINDS: tuple[Kind, ...] = ("assets", "songs", "scores", "failures")
_DIGEST = "digest"
_AT_ONCE = 1000
"""So many records an object store is asked for side by side."""


@dataclass(frozen=True)
class Blob:
    """Bytes in the store, named by their content.

    Attributes:
        name: ``<sha256>.<suffix>``.
    """

    name: str

    @property
    def digest(self) -> str:
        """The sha256 of the bytes."""
        return self.name.partition(".")[0]

    @property
    def place(self) -> str:
        """Where it lies below the store's root."""
        return f"blobs/{self.name[:2]}/{self.name}"


def _plain_folder(url: str) -> str | None:
    """The folder that a path names, in fsspec's words but without loading it; None for what only fsspec understands."""
    if os.sep != "/" or ":" in url:
        return None
    if url.startswith("~"):
        path = os.path.expanduser(url)  # noqa: PTH111 - a Path would tidy it up
    elif url.startswith("/"):
        path = url
    else:
        path = f"{os.getcwd()}/{'' if url == '.' else url.removeprefix('./')}"  # noqa: PTH109 - as above
    return path.rstrip("/")


def _driver_options(url: str) -> dict[str, Any]:
    """What the driver of a remote store is told.

    Listings are never remembered: workers elsewhere add to them. S3's driver, which otherwise asks for the size of an
    object before it reads it in several parts at once, reads it with one request: records and songs are small.
    """
    import fsspec

    protocol = fsspec.utils.get_protocol(url)
    if protocol in ("file", "local"):
        return {}
    return {"use_listings_cache": False, **({"max_concurrency": 1} if protocol in ("s3", "s3a") else {})}


class FileFacts(NamedTuple):
    """What the file system says of a stored file, without reading it.

    Attributes:
        size: in bytes.
        stamp: a number that is another one when the file was written or replaced since; None where the file system
            does not say enough for that, or the file is so young that another change might leave the same traces.
    """

    size: int
    stamp: int | None


def record_place(kind: Kind, key: str) -> str:
    """Where a record lies below the store's root."""
    return f"records/{kind}/{key[:2]}/{key}.json"


def feature_place(key: str) -> str:
    """Where a feature lies below the store's root."""
    return f"features/{key[:2]}/{key}.npz"


def record_of_place(place: str) -> tuple[Kind, str] | None:
    """The kind and key of the record that lies at a place; None for all other files."""
    folder, _, name = place.rpartition("/")
    key = name.removesuffix(".json")
    kind = next((kind for kind in KINDS if folder == f"records/{kind}/{key[:2]}"), None)
    return None if kind is None or not name.endswith(".json") else (kind, key)


def record_digest(kind: Kind, key: str, record: Mapping[str, Json]) -> str:
    """What a record says, as one number: also of where it lies, so that two records cannot change places."""
    return content_key("record", kind, key, dict(record))


class Store:
    """Records, features and blobs below one fsspec URL (a folder, ``s3://…``, ``memory://…``).

    Args:
        url: where; a local folder is created when first written to.

    Attributes:
        damage: blobs that were found damaged while they were read, in the order found.

    Raises:
        InputError: when the URL's protocol is not known or its driver is not installed.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.damage: list[DamageError] = []
        self._fs: Any = None  # the driver; a folder needs none
        folder = _plain_folder(url)
        self.local, self._root = (False, "") if folder is None else (True, folder)
        if folder is None:
            self._open(url)
        if self.local and Path(self._root).exists() and not Path(self._root).is_dir():
            raise InputError(f"The store '{url}' is a file, not a folder.", field="store")

    def _open(self, url: str) -> None:
        """Find the driver of a URL."""
        import fsspec

        try:
            self._fs, root = fsspec.core.url_to_fs(url, **_driver_options(url))
        except Exception as error:  # each driver has kinds of its own
            raise open_error(url, error) from error
        self._root = str(root).rstrip("/")
        self.local = "file" in (self._fs.protocol if isinstance(self._fs.protocol, tuple) else (self._fs.protocol,))

    # -- records ---------------------------------------------------------------------------------------------------

    def read(self, kind: Kind, key: str) -> tuple[dict[str, Any], str]:
        """A record and its digest.

        Raises:
            DamageError: when it is gone, cut, or not what was stored.
        """
        return _read_record(kind, key, self.peek(record_place(kind, key)), None)

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
                yield key, _read_record(kind, key, data, digests.get(key))
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
        plain = json.loads(json.dumps(record, allow_nan=False))  # as it will be read: tuples as lists, keys as text
        signed = {**plain, _DIGEST: record_digest(kind, key, plain)}
        text = json.dumps(signed, sort_keys=True, ensure_ascii=False, indent=1, allow_nan=False)
        self._write(record_place(kind, key), text.encode())

    def discard(self, kind: Kind, key: str) -> None:
        """Remove a record (a failure that is to be tried again, or one that is damaged)."""
        self.remove(record_place(kind, key))

    def keys(self, kind: Kind) -> set[str]:
        """Every key of a kind, in one listing; whether the records are whole is not asked."""
        if not self.local:
            return {key for place in self.facts_below(f"records/{kind}") if (key := _key_of(place))}
        with self._reading(f"records/{kind}"):  # names alone: to ask for each file's facts takes five times as long
            return {
                key for _, names in _local_folders(f"{self._root}/records/{kind}") for key in map(_key_of, names) if key
            }

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

    # -- bytes -----------------------------------------------------------------------------------------------------

    def address(self, place: str) -> str:
        """Where a place below the root is: the path of a local file, or a URL that fsspec opens."""
        return f"{self._root}/{place}" if self.local else str(self._fs.unstrip_protocol(f"{self._root}/{place}"))

    def size(self, place: str) -> int | None:
        """How many bytes lie at a place below the root, without reading them; None when nothing does."""
        facts = self.facts(place)
        return None if facts is None else facts.size

    def facts(self, place: str) -> FileFacts | None:
        """What the file system says of the file at a place below the root; None when nothing is there."""
        return self.facts_of([place]).get(place)

    def facts_of(self, places: Iterable[str]) -> dict[str, FileFacts]:
        """What the file system says of some files, by place; without those that are not there."""
        facts: dict[str, FileFacts] = {}
        local, root, now_ns = self.local, self._root, time.time_ns()
        for place in places:
            try:
                facts[place] = (
                    _local_facts(stat_file(f"{root}/{place}"), now_ns)
                    if local
                    else _remote_facts(self._fs.info(f"{root}/{place}"))
                )
            except FileNotFoundError:
                continue
            except Exception as error:  # each driver has kinds of its own
                raise read_error(self.url, place, error) from error
        return facts

    def stamps(self, kind: Kind, keys: Iterable[str]) -> dict[str, int | None]:
        """The stamps of records, by key; without those that are not there. Neighbours together are soonest found."""
        places = {record_place(kind, key): key for key in keys}
        if self.local:
            return {places[place]: stamp for place, stamp in self._local_stamps(places)}
        return {places[place]: facts.stamp for place, facts in self.facts_of(places).items()}

    def _local_stamps(self, places: Iterable[str]) -> Iterator[tuple[str, int | None]]:
        root, now_ns, stat = self._root, time.time_ns(), os.stat
        opened: set[str] = set()
        for place in places:
            try:
                try:
                    status = stat(f"{root}/{place}")
                except FileNotFoundError:  # as `stat_file`, which opens a folder for each of its files
                    if (folder := place.rpartition("/")[0]) in opened:
                        continue
                    opened.add(folder)
                    open_folder(f"{root}/{folder}")
                    status = stat(f"{root}/{place}")
                yield place, stamp_of(status, now_ns)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise read_error(self.url, place, error) from error

    def facts_below(self, folder: str) -> dict[str, FileFacts]:
        """What the file system says of every file below a folder of the store, by place, in one listing.

        Scratch files are left out.

        Args:
            folder: below the root; "": all of the store.
        """
        top = f"{self._root}/{folder}".rstrip("/")
        with self._reading(folder or "the list of files"):
            if self.local:
                return dict(_local_files(Path(self._root), Path(top)))
            self._fs.invalidate_cache()
            entries = self._entries(top)
        return {self._place_of(name): _remote_facts(entry) for name, entry in entries.items()}

    def files(self) -> dict[str, int]:
        """The size in bytes of every file below the root, by its place, in one listing; scratch files are left out."""
        return {place: facts.size for place, facts in self.facts_below("").items()}

    def remove(self, place: str) -> None:
        """Remove a file that is damaged, so that it is made again, or should not have been stored."""
        try:
            if self.local:
                os.unlink(f"{self._root}/{place}")  # noqa: PTH108 - places are text
            else:
                self._fs.rm_file(f"{self._root}/{place}")
        except FileNotFoundError:
            return
        except Exception as error:
            raise write_error(self.url, error) from error

    def peek(self, place: str) -> bytes | None:
        """The bytes at a place below the root, unchecked; None when there are none."""
        try:
            if self.local:
                return read_file(f"{self._root}/{place}")
            return bytes(self._fs.cat_file(f"{self._root}/{place}"))
        except FileNotFoundError:
            return None
        except Exception as error:  # each driver has kinds of its own
            raise read_error(self.url, place, error) from error

    def _peek_all(self, places: Sequence[str]) -> dict[str, bytes]:
        """The bytes at places in an object store, by place, asked for side by side; without what is not there."""
        if len(places) < 2:  # the driver has another answer to one question
            return {place: data for place in places if (data := self.peek(place)) is not None}
        with self._reading(places[0]):
            answers = self._fs.cat([f"{self._root}/{place}" for place in places], on_error="return")
        contents = {}
        for name, answer in answers.items():
            place = self._place_of(name)
            if isinstance(answer, bytes):
                contents[place] = answer
            elif not isinstance(answer, FileNotFoundError):
                raise read_error(self.url, place, answer) from answer
        return contents

    def _place_of(self, name: str) -> str:
        """The place below the root of what the driver calls so."""
        return str(name).lstrip("/").removeprefix(self._root.lstrip("/")).lstrip("/")

    @contextmanager
    def _reading(self, place: str) -> Iterator[None]:
        """Turn the errors of drivers, each of which has its own, into ours; all but that nothing is there."""
        try:
            yield
        except FileNotFoundError:
            raise
        except Exception as error:
            raise read_error(self.url, place, error) from error

    def _entries(self, folder: str) -> dict[str, Mapping[str, Any]]:
        """What the driver says of every file below a folder, by its path; nothing where there is no such folder."""
        try:
            return dict(self._fs.find(folder, detail=True))
        except FileNotFoundError:
            return {}

    def _write(self, place: str, data: bytes) -> None:
        name = f"{self._root}/{place}"
        try:
            if self.local:
                write_atomically(Path(name), data)
            else:
                self._fs.pipe_file(name, data)
        except Exception as error:  # each driver has kinds of its own
            raise write_error(self.url, error) from error

    # -- what several runs need to share it ------------------------------------------------------------------------

    @functools.cached_property
    def can_create(self) -> bool:
        """Whether a file can be created only where there is none, so that of several who try one succeeds."""
        if self.local:
            return True
        methods = [
            getattr(type(self._fs), name) for name in ("_pipe_file", "pipe_file") if hasattr(type(self._fs), name)
        ]
        methods = [method for method in methods if method.__module__ not in _BASES]
        return any("mode" in inspect.signature(method).parameters for method in methods)

    def create(self, place: str, data: bytes, *, like: str | None = None) -> bool:
        """Write a small file where there is none; returns whether that was so. It appears whole.

        Args:
            place: where.
            data: the content.
            like: a place that has this content already: a folder links to it.
        """
        name = f"{self._root}/{place}"
        if not self.can_create:  # then nobody else tries
            self._write(place, data)
            return True
        try:
            if self.local:
                if like is None or not _link(f"{self._root}/{like}", name):
                    create_file(Path(name), data)
            else:
                self._fs.pipe_file(name, data, mode="create")
        except FileExistsError:
            return False
        except Exception as error:  # each driver has kinds of its own
            if _was_there(error):
                return False
            raise write_error(self.url, error) from error
        return True

    def renew(self, place: str, data: bytes) -> bool:
        """Give a file the present time by the clock of the store; returns False when it is not there."""
        if not self.local:
            if self.size(place) is None:
                return False
            self._write(place, data)
            return True
        try:
            os.utime(f"{self._root}/{place}")
        except FileNotFoundError:
            return False
        except OSError as error:
            raise write_error(self.url, error) from error
        return True

    def modified(self, place: str) -> float | None:
        """When a file was written, in seconds since 1970 by the clock of the store; None when it is not there."""
        try:
            if self.local:
                return stat_file(f"{self._root}/{place}").st_mtime
            modified: datetime = self._fs.modified(f"{self._root}/{place}")
        except FileNotFoundError:
            return None
        except Exception as error:  # each driver has kinds of its own
            raise read_error(self.url, place, error) from error
        return (modified if modified.tzinfo else modified.replace(tzinfo=UTC)).timestamp()

    def places_below(self, folder: str) -> list[str]:
        """The places of all files below a folder of the store; scratch files are left out."""
        top = f"{self._root}/{folder}"
        if self.local:
            paths = [path for path in Path(top).rglob("*") if path.is_file() and not is_scratch(path)]
            return [path.relative_to(self._root).as_posix() for path in paths]
        with self._reading(folder):
            names = self._entries(top)
        root = self._root.lstrip("/")
        return [str(name).lstrip("/").removeprefix(root).lstrip("/") for name in names]

    def sweep(self) -> None:
        """Remove what processes of this machine that were killed have left half written."""
        if self.local:
            sweep(Path(self._root))


def _read_record(kind: Kind, key: str, data: bytes | None, expected: str | None) -> tuple[dict[str, Any], str]:
    """What the bytes of a record say, and the digest of that.

    Args:
        kind: of record.
        key: of the record.
        data: its bytes; None where it is gone.
        expected: the digest of a record that was found whole a moment ago; None: it is hashed.

    Raises:
        DamageError: when it is gone, cut, or not what was stored.
    """
    place = record_place(kind, key)
    if data is None:
        raise DamageError(place, "is gone")
    try:
        value = json.loads(data.decode())
        recorded = value.pop(_DIGEST)
        digest = expected or record_digest(kind, key, value)
    except (ValueError, RecursionError, AttributeError, KeyError, TypeError):
        raise DamageError(place, "is empty" if not data.strip() else "is cut or unreadable") from None
    if recorded != digest:
        raise DamageError(place, "was altered")
    return value, digest


def _key_of(name: str) -> str | None:
    """The key of a record by the name of its file, or its place; None for other files."""
    return name.rsplit("/", 1)[-1][:-5] if name.endswith(".json") else None


def _local_folders(top: str) -> Iterator[tuple[str, list[str]]]:
    """Every folder inside one, with the names in it; nothing where there is none, or a run removes it just now."""
    for folder in _names_in(top):
        with suppress(NotADirectoryError):
            yield folder, _names_in(f"{top}/{folder}")


def _names_in(folder: str) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - a Path for each name takes longer than the listing
    except FileNotFoundError:
        return []


def _local_files(root: Path, top: Path) -> Iterator[tuple[str, FileFacts]]:
    now_ns = time.time_ns()
    for folder, _, names in os.walk(top):
        below = Path(folder).relative_to(root)
        for name in names:
            path = below / name
            with suppress(FileNotFoundError):  # a run may be at work
                if not is_scratch(path):
                    yield path.as_posix(), _local_facts((root / path).stat(), now_ns)


def _local_facts(status: os.stat_result, now_ns: int) -> FileFacts:
    return FileFacts(status.st_size, stamp_of(status, now_ns))


def _remote_facts(entry: Mapping[str, Any]) -> FileFacts:
    """What an object store says; its entity tag follows from the content."""
    size = int(entry["size"] or 0)
    tag = next((str(entry[name]) for name in ("ETag", "etag", "md5Hash", "content_md5") if entry.get(name)), None)
    return FileFacts(size, None if tag is None else int(bytes_digest(f"{size} {tag}".encode())[:15], 16))


def _link(source: str, name: str) -> bool:
    """Give a local file a second name where there is none; False where that cannot be done.

    Raises:
        FileExistsError: there is one.
    """
    try:
        os.link(source, name)
    except FileExistsError:
        raise
    except OSError:  # no folder yet, no links, too many
        return False
    return True


_BASES = {"fsspec.spec", "fsspec.asyn"}
"""Where fsspec says how drivers look; what is said there of exclusive creation looks first and writes then."""
_EXISTS = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}
"""What object stores answer where there is a file already, or another one writes it at the same moment."""


def _was_there(error: Exception) -> bool:
    """Whether a driver says in its own way that a file exists."""
    causes = [error, error.__cause__]
    codes = [getattr(cause, "response", {}).get("Error", {}).get("Code") for cause in causes if cause is not None]
    return any(str(code) in _EXISTS for code in codes) or str(getattr(error, "code", "")) in _EXISTS


def _difference(data: bytes) -> str:
    return "is empty" if not data else "was altered or cut"
