"""What ``songbench export --to`` names: a format of files, or a sink."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

from songbench.contracts import registry
from songbench.domain.errors import InputError
from songbench.exporting.dataset import export_dataset
from songbench.exporting.material import RunExport
from songbench.exporting.sinks import SinkTarget, open_sink
from songbench.exporting.tables import export_tables, require_parquet

_Writer: TypeAlias = Callable[..., Sequence[Path]]


FORMATS: Mapping[str, tuple[_Writer, Callable[[], None]]] = {
    "csv": (partial(export_tables, ending="csv"), lambda: None),
    "hf": (export_dataset, require_parquet),
    "parquet": (partial(export_tables, ending="parquet"), require_parquet),
}
"""By name what writes the files, and what refuses the format where something is missing."""


@dataclass(frozen=True)
class FileTarget:
    """A format in which files are written to a folder.

    Attributes:
        format: of `FORMATS`.
        folder: where.
    """

    format: str
    folder: Path

    def write(self, export: RunExport, *, audio: int, force: bool) -> list[str]:
        """Write the files; returns a line for each.

        Args:
            export: what to export.
            audio: means nothing here: formats have all songs or none.
            force: overwrite what no export wrote.
        """
        paths = FORMATS[self.format][0](export, self.folder, force=force)
        return [str(path) for path in paths]


def check_target(name: str, *, out: Path | None, settings: Sequence[str] = ()) -> FileTarget | SinkTarget:
    """What ``--to`` means, checked before a run is read.

    Args:
        name: what was written.
        out: the folder of ``--out``.
        settings: of ``--set``.

    Raises:
        InputError: the name is unknown, a folder is missing or a setting superfluous.
        UnavailableError: a package is not installed, with the command that installs it.
    """
    sinks = registry.names(registry.SINKS)
    if name not in (*FORMATS, *sinks):
        allowed = sorted({*FORMATS, *sinks})
        raise InputError(f"Runs cannot be exported to '{name}'.", field="to", value=name, allowed=allowed)
    if name not in FORMATS:
        return open_sink(name, out=out, settings=settings)
    if out is None:
        raise InputError(f"Name the folder of the files: --to {name} --out FOLDER.", field="out")
    if settings:
        raise InputError(f"--to {name} has no settings.", field="set")
    FORMATS[name][1]()
    return FileTarget(name, out)
