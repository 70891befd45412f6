"""The files that a report writes, listed with their sha256 in ``SHA256SUMS``, as ``sha256sum --check`` reads it.

The list tells which files of a folder are a report's own: what an earlier report wrote and the present one does not is
removed, and nothing else is. It lists what the report was made from inside the folder, too, such as the results of
listening tests.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from songbench.domain.errors import StoreWriteError
from songbench.domain.hashing import bytes_digest
from songbench.resources.files import write_atomically

SUMS = "SHA256SUMS"
UNLISTED = "is gone, or the report was not written to its end: the list comes last"
_LINE = re.compile(r"(?P<digest>[0-9a-f]{64})  (?P<name>[^\0\n]+)")


class DamagedSumsError(ValueError):
    """The list itself is cut or altered."""


def write_listed(
    folder: Path, contents: Iterable[tuple[str, bytes]], *, owned: Iterable[str], inputs: Iterable[Path] = ()
) -> list[Path]:
    """Write the files of a report, remove those of the report before it, and list what is there now.

    Args:
        folder: created when absent.
        contents: path below the folder and content of each file; each is written before the next is asked for, unless
            it is there already.
        owned: patterns of the files that only a report writes there; nothing else is ever removed.
        inputs: files below the folder that the report was made from.

    Returns:
        The files, in order.

    Raises:
        StoreWriteError: when one cannot be written; each file is then whole, old or new.
    """
    try:
        before = read_sums(folder)
    except (DamagedSumsError, OSError):
        before = {}
    digests: dict[str, str] = {}
    for name, content in contents:
        digests[name] = bytes_digest(content)
        if before.get(name) == digests[name] and _holds(folder / name, content):
            continue  # most files of a large report, its pictures of songs above all, are as they were
        with _writing(f"The report cannot be written to '{folder}'"):
            write_atomically(folder / name, content)
    paths = [folder / name for name in digests]
    with _writing(f"The report cannot be written to '{folder}'"):
        digests |= {path.relative_to(folder).as_posix(): bytes_digest(path.read_bytes()) for path in inputs}
        for name in _below(folder, owned) - digests.keys():
            if name in before and is_content(folder / name, before[name]):
                (folder / name).unlink()
        write_atomically(folder / SUMS, _lines(digests))
    return paths


def _holds(path: Path, content: bytes) -> bool:
    try:
        with open(path, "rb", buffering=0) as handle:
            return handle.read() == content
    except OSError:
        return False


def add_listed(folder: Path, contents: Mapping[str, bytes]) -> list[Path]:
    """Write more files into the folder of a report and add them to its list; everything else stays as it is.

    Args:
        folder: created when absent.
        contents: of the files, by their path below the folder.

    Returns:
        The files written, in order.

    Raises:
        StoreWriteError: when one cannot be written; each file is then whole, old or new.
    """
    try:
        digests = read_sums(folder)
    except (DamagedSumsError, OSError):
        digests = {}
    with _writing(f"The files cannot be written to '{folder}'"):
        for name, content in contents.items():
            write_atomically(folder / name, content)
            digests[name] = bytes_digest(content)
        write_atomically(folder / SUMS, _lines(digests))
    return [folder / name for name in contents]


@contextmanager
def _writing(problem: str) -> Iterator[None]:
    """Says in the user's words that files cannot be written."""
    try:
        yield
    except OSError as error:
        raise StoreWriteError(f"{problem}: {error.strerror}.") from error


def _lines(digests: Mapping[str, str]) -> bytes:
    return "".join(f"{digests[name]}  {name}\n" for name in sorted(digests)).encode()


def read_sums(folder: Path) -> dict[str, str]:
    """The digests of a folder's listed files, by their path below it.

    Raises:
        FileNotFoundError: there is no list.
        DamagedSumsError: it is cut or altered.
    """
    try:
        rows = (folder / SUMS).read_bytes().decode().split("\n")
    except UnicodeDecodeError as error:
        raise DamagedSumsError("it is not text") from error
    digests: dict[str, str] = {}
    for row in rows[:-1]:
        match = _LINE.fullmatch(row)
        if not match or ".." in Path(match["name"]).parts or Path(match["name"]).is_absolute():
            raise DamagedSumsError(f"{row[:80]!r} is not a line of it")
        digests[match["name"]] = match["digest"]
    if rows[-1] or not digests:
        raise DamagedSumsError("it is cut" if rows[-1] else "it is empty")
    return digests


@dataclass(frozen=True)
class FileFault:
    """What is wrong with a file of a report.

    Attributes:
        name: its path below the folder.
        problem: to follow the name: ``is gone``.
    """

    name: str
    problem: str


def file_faults(folder: Path, owned: Iterable[str]) -> list[FileFault]:
    """What was changed among the files of a report since it was written.

    Args:
        folder: where it lies.
        owned: patterns of the files that only a report writes there; one that is not listed is a fault, too.
    """
    files = _below(folder, owned)
    try:
        listed = read_sums(folder)
    except FileNotFoundError:
        return [FileFault(SUMS, UNLISTED)] if files else []
    except DamagedSumsError as damage:
        return [FileFault(SUMS, f"was altered ({damage})")]
    faults = [
        FileFault(name, "is gone" if not (folder / name).is_file() else f"is not what {SUMS} says")
        for name, digest in listed.items()
        if not is_content(folder / name, digest)
    ]
    return faults + [FileFault(name, "is in no list of what was written") for name in sorted(files - listed.keys())]


def is_content(path: Path, digest: str) -> bool:
    """Whether a file is there with that content."""
    return path.is_file() and bytes_digest(path.read_bytes()) == digest


def _below(folder: Path, patterns: Iterable[str]) -> set[str]:
    return {path.relative_to(folder).as_posix() for pattern in patterns for path in folder.glob(pattern)}
