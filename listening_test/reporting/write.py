"""The report as a folder of files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from listening_test.private import write_private
from listening_test.reporting import export
from listening_test.reporting.content import content
from listening_test.reporting.facts import Report
from listening_test.reporting.figures import figures
from listening_test.reporting.placement import HeardSong
from songbench.reporting.document.blocks import Figure
from songbench.reporting.document.html import to_html
from songbench.reporting.document.latex import to_latex
from songbench.reporting.document.markdown import to_markdown

if TYPE_CHECKING:
    import pandas as pd


def write_report(report: Report, folder: Path, songs: Sequence[HeardSong] = ()) -> list[Path]:
    """Write ``report.{md,html,json}``, ``tables.tex``, the tables with their README, and ``figures/``.

    The tables, which hold every answer, are readable by their owner only. Each file replaces that of an earlier report
    at once. What an earlier report wrote and this one has no data for is left alone.

    Args:
        report: on a test.
        folder: where to.
        songs: those that the report can play, see `placement.heard_songs`.

    Returns:
        The files, in the order written.
    """
    from songbench.resources.files import write_atomically

    pictures, frames = figures(report), export.tables(report)
    blocks = content(report, [Figure(picture.name, picture.alt) for picture in pictures], songs)
    contents: dict[str, bytes] = {
        "report.md": to_markdown(blocks).encode(),
        "report.html": to_html(blocks, {picture.name: picture.svg for picture in pictures}).encode(),
        "report.json": export.to_json(report).encode(),
        "tables.tex": to_latex(blocks).encode(),
        "README.md": export.dictionary(report, list(frames), frames).encode(),
    }
    tables = _tables(frames)
    for picture in pictures:
        contents |= {f"figures/{picture.name}.png": picture.png, f"figures/{picture.name}.svg": picture.svg}
    for name, data in contents.items():
        write_atomically(folder / name, data)
    for name, data in tables.items():
        write_private(folder / name, data)
    return [folder / name for name in (*contents, *tables)]


def _tables(frames: Mapping[str, pd.DataFrame]) -> dict[str, bytes]:
    contents = {f"{name}.csv": export.to_csv(frame).encode() for name, frame in frames.items()}
    if export.parquet_possible():
        contents |= {f"{name}.parquet": frame.to_parquet(index=False) for name, frame in frames.items()}
    return contents
