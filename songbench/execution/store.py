"""The store: content-addressed records and blobs on any fsspec URL. The only module that writes results.

Layout below the root::

    records/<kind>/<2 hex>/<key>.json     songs, assets, scores, failures: JSON, written last, so what exists is whole
    features/<2 hex>/<key>.npz            shared features
    blobs/<2 hex>/<sha256>.<suffix>       audio and MIDI, named by their content
    lock                                  held by the one run that plans on this store

A key never changes its content, so nothing is ever overwritten. On a local disk every file appears by an atomic rename
after its bytes are on the disk; object stores put whole objects.
"""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from songbench.domain.errors import DISK_FULL, InputError, StoreBusyError, StoreWriteError
from songbench.domain.hashing import Json, bytes_digest

Kind: TypeAlias = Literal["songs", "assets", "scores", "failures"]
HEARTBEAT_S = 20.0
STALE_AFTER_S = 120.0


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


class Store:
    """Records, features and blobs below one fsspec URL (a folder, ``s3://…``, ``memory://…``).

    Args:
        url: where; a local folder is created when first written to.

    Raises:
        InputError: when the URL's protocol is not known or its driver is not installed.
    """

    def __init__(self, url: str) -> None:
        import fsspec

        self.url = url
        try:
            self._fs, root = fsspec.core.url_to_fs(url)
        except (ValueError, ImportError) as error:
            raise InputError(f"The store '{url}' cannot be opened: {error}", field="store") from error
        self._root = str(root).rstrip("/")
        self.local = "file" in (self._fs.protocol if isinstance(self._fs.protocol, tuple) else (self._fs.protocol,))
        if self.local and Path(self._root).exists() and not Path(self._root).is_dir():
            raise InputError(f"The store '{url}' is a file, not a folder.", field="store")

    # -- records ---------------------------------------------------------------------------------------------------

    def _record(self, kind: Kind, key: str) -> str:
        return f"{self._root}/records/{kind}/{key[:2]}/{key}.json"

    def get(self, kind: Kind, key: str) -> dict[str, Any] | None:
        """The record, or None when there is none or it is unreadable (`verify` names unreadable ones)."""
        data = self._read(self._record(kind, key))
        try:
            value = json.loads(data) if data is not None else None
        except ValueError:
            return None
        return value if isinstance(value, dict) else None

    def put(self, kind: Kind, key: str, record: Mapping[str, Json]) -> None:
        """Store a record; it exists completely or not at all."""
        text = json.dumps(record, sort_keys=True, ensure_ascii=False, indent=1, allow_nan=False)
        self._write(self._record(kind, key), text.encode())

    def discard(self, kind: Kind, key: str) -> None:
        """Remove a record (a failure that is to be tried again)."""
        if self._fs.exists(self._record(kind, key)):
            self._fs.rm_file(self._record(kind, key))

    def keys(self, kind: Kind) -> set[str]:
        """Every key of a kind, in one listing."""
        folder = f"{self._root}/records/{kind}"
        self._fs.invalidate_cache()
        found = self._fs.find(folder) if self._fs.exists(folder) else []
        return {name.rsplit("/", 1)[-1][:-5] for name in found if name.endswith(".json")}

    # -- features --------------------------------------------------------------------------------------------------

    def _feature(self, key: str) -> str:
        return f"{self._root}/features/{key[:2]}/{key}.npz"

    def get_feature(self, key: str) -> bytes | None:
        """The npz bytes of a feature, or None."""
        return self._read(self._feature(key))

    def has_feature(self, key: str) -> bool:
        """Whether the feature is there."""
        return bool(self._fs.exists(self._feature(key)))

    def put_feature(self, key: str, data: bytes) -> None:
        """Store the npz bytes of a feature."""
        self._write(self._feature(key), data)

    # -- blobs -----------------------------------------------------------------------------------------------------

    def _blob(self, blob: Blob) -> str:
        return f"{self._root}/blobs/{blob.name[:2]}/{blob.name}"

    def put_blob(self, data: bytes, suffix: str) -> Blob:
        """Store bytes under their own sha256; storing the same bytes again costs nothing."""
        blob = Blob(f"{bytes_digest(data)}.{suffix}")
        if not self._fs.exists(self._blob(blob)):
            self._write(self._blob(blob), data)
        return blob

    def read_blob(self, blob: Blob) -> bytes:
        """The bytes of a blob.

        Raises:
            InputError: when it is gone, naming it.
        """
        data = self._read(self._blob(blob))
        if data is None:
            raise InputError(
                f"The store misses the blob {blob.name}.", file=self.url, cure="'songbench verify' lists the damage."
            )
        return data

    def has_blob(self, blob: Blob) -> bool:
        """Whether the blob is there."""
        return bool(self._fs.exists(self._blob(blob)))

    # -- bytes -----------------------------------------------------------------------------------------------------

    def _read(self, name: str) -> bytes | None:
        try:
            return bytes(self._fs.cat_file(name))
        except FileNotFoundError:
            return None

    def _write(self, name: str, data: bytes) -> None:
        try:
            if self.local:
                write_atomically(Path(name), data)
            else:
                self._fs.pipe_file(name, data)
        except OSError as error:
            raise _write_error(self.url, error) from error

    # -- the one planner -------------------------------------------------------------------------------------------

    @contextmanager
    def lock(self, owner: str) -> Iterator[None]:
        """Hold the store while a run plans on it.

        On a local disk the operating system holds the lock, so it ends with the process, however that ends. Elsewhere
        it is a record with a heartbeat that others respect for two minutes.

        Args:
            owner: shown to others who find the store busy.

        Raises:
            StoreBusyError: another run holds it.
        """
        with self._local_lock(owner) if self.local else self._remote_lock(owner):
            yield

    @contextmanager
    def _local_lock(self, owner: str) -> Iterator[None]:
        import fcntl

        try:
            Path(self._root).mkdir(parents=True, exist_ok=True)
            handle = open(f"{self._root}/lock", "a+", encoding="utf-8")  # noqa: SIM115  (held for the whole run)
        except OSError as error:
            raise _write_error(self.url, error) from error
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                handle.seek(0)
                raise _busy(self.url, handle.read()) from None
            handle.truncate(0)
            handle.write(_signature(owner))
            handle.flush()
            try:
                yield
            finally:
                handle.truncate(0)

    @contextmanager
    def _remote_lock(self, owner: str) -> Iterator[None]:
        name, mine = f"{self._root}/lock", uuid.uuid4().hex
        held = json.loads(self._read(name) or b"{}")
        if time.time() - held.get("beat", 0) < STALE_AFTER_S:
            raise _busy(self.url, held["who"])
        done = threading.Event()

        def beat() -> None:
            self._write(name, json.dumps({"id": mine, "who": _signature(owner), "beat": time.time()}).encode())

        def keep_beating() -> None:
            while not done.wait(HEARTBEAT_S):
                beat()

        beat()
        threading.Thread(target=keep_beating, daemon=True).start()
        try:
            yield
        finally:
            done.set()
            self._fs.rm_file(name)


def _signature(owner: str) -> str:
    import socket

    return f"{owner}, process {os.getpid()} on {socket.gethostname()}, since {time.strftime('%Y-%m-%d %H:%M:%S')}"


def _busy(url: str, who: str) -> StoreBusyError:
    return StoreBusyError(
        f"Another run is working on the store '{url}' ({who or 'starting'}). Wait for it to end, or use another store"
        " with --store."
    )


def _write_error(place: str, error: OSError) -> StoreWriteError:
    reason = "the disk is full" if error.errno in DISK_FULL else (error.strerror or str(error))
    return StoreWriteError(
        f"Cannot write to '{place}': {reason}. What was stored before is safe: free some space or mend the permissions"
        " and run the same command again."
    )


def write_atomically(path: Path, data: bytes, *, mode: int = 0o666) -> None:
    """Write a local file so that readers, and a power cut, see all of it or nothing of it.

    Args:
        path: where; folders above it are made.
        data: the content.
        mode: who may read it, less what the process's umask takes away; ``0o600``: the owner only.

    Raises:
        OSError: when it cannot be written; no partial file remains.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        with open(scratch, "wb", opener=lambda name, flags: os.open(name, flags, mode)) as handle:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
        scratch.replace(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise
