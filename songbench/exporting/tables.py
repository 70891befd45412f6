"""Scores, songs and transcripts of a run as tables: CSV, and Parquet, which keeps the types of columns."""

from __future__ import annotations

import importlib.util
import io
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from songbench.domain.errors import UnavailableError
from songbench.exporting.files import save_all
from songbench.exporting.material import RunExport

if TYPE_CHECKING:
    import pandas as pd

TableFormat: TypeAlias = Literal["csv", "parquet"]
SCHEMA = "songbench.exported-tables/1"


def export_tables(export: RunExport, folder: Path, ending: TableFormat, *, force: bool = False) -> list[Path]:
    """Write ``scores``, ``songs`` and ``transcripts``, a file each.

    Args:
        export: what to export.
        folder: made when absent.
        ending: of the files.
        force: overwrite what is no earlier export.

    Raises:
        UnavailableError: what writes Parquet is not installed.
        InputError: a file is there that is no earlier export's, or was changed since.
        StoreWriteError: a file cannot be written.
    """
    require_parquet(ending)
    frames = {"scores": export.scores, "songs": export.song_table, "transcripts": export.transcripts}
    contents = {f"{name}.{ending}": _content(frame, ending) for name, frame in frames.items()}
    return save_all(folder, contents, SCHEMA, force=force)


def require_parquet(ending: str = "parquet") -> None:
    """Refuse what needs pyarrow where it is not installed.

    Raises:
        UnavailableError: with the command that installs it.
    """
    if ending == "parquet" and importlib.util.find_spec("pyarrow") is None:
        raise UnavailableError("Parquet needs the package pyarrow. To get it: pip install pyarrow")


def _content(frame: pd.DataFrame, ending: TableFormat) -> bytes:
    if ending == "csv":
        return frame.to_csv(index=False, lineterminator="\n").encode()
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False, engine="pyarrow")
    return buffer.getvalue()
