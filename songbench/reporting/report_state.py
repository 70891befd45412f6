"""Whether the report in a folder is the one that would be written again.

A report follows from the run's record, which names everything stored by its digest, from the options it was asked for
with, and from the code. That one was written from these is noted in the user's cache folder, in a file whose name is
their digest together with that of the list of the report's files. It holds what a terminal shows of the report, so that
this can be shown again without reading any score.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from songbench.contracts import registry
from songbench.domain.hashing import content_key
from songbench.execution.checksums import SUMS, file_faults
from songbench.execution.damage import SONG_FILES
from songbench.execution.experiment import Experiment
from songbench.execution.record import RECORD
from songbench.execution.store import Store
from songbench.reporting.document.blocks import Block, Leaf
from songbench.reporting.document.storage import document_from_json, document_to_json
from songbench.reporting.figures.files import DEFAULT_FORMATS
from songbench.reporting.published import Published
from songbench.reporting.report_files import LISTENING, OWNED
from songbench.resources.user_cache import cached, keep

_NOTES = "reports"
_CODE = (".py", ".yaml", ".css", ".js")
"""Endings of the files whose change can change a report."""


class StandingReport(NamedTuple):
    """A report that stays as it is.

    Attributes:
        document: what a terminal shows of it.
        failed: how many songs and scores of the run failed.
    """

    document: list[Leaf]
    failed: int


class ReportState:
    """What the report in a folder was made from, or would be made from now.

    Args:
        experiment: the run.
        folder: of the report.
        options: everything that it is asked for with, as texts.
    """

    def __init__(self, experiment: Experiment, folder: Path, options: Collection[str]) -> None:
        self._experiment, self._folder, self._options = experiment, folder, tuple(options)

    def standing(self) -> StandingReport | None:
        """The report, if it is there, whole, and would be written again as it is."""
        try:
            note = cached(_NOTES, self._key())
            if note is None or file_faults(self._folder, OWNED):
                return None
            content = json.loads(note)
            return StandingReport(document_from_json(content["document"]), content["failed"])
        except (OSError, ValueError, LookupError, TypeError):
            return None

    def note(self, document: Iterable[Block], failed: int) -> None:
        """Note that the report has just been written; one of a run without a record is always written again.

        Args:
            document: what a terminal shows of it.
            failed: how many songs and scores of the run failed.
        """
        content = json.dumps({"document": document_to_json(document), "failed": failed}, ensure_ascii=False)
        with suppress(OSError, ValueError):
            keep(_NOTES, self._key(), content.encode())

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
            sorted(path.name for path in folder.glob(f"{LISTENING}/*.json")),
            [
                [path.relative_to(folder).as_posix(), path.stat().st_size]
                for pattern in SONG_FILES
                for path in sorted(folder.glob(pattern))
                if path.is_file()
            ],
            [row for name in sorted(packages) for row in _code_of(name)],
        )


def report_state(
    experiment: Experiment,
    store: Store,
    folder: Path,
    published: Sequence[Published],
    *,
    facet: str | None = None,
    other_facets: bool = True,
    figures: Sequence[str] = DEFAULT_FORMATS,
    audio: str | None = None,
    page: bool = True,
) -> ReportState:
    """The state of a run's report that is asked for with the options of `songbench.reporting.run_report`."""
    mode = audio_mode(experiment, store, folder, audio)
    return ReportState(
        experiment, folder, (facet or "", str(other_facets), repr(tuple(published)), *figures, mode, str(page))
    )


def audio_mode(experiment: Experiment, store: Store, folder: Path, audio: str | None) -> str:
    """How songs come into the page.

    As was asked for, else linked in the run's own folder from a store on this machine, where that takes no room, else
    not at all.
    """
    return audio or ("link" if store.local and folder == experiment.folder else "none")


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
