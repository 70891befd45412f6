"""What was once read in files and need not be read again, as long as their stamps are the same: a local SQLite file.

Such an index is never the truth. It lies in the user's cache folder, apart from what it tells of, which may be on a
network or read-only; it may be deleted at any time, which costs the time to read everything once more. Several
processes may use it at once. One that is damaged, locked for long or cannot be written counts as empty: every entry
carries a checksum, and what cannot be an index is thrown away.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeVar
from zlib import crc32

T = TypeVar("T")

UNUSED_DAYS = 90
"""An index that nobody has used for so long is removed when another one is made."""
_PATIENCE_S = 2.0
_VERSION = 2
_PART = 500  # keys in one question; SQLite takes 32,766
_SCHEMA = f"""
PRAGMA page_size = 16384;
CREATE TABLE IF NOT EXISTS entries (
    kind TEXT, key TEXT, content BLOB, seal INTEGER, PRIMARY KEY (kind, key)
) WITHOUT ROWID;
PRAGMA user_version = {_VERSION};
"""
_PASSING = frozenset(
    (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN)
)
"""Errors that say nothing against the file itself."""


SETTLED_NS = 2_000_000_000
"""The age of a file from which on the file system's clock, the coarsest one being FAT's, shows any further change."""


def stamp_of(status: os.stat_result, now_ns: int) -> int | None:
    """A number that is another one when a local file was written or replaced since.

    Args:
        status: of the file.
        now_ns: from before that was asked for.

    Returns:
        None for a file so young that another change might leave the same traces.
    """
    size, written_ns, changed_ns = status.st_size, status.st_mtime_ns, status.st_ctime_ns
    settled = now_ns - changed_ns > SETTLED_NS and now_ns - written_ns > SETTLED_NS
    return hash((size, written_ns, changed_ns, status.st_ino)) if settled else None


class StampedIndex:
    """Bytes by kind and key, each sealed with the stamp of the file they were read in.

    Args:
        path: of the index; nothing is there before the first entry.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def in_cache(cls, name: str) -> StampedIndex:
        """The index of this name in the user's cache folder."""
        import platformdirs

        return cls(Path(platformdirs.user_cache_dir("songbench")) / "stores" / f"{name}.sqlite")

    def find(self, kind: str, stamps: Mapping[str, int | None]) -> dict[str, bytes]:
        """What is known of files that are as they were.

        Args:
            kind: of files.
            stamps: by key, what the files have now; None for files that are too young to have one.

        Returns:
            The bytes by key; without those that are not known, or of which another state was read.
        """
        try:
            os.utime(self._path)  # that it was used
        except FileNotFoundError:
            return {}
        except OSError:  # it may be readable all the same
            pass
        return self._attempt(lambda database: _entries(database, kind, stamps)) or {}

    def add(self, kind: str, entries: Mapping[str, tuple[int, bytes]]) -> None:
        """Keep what was read; where that cannot be done it is read again next time.

        Args:
            kind: of files.
            entries: by key, the stamp from before the file was read, and the bytes.
        """
        with suppress(OSError):
            if not self._path.exists():
                self._path.parent.mkdir(parents=True, exist_ok=True)
                _make_room(self._path.parent)
            rows = [(kind, key, content, stamp ^ crc32(content)) for key, (stamp, content) in sorted(entries.items())]
            self._attempt(lambda database: _write(database, rows))

    def _attempt(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        """Do something with the database; None where that fails."""
        try:
            with closing(sqlite3.connect(self._path, timeout=_PATIENCE_S, isolation_level=None)) as database:
                database.execute("PRAGMA synchronous = OFF")  # it may be lost
                database.execute("PRAGMA cache_size = -65536")
                return work(database)
        except (sqlite3.Error, TypeError) as error:
            # The errors of Python itself, such as of text that is not UTF-8 or of a row with other types, have no code.
            if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF not in _PASSING:
                with suppress(OSError):
                    self._path.unlink(missing_ok=True)
                    self._path.with_name(f"{self._path.name}-journal").unlink(missing_ok=True)
            return None


def _entries(database: sqlite3.Connection, kind: str, stamps: Mapping[str, int | None]) -> dict[str, bytes]:
    entries: dict[str, bytes] = {}
    if database.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
        return entries
    keys = sorted(stamps)  # in the order of the file
    rows = _rows_between if _is_dense(database, kind, keys) else _rows_of
    for start in range(0, len(keys), _PART):
        for key, content, seal in rows(database, kind, keys[start : start + _PART]):
            stamp = stamps.get(key)
            # The seal holds both the stamp and a checksum: a damaged key meets no file of its stamp.
            if stamp is not None and stamp ^ crc32(content) == seal:
                entries[key] = content
    return entries


_ROWS = "SELECT key, content, seal FROM entries WHERE kind = ? AND key"


def _rows_of(database: sqlite3.Connection, kind: str, keys: Sequence[str]) -> sqlite3.Cursor:
    """The rows of some keys, each looked up."""
    return database.execute(f"{_ROWS} IN ({','.join('?' * len(keys))})", (kind, *keys))


def _rows_between(database: sqlite3.Connection, kind: str, keys: Sequence[str]) -> sqlite3.Cursor:
    """The rows from the first to the last of some sorted keys, whoever asks for them: a third of the time for each."""
    return database.execute(f"{_ROWS} BETWEEN ? AND ?", (kind, keys[0], keys[-1]))


def _is_dense(database: sqlite3.Connection, kind: str, keys: Sequence[str]) -> bool:
    """Whether a good part of the rows between sorted keys are theirs, by the first of them."""
    sample = keys[:_PART]
    if len(sample) < 2:
        return False
    question = "SELECT count(*) FROM (SELECT 1 FROM entries WHERE kind = ? AND key BETWEEN ? AND ? LIMIT ?)"
    most = 2 * len(sample)
    rows = database.execute(question, (kind, sample[0], sample[-1], most)).fetchone()[0]
    return bool(rows < most)


def _write(database: sqlite3.Connection, rows: list[tuple[str, str, bytes, int]]) -> None:
    if database.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
        database.executescript(f"DROP TABLE IF EXISTS entries; {_SCHEMA}")
    database.execute("BEGIN IMMEDIATE")
    database.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?)", rows)
    database.execute("COMMIT")


def _make_room(folder: Path) -> None:
    for path in folder.glob("*.sqlite"):
        if time.time() - path.stat().st_mtime > UNUSED_DAYS * 86_400:
            path.unlink(missing_ok=True)
