"""Plain files below an address, downloaded so that an interruption loses nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from songbench.domain.errors import DISK_FULL
from songbench.domain.hashing import content_key
from songbench.resources.sources.files import COMMIT, SourceError, WeightFile, WeightSource, move_file


@dataclass(frozen=True)
class UrlSource(WeightSource):
    """Plain files below one address; interrupted downloads go on where they stopped.

    Attributes:
        base: the address of the folder, without a slash at the end.
        note: what people should know about it, e.g. that it is a mirror.
    """

    base: str
    note: str = ""

    @property
    def fixed(self) -> bool:
        """Whether the address holds a commit."""
        return any(COMMIT.fullmatch(part) for part in self.base.split("/"))

    def describe(self) -> str:
        """One line for people."""
        return self.base + (f", {self.note}" if self.note else "")

    def look_up(self, files: tuple[WeightFile, ...]) -> tuple[UrlSource, tuple[WeightFile, ...]]:
        """Take unknown sizes from the server; it knows no checksums."""
        answers = []
        for file in files:
            with _server_errors(file):
                answers.append(file if file.size is not None else file.with_facts(size=self._ask(file)[0]))
        return self, tuple(answers)

    def resumable_bytes(self, files: tuple[WeightFile, ...], downloads: Path) -> int:
        """The beginnings of files whose checksum is known; those of others cannot be told apart without asking."""
        partials = [_partial(file.sha256, downloads) for file in files if file.sha256]
        return sum(partial.stat().st_size for partial in partials if partial.is_file())

    def fetch(self, files: tuple[WeightFile, ...], folder: Path, downloads: Path) -> None:
        """Download all files, asking only for the bytes that are still missing, then move them."""
        partials = []
        for file in files:
            with _server_errors(file):
                partials.append(self._download(file, downloads))
        for file, partial in zip(files, partials, strict=True):
            move_file(partial, folder / file.name)

    def _download(self, file: WeightFile, downloads: Path) -> Path:
        address = self._address(file)
        if file.sha256:
            partial = _partial(file.sha256, downloads)
            _download(address, partial, self._ask(file)[0] if file.size is None else file.size)
            return partial
        size, version = self._ask(file)
        file.with_facts(size=size)
        # Without a checksum nothing would notice that the rest of a file belongs to other bytes than its beginning. So
        # the beginning is kept under the version that the server gives the content, and not at all where it gives none.
        partial = _partial(content_key(address, size, version), downloads)
        if not version:
            partial.unlink(missing_ok=True)
        _download(address, partial, size, version)
        return partial

    def _ask(self, file: WeightFile) -> tuple[int, str]:
        """Size and version of a file; by GET, as addresses that were signed for it often refuse HEAD."""
        from urllib.request import urlopen

        with urlopen(self._address(file), timeout=60) as answer:
            length = answer.headers["Content-Length"]
            if length is None:
                raise OSError("the server does not say how large it is")
            return int(length), _version(answer)

    def _address(self, file: WeightFile) -> str:
        return f"{self.base}/{file.name}"


@contextmanager
def _server_errors(file: WeightFile) -> Iterator[None]:
    try:
        yield
    except OSError as error:  # urllib's errors are of this kind, too
        if error.errno in DISK_FULL:
            raise
        raise SourceError(f"{file.name}: {error}") from error


def _partial(key: str, downloads: Path) -> Path:
    return downloads / f"{key[:16]}.part"


def _download(address: str, partial: Path, size: int, version: str | None = None) -> None:
    """Download to `partial`, resuming as long as each try brings something, and the same version when one is given."""
    from urllib.request import Request, urlopen

    while True:
        have = partial.stat().st_size if partial.exists() else 0
        if have == size:
            return
        if have > size:  # of some other file
            partial.unlink()
            continue
        request = Request(address, headers={"Range": f"bytes={have}-"} if have else {})
        with urlopen(request, timeout=60) as answer:
            if version is not None and _version(answer) != version:
                raise OSError("it changed on the server while it was downloaded; try again")
            resumed = have and answer.status == 206
            with open(partial, "ab" if resumed else "wb") as target:
                shutil.copyfileobj(answer, target, 1 << 20)
        if partial.stat().st_size <= have:
            raise OSError(f"the server stopped after {have} of {size} bytes")


def _version(answer: Any) -> str:
    """What a server calls the state of a file, so that a change can be noticed; "" when it does not."""
    return str(answer.headers["ETag"] or answer.headers["Last-Modified"] or "")
