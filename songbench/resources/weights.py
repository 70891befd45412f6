"""Model weights: what to fetch, from where, how large, under which licence, and whether it is here already.

A weight has one identity (the sha256 of every file) and several sources, tried in order: a folder of the user's
(``SONGBENCH_MIRROR``, for machines without a network), then those its author declared (kinds:
`songbench.resources.sources`): a hub revision, a plain address, an ordinary package that is downloaded but never
imported. A source that has vanished is skipped with a message; bytes that do not match are refused whatever their
source.

Where a size or checksum is not known when the weight is declared, the source's word is taken for it before the download
and checked after it; what arrived is then recorded beside the files (``pins.json``) and from there on counts as pinned.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from songbench.contracts.cards import READY, Availability, unavailable
from songbench.domain.errors import InputError, SongbenchError, StoreWriteError
from songbench.domain.hashing import file_digest
from songbench.resources.sources import (
    PINS,
    FolderSource,
    HubSource,
    ManualSource,
    NpmSource,
    PackageSource,
    SourceError,
    UrlSource,
    WeightFile,
    WeightSource,
    with_pins,
)
from songbench.resources.stamps import changed_file, note_stamps

__all__ = [
    "FolderSource",
    "HubSource",
    "ManualSource",
    "NpmSource",
    "PackageSource",
    "Progress",
    "Say",
    "SourceError",
    "UrlSource",
    "WeightFile",
    "WeightSource",
    "Weights",
    "as_recorded",
    "availability",
    "cache_folder",
    "damaged",
    "folder_of",
    "in_words",
    "path",
    "require_licences",
    "revision_of",
    "setup",
    "trusted_on_first_use",
    "verified",
]

Say = Callable[[str], None]
"""Where progress messages go, one line each."""

Progress = Callable[[int, int], None]
"""Told how many bytes of a weight are here, of how many."""

DOWNLOADS = "downloads"
"""The folder, in that of all weights, where the beginnings of files wait to be gone on with."""

_LOOK_SECONDS = 0.2


@dataclass(frozen=True, kw_only=True)
class Weights:
    """A set of files that a system or metric needs.

    Attributes:
        name: what ``songbench setup NAME`` calls it.
        version: of the weights.
        summary: one sentence.
        licence: of the weights (not of the code that uses them).
        files: what it consists of.
        sources: where to get it, in order.
        restricted: the licence forbids some uses; nothing is fetched without ``--accept-licence``.
        peak_bytes: what a model made of them takes of the memory at its peak, its weights included, where that was
            measured (on a CPU, beyond what Python and its libraries take).
    """

    name: str
    version: str
    summary: str
    licence: str
    files: tuple[WeightFile, ...]
    sources: tuple[WeightSource, ...]
    restricted: bool = False
    peak_bytes: int | None = None

    @property
    def pinned(self) -> bool:
        """Whether size and checksum of every file are known."""
        return all(file.pinned for file in self.files)

    @property
    def ordinary(self) -> bool:
        """Whether it ships inside an ordinary package, so that it can be had wherever packages can."""
        return any(isinstance(source, PackageSource | NpmSource) for source in self.sources)

    @property
    def size(self) -> int:
        """In bytes, all files together; estimated where it is not known."""
        return sum(file.likely_size for file in self.files)

    @property
    def size_text(self) -> str:
        """For people, e.g. ``146 MB`` or ``about 8.2 GB``."""
        return ("about " if any(file.size is None for file in self.files) else "") + in_words(self.size)


def cache_folder() -> Path:
    """Where weights are kept: ``SONGBENCH_WEIGHTS``, else the user's cache folder."""
    import platformdirs

    return Path(os.environ.get("SONGBENCH_WEIGHTS") or Path(platformdirs.user_cache_dir("songbench")) / "weights")


def folder_of(weights: Weights) -> Path:
    """Where these weights lie once they are set up; the name changes with their content as far as that is pinned."""
    identity = "-".join(file.sha256[:6] for file in weights.files[:3] if file.sha256) or "unpinned"
    return cache_folder() / f"{weights.name}-{weights.version}-{identity}"


def as_recorded(weights: Weights) -> Weights:
    """The same weights with the sizes and checksums that were recorded when they were set up, if they were."""
    return weights if weights.pinned else replace(weights, files=with_pins(weights.files, folder_of(weights)))


def path(weights: Weights) -> Path | None:
    """The folder with the verified files, or None when they are not here.

    The sha256 was checked when they were set up; here only presence and size are, as listings ask this of everything
    (`verified` asks more, of what is loaded; ``songbench doctor`` hashes everything again).
    """
    folder, recorded = folder_of(weights), as_recorded(weights)
    present = recorded.pinned and all(
        (folder / f.name).is_file() and (folder / f.name).stat().st_size == f.size for f in recorded.files
    )
    return folder if present else None


def verified(weights: Weights) -> Path | None:
    """The folder with the files, for whoever loads them; None when they are not here.

    What was written into a file since it was last hashed is noticed (`songbench.resources.stamps`).

    Raises:
        SongbenchError: when a file is not what was set up, with the cure.
    """
    folder = path(weights)
    changed = changed_file(folder, as_recorded(weights).files) if folder else None
    if folder and changed:
        accept = " --accept-licence" if weights.restricted else ""
        raise SongbenchError(
            f"The file {changed.name} of the weights '{weights.name}' is not what was set up: its sha256 is"
            f" {file_digest(folder / changed.name)[:16]}…, expected {str(changed.sha256)[:16]}…. Remove {folder} and"
            f" run: songbench setup {weights.name}{accept}"
        )
    return folder


def trusted_on_first_use(weights: Weights) -> list[str]:
    """The files of which neither a sha256 nor a fixed state of their source is known before they are first fetched.

    Whatever a source gives first is taken for them, recorded, and checked from then on.
    """
    if all(source.fixed for source in weights.sources):
        return []
    return [file.name for file in weights.files if file.sha256 is None]


def availability(weights: Weights) -> Availability:
    """Ready when the files are here; else what is missing, how large it is and the command that gets it."""
    if path(weights):
        return READY
    accept = " --accept-licence" if weights.restricted else ""
    return unavailable(
        f"weights '{weights.name}' ({weights.size_text}, {weights.licence}) are not here",
        f"songbench setup {weights.name}{accept}",
    )


def revision_of(weights: Weights) -> str:
    """Which state of their source they are: the commit recorded when they were set up, else the declared one.

    Returns:
        A commit, a branch that setup will fix to a commit, or the version where no source is a hub.
    """
    try:
        recorded = json.loads((folder_of(weights) / PINS).read_text(encoding="utf-8"))["commit"]
    except (OSError, ValueError, KeyError, TypeError):
        recorded = None
    hubs = [source.revision for source in weights.sources if isinstance(source, HubSource)]
    return str(recorded or next(iter(hubs), weights.version))


def damaged(weights: Weights) -> list[str]:
    """Names of files that are here but whose content is not what it should be."""
    folder = path(weights)
    return [f.name for f in as_recorded(weights).files if folder and file_digest(folder / f.name) != f.sha256]


def require_licences(several: Iterable[Weights], *, accepted: bool, names: str) -> None:
    """Stop unless the restricted licences among those of missing weights are accepted.

    Args:
        several: the weights; those that are here already are not asked about again.
        accepted: the user has accepted.
        names: what the user has to give ``songbench setup`` again.

    Raises:
        InputError: when a licence has to be accepted first.
    """
    closed = [] if accepted else [one for one in several if one.restricted and not path(one)]
    if closed:
        raise InputError(
            " ".join(f"The weights '{one.name}' are under a restricted licence: {one.licence}." for one in closed),
            cure=f"If your use is allowed: songbench setup {names} --accept-licence",
        )


def setup(
    weights: Weights,
    *,
    accept_licence: bool = False,
    mirror: Path | None = None,
    say: Say = print,
    progress: Progress | None = None,
) -> Path:
    """Fetch and verify weights unless they are here.

    Args:
        weights: what to fetch.
        accept_licence: the user has accepted a restricted licence.
        mirror: a folder to look in before any other source; default: ``SONGBENCH_MIRROR``.
        say: called with one line per step.
        progress: told several times a second how far the download is.

    Returns:
        The folder with the files.

    Raises:
        InputError: when the licence has to be accepted first.
        StoreWriteError: when there is no room for them.
        SongbenchError: when no source could give the right bytes; the message has one line per source.
    """
    # 1. nothing to do, or not allowed
    if folder := path(weights):
        return folder
    require_licences([weights], accepted=accept_licence, names=weights.name)
    # 2. where to look, in order
    mirror = mirror or (Path(configured) if (configured := os.environ.get("SONGBENCH_MIRROR")) else None)
    sources = [*([FolderSource(mirror, weights.name)] if mirror else []), *weights.sources]
    if first := trusted_on_first_use(weights):
        say(
            f"{weights.name}: trusted on first use: {', '.join(first)}. Neither their sha256 nor a fixed state of their"
            " source is known to songbench: what arrives is recorded, and checked from then on"
        )
    # 3. the first source that gives the right bytes
    target, problems = weights, []
    with _scratch(weights) as (scratch, downloads):
        for source in sources:
            say(f"{weights.name}: {weights.size_text} from {source.describe()} (licence: {weights.licence})")
            try:
                exact, files = source.look_up(target.files)
                offer = replace(target, files=files)
                for file in files:
                    checksum = f"sha256 {file.sha256}" if file.sha256 else "checksum recorded at download"
                    say(f"  {file.name}: {replace(offer, files=(file,)).size_text}, {checksum}")
                target = replace(target, files=_held_to(target.files, files))
                resumable = exact.resumable_bytes(files, downloads)
                _require_space(offer, resumable)
                with _watched((scratch, downloads), resumable, offer.size, progress):
                    exact.fetch(files, scratch, downloads)
                return _install(weights, offer, exact, scratch, say)
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


def _held_to(target: tuple[WeightFile, ...], offered: tuple[WeightFile, ...]) -> tuple[WeightFile, ...]:
    """What later sources are held to: whoever names a checksum first, so that a mirror cannot give other bytes."""
    offers = {file.name: file for file in offered}
    return tuple(
        offers[file.name] if not (file.folder or file.sha256) and offers[file.name].sha256 else file for file in target
    )


def _install(weights: Weights, offer: Weights, source: WeightSource, scratch: Path, say: Say) -> Path:
    """Check what arrived against what the source offered, record what songbench had not pinned, put it in place."""
    arrived = []
    for file in offer.files:
        place = scratch / file.name
        arrived.append(file.with_facts(sha256=file_digest(place), size=place.stat().st_size))
    if not weights.pinned:
        declared = {file.name: file for file in weights.files}
        for offered, received in zip(offer.files, arrived, strict=True):
            if received.name not in declared or not declared[received.name].sha256:
                agrees = ", as its source says" if offered.sha256 else ""
                say(f"  {received.name}: not pinned by songbench; checksum recorded: sha256 {received.sha256}{agrees}")
        pins = {
            "source": source.describe(),
            "commit": source.revision if isinstance(source, HubSource) else None,
            "files": {file.name: {"sha256": file.sha256, "size": file.size} for file in arrived},
        }
        if pins["commit"]:
            say(f"  revision recorded: {pins['commit']}")
        (scratch / PINS).write_text(json.dumps(pins, indent=1) + "\n", encoding="utf-8")
    folder = folder_of(weights)
    if folder.exists():  # an incomplete folder from a disk that was full, or one damaged since
        shutil.rmtree(folder)
    scratch.rename(folder)
    note_stamps(folder, arrived)
    return folder


def _require_space(offer: Weights, resumable: int) -> None:
    free = shutil.disk_usage(cache_folder()).free
    if offer.size - resumable > free:
        more = f", {in_words(offer.size - resumable)} of it still to come" if resumable else ""
        raise StoreWriteError(
            f"There is no room for the weights '{offer.name}': they need {offer.size_text}{more}, and {cache_folder()}"
            f" has {in_words(free)} free. Free space or set SONGBENCH_WEIGHTS."
        )


def in_words(size: int) -> str:
    """A number of bytes for people."""
    if size >= 1e9:
        return f"{size / 1e9:.1f} GB"
    if size >= 1e6:
        return f"{size / 1e6:.0f} MB"
    return f"{size / 1e3:.0f} kB" if size >= 1e3 else f"{size} bytes"


@contextmanager
def _watched(folders: tuple[Path, ...], resumable: int, size: int, progress: Progress | None) -> Iterator[None]:
    """Tell how far a download is, by what appears on the disk: the same for every source, whoever writes it.

    Args:
        folders: where files appear.
        resumable: bytes that were here before.
        size: of the whole.
        progress: who is told; None: nobody, and nothing is looked at.
    """
    if progress is None:
        yield
        return
    before, over = _bytes_in(folders), threading.Event()

    def look() -> None:
        while not over.wait(_LOOK_SECONDS):
            progress(min(size, resumable + max(0, _bytes_in(folders) - before)), size)

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield
        progress(size, size)
    finally:
        over.set()
        watcher.join()


def _bytes_in(folders: tuple[Path, ...]) -> int:
    total = 0
    for folder in folders:
        for path in folder.rglob("*"):
            with suppress(OSError):  # moved or removed since it was listed
                total += path.stat().st_size if path.is_file() else 0
    return total


@contextmanager
def _scratch(weights: Weights) -> Iterator[tuple[Path, Path]]:
    downloads = cache_folder() / DOWNLOADS
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
