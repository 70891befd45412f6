"""Files that no program can fetch: they lie behind a page for people."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from songbench.resources.sources.files import SourceError, WeightFile, WeightSource


@dataclass(frozen=True)
class ManualSource(WeightSource):
    """A page from which people take files by hand, into a folder that ``songbench setup NAME --mirror`` then reads.

    Attributes:
        address: of the page.
        how: what to do there, as it ends a sentence, e.g. "download the folder, or run gdown --folder 1Q9B".
    """

    address: str
    how: str

    def describe(self) -> str:
        """One line for people."""
        return f"{self.address}, by hand"

    def look_up(self, files: tuple[WeightFile, ...]) -> tuple[ManualSource, tuple[WeightFile, ...]]:
        """Say what to do.

        Raises:
            SourceError: always.
        """
        raise SourceError(f"no program can fetch it: {self.how}")

    def fetch(self, files: tuple[WeightFile, ...], folder: Path, downloads: Path) -> None:
        """Say what to do.

        Raises:
            SourceError: always.
        """
        self.look_up(files)
