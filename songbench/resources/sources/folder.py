"""Files that lie in a folder already, such as a mirror on a machine without a network."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from songbench.resources.sources.files import PINS, SourceError, WeightFile, WeightSource, with_folders, with_pins


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
        if any(file.folder for file in pinned):
            pinned = with_folders(pinned, self._present())
        return self, tuple(file.with_facts(size=self._find(file).stat().st_size) for file in pinned)

    def fetch(self, files: tuple[WeightFile, ...], folder: Path, downloads: Path) -> None:
        """Copy the files."""
        for file in files:
            (folder / file.name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self._find(file), folder / file.name)

    def _present(self) -> list[WeightFile]:
        """All files of the subfolder, or of the folder where there is none."""
        place = self.folder / self.name if (self.folder / self.name).is_dir() else self.folder
        paths = [path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()]
        return [WeightFile(path) for path in paths if path != PINS]

    def _find(self, file: WeightFile) -> Path:
        places = [self.folder / self.name / file.name, self.folder / file.name]
        for place in places:
            if place.is_file():
                return place
        raise SourceError(f"{file.name} is neither in {places[0].parent} nor in {places[1].parent}")
