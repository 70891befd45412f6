"""Whether the report in a folder is the one that would be written again.

A report follows from the run's record, which names everything stored by its digest, from the options it was asked for
with, and from the code. That one was written from these is noted in the user's cache folder, as an empty file whose
name is their digest together with that of the list of the report's files.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from songbench.contracts import registry
from songbench.domain.hashing import content_key
from songbench.execution.checksums import SUMS, file_faults
from songbench.execution.damage import SONG_FILES
from songbench.execution.experiment import Experiment
from songbench.execution.record import RECORD
from songbench.reporting.listening_results import FOLDER
from songbench.reporting.report import OWNED
from songbench.resources.user_cache import cached, keep

_NOTES = "reports"
_CODE = (".py", ".yaml", ".css", ".js")
"""Endings of the files whose change can change a report."""


class ReportState:
    """What the report in a folder was made from, or would be made from now.

    Args:
        experiment: the run.
        folder: of the report.
        options: everything that it is asked for with, as texts.
    """

    def __init__(self, experiment: Experiment, folder: Path, options: Collection[str]) -> None:
        self._experiment, self._folder, self._options = experiment, folder, tuple(options)

    def is_current(self) -> bool:
        """Whether the report is there, whole, and would be written again as it is."""
        try:
            return cached(_NOTES, self._key()) is not None and not file_faults(self._folder, OWNED)
        except (OSError, ValueError):
            return False

    def note(self) -> None:
        """Note that the report has just been written; one of a run without a record is always written again."""
        with suppress(OSError, ValueError):
            keep(_NOTES, self._key(), b"")

    def _key(self) -> str:
        """The digest of everything that decides the report, and of the list of its files.

        Raises:
            OSError: there is no report, or no record.
            ValueError: something has a name that no text can hold.
        """
        experiment, folder = self._experiment, self._folder
        states = [
            *((system.spec, repr(system.availability)) for system in experiment.systems),
            *((metric.id, repr(metric.availability)) for metric in experiment.metrics),
        ]
        plugins = [
            *((registry.SYSTEMS, registry.SystemSpec.parse(system.spec).name) for system in experiment.systems),
            *((registry.METRICS, metric.id) for metric in experiment.metrics),
            *((registry.REPORTS, name) for name in registry.names(registry.REPORTS)),
        ]
        packages = {"songbench", *(registry.module_of(*plugin).partition(".")[0] for plugin in plugins)}
        return content_key(
            "report",
            (folder / SUMS).read_bytes().decode(errors="replace"),
            (experiment.folder / RECORD).read_bytes().decode(errors="replace"),
            list(self._options),
            [list(state) for state in states],
            [repr(remark) for remark in experiment.asset_remarks],
            sorted(path.name for path in folder.glob(f"{FOLDER}/*.json")),
            [
                [path.relative_to(folder).as_posix(), path.stat().st_size]
                for pattern in SONG_FILES
                for path in sorted(folder.glob(pattern))
                if path.is_file()
            ],
            [row for name in sorted(packages) for row in _code_of(name)],
        )


def _code_of(package: str) -> Iterator[list[str | int]]:
    """Path, size and time of change of each file of a package's, or module's, code."""
    spec = find_spec(package)
    folders = [Path(folder) for folder in (spec and spec.submodule_search_locations) or ()]
    for path in [Path(spec.origin)] if spec and spec.origin and not folders else []:
        yield [str(path), path.stat().st_size, path.stat().st_mtime_ns]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.is_dir(follow_symlinks=False) and entry.name != "__pycache__":
                    folders.append(Path(entry.path))
                elif entry.name.endswith(_CODE):
                    state = entry.stat()
                    yield [entry.path, state.st_size, state.st_mtime_ns]
