"""The files of a store, as bytes at places below its root: a local folder, or whatever fsspec opens."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from songbench.domain.errors import InputError
from songbench.execution.file_facts import FileFacts, local_facts, remote_facts
from songbench.execution.local_files import files_below, link
from songbench.execution.store_drivers import can_create, is_folder, open_driver, plain_folder, was_there
from songbench.execution.store_errors import read_error, write_error
from songbench.resources.close_to_open import open_folder, read_file, stat_file
from songbench.resources.files import create_file, is_scratch, sweep, write_atomically
from songbench.resources.stamped_index import stamp_of


class StoreFiles:
    """Bytes below one fsspec URL (a folder, ``s3://…``, ``memory://…``); what they mean is asked elsewhere.

    Args:
        url: where; a local folder is created when first written to.

    Attributes:
        local: whether it is a folder of this machine's file system.

    Raises:
        InputError: when the URL's protocol is not known or its driver is not installed.
    """

    def __init__(self, url: str | os.PathLike[str]) -> None:
        self.url = url = os.fspath(url)
        self._fs: Any = None  # the driver; a folder needs none
        folder = plain_folder(url)
        if folder is None:
            self._fs, self._root = open_driver(url)
            self.local = is_folder(self._fs)
        else:
            self._root, self.local = folder, True
        if self.local and Path(self._root).exists() and not Path(self._root).is_dir():
            raise InputError(f"The store '{url}' is a file, not a folder.", field="store")

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
                    local_facts(stat_file(f"{root}/{place}"), now_ns)
                    if local
                    else remote_facts(self._fs.info(f"{root}/{place}"))
                )
            except FileNotFoundError:
                continue
            except Exception as error:  # each driver has kinds of its own
                raise read_error(self.url, place, error) from error
        return facts

    def stamps_of(self, places: Iterable[str]) -> Iterator[tuple[str, int | None]]:
        """Places and stamps of files; without those that are not there. Neighbours together are soonest found."""
        if not self.local:
            yield from ((place, facts.stamp) for place, facts in self.facts_of(places).items())
            return
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
                return dict(files_below(Path(self._root), Path(top)))
            self._fs.invalidate_cache()
            entries = self._entries(top)
        return {self._place_of(name): remote_facts(entry) for name, entry in entries.items()}

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
        return self.local or can_create(self._fs)

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
                if like is None or not link(f"{self._root}/{like}", name):
                    create_file(Path(name), data)
            else:
                self._fs.pipe_file(name, data, mode="create")
        except FileExistsError:
            return False
        except Exception as error:  # each driver has kinds of its own
            if was_there(error):
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
