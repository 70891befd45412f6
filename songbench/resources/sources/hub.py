"""Revisions of repositories of the Hugging Face hub."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from songbench.domain.errors import DISK_FULL
from songbench.resources.sources.files import COMMIT, SourceError, WeightFile, WeightSource, move_file, with_folders

_SHA256 = re.compile(r"[0-9a-f]{64}")


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
        return bool(COMMIT.fullmatch(self.revision))

    def describe(self) -> str:
        """One line for people."""
        return f"model hub {self.repo} at {self.revision[:10]}" + (f", {self.note}" if self.note else "")

    def look_up(self, files: tuple[WeightFile, ...]) -> tuple[HubSource, tuple[WeightFile, ...]]:
        """Fix the revision to a commit and take size and sha256 from the hub, unless every file is pinned."""
        if all(file.pinned for file in files):
            return self, files
        from huggingface_hub import get_hf_file_metadata, hf_hub_url

        _reach_hub()
        revision, answers, listed = self.revision, list[WeightFile](), set[str]()
        if any(file.folder for file in files):
            singles = {file.name for file in files}
            files, revision = self._spread(files)
            listed = {file.name for file in files} - singles
        for file in files:
            if file.name in listed:  # the list has said it all
                answers.append(file)
                continue
            with _hub_errors():
                metadata = get_hf_file_metadata(hf_hub_url(self.repo, self._path(file), revision=revision))
            revision = metadata.commit_hash or revision
            # Of small files the hub gives the id of the git blob instead, which is another hash of other bytes.
            checksum = metadata.etag if metadata.etag and _SHA256.fullmatch(metadata.etag) else None
            answers.append(file.with_facts(sha256=checksum, size=metadata.size))
        return replace(self, revision=revision), tuple(answers)

    def _spread(self, files: tuple[WeightFile, ...]) -> tuple[tuple[WeightFile, ...], str]:
        """The files below the folders among them, with what the hub says of each, and the commit it speaks of."""
        from huggingface_hub import HfApi

        with _hub_errors():
            facts = HfApi().repo_info(self.repo, revision=self.revision, files_metadata=True)
        present = [
            WeightFile(entry.rfilename, entry.lfs.sha256 if entry.lfs else None, entry.size)
            for entry in facts.siblings or ()
        ]
        return with_folders(files, present), facts.sha or self.revision

    def resumable_bytes(self, files: tuple[WeightFile, ...], downloads: Path) -> int:
        """Whole files, and beginnings, which the client names after their checksum."""
        place = self.downloads_folder(downloads)
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
            move_file(path, folder / file.name)

    def _download(self, file: WeightFile, downloads: Path) -> Path:
        """Download one file, trying again as long as each try brings something."""
        from huggingface_hub import hf_hub_download

        place = self.downloads_folder(downloads)
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

    def downloads_folder(self, downloads: Path) -> Path:
        """Where the beginnings of its files lie, in the folder of all downloads."""
        return downloads / "hub" / self.repo.replace("/", "--")


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
def _plain_http() -> Iterator[None]:
    """Keep the hub client from its other transport, Xet, which starts a file again from nothing when interrupted."""
    from huggingface_hub import constants

    before = constants.HF_HUB_DISABLE_XET
    constants.HF_HUB_DISABLE_XET = True
    try:
        yield
    finally:
        constants.HF_HUB_DISABLE_XET = before
