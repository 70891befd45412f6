"""The files of a table for a paper: ``tables/NAME.*`` beside a run's report, whose files they leave alone."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from songbench.domain.errors import InputError
from songbench.execution.checksums import add_listed
from songbench.reporting import export, wording
from songbench.reporting.board import Cell, Leaderboard, tidy
from songbench.reporting.document.latex import to_latex
from songbench.reporting.document.markdown import to_markdown
from songbench.reporting.figures.files import FORMATS, check_formats, encoded, file_name
from songbench.reporting.figures.intervals import columns_with_figure, intervals
from songbench.reporting.file_names import safe_names
from songbench.reporting.paper.layout import Group, groups_of, paper_block, side_by_side
from songbench.reporting.paper.specification import PaperTable, check_name
from songbench.reporting.published import Published, published_blocks, published_tables, published_to_json

FOLDER = "tables"
SCHEMA = "songbench.table/1"


def write_paper_table(
    board: Leaderboard,
    table: PaperTable,
    folder: str | Path,
    *,
    name: str | None = None,
    published: Sequence[Published] = (),
    figures: Sequence[str] = (),
) -> list[Path]:
    """Write ``tables/NAME.tex``, ``.md``, ``.csv`` and ``.json``, and ``tables/NAME.COLUMN.ENDING`` for each figure.

    Args:
        board: of `songbench.reporting.paper.layout.paper_board`.
        table: what it shows.
        folder: of the run's report.
        name: of the files; None: `PaperTable.default_name`.
        published: numbers from papers, below the table in LaTeX and Markdown, and in the JSON.
        figures: their formats, of `songbench.reporting.figures.files.FORMATS`; those that the table has already are
            drawn anew in any case.

    Returns:
        The files, in the order written; the same table of the same scores gives the same bytes.

    Raises:
        InputError: another table has the name, or a figure cannot have that format.
        StoreWriteError: the files cannot be written.
    """
    check_formats(figures)
    folder = Path(folder)
    name = table.default_name if name is None else check_name(name)
    figures = [ending for ending in FORMATS if ending in figures or _has_figures(folder / FOLDER, name, ending)]
    _check_free(folder / FOLDER, name, table)
    block = paper_block(board, table)
    contents = {
        f"{name}.tex": to_latex([block, *published_tables(published)]).encode(),
        f"{name}.md": to_markdown([block, *published_blocks(published)]).encode(),
        f"{name}.csv": to_csv(board, table).encode(),
        f"{name}.json": to_json(board, table, published).encode(),
    }
    contents |= _figures(board, name, figures)
    return add_listed(folder, {f"{FOLDER}/{file}": content for file, content in contents.items()})


def to_csv(board: Leaderboard, table: PaperTable) -> str:
    """The table as it is printed, a line per system: for each column the number, its interval and its letters."""
    stream = io.StringIO()
    rows = _lines(board, table)
    writer = csv.DictWriter(stream, list(dict.fromkeys(name for row in rows for name in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def to_json(board: Leaderboard, table: PaperTable, published: Sequence[Published] = ()) -> str:
    """What the table shows, and every number of it unrounded; by this an equal table is known again."""
    value: dict[str, object] = {
        "schema": SCHEMA,
        "table": _plain(table),
        "suite": {"name": board.suite, "version": board.suite_version, "prompts": board.prompts, "takes": board.takes},
        "cells": [cell for group in groups_of(board) for cell in tidy(group.board)],
    }
    if published:
        value["published"] = [published_to_json(numbers) for numbers in published]
    return json.dumps(export.rounded(value), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(table: PaperTable) -> dict[str, object]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(table).items()}


def _check_free(folder: Path, name: str, table: PaperTable) -> None:
    """Refuse a name under which something else is shown; another caption is the same table."""
    if not any((folder / f"{name}.{ending}").exists() for ending in ("tex", "md", "csv", "json")):
        return
    present, earlier = _plain(table), _read(folder / f"{name}.json")
    differing = [key for key in present if key != "caption" and earlier.get(key) != present[key]]
    if differing:
        raise InputError(
            f"'{name}' is a table with other {', '.join(differing)}." if earlier else f"'{name}' is not such a table.",
            file=str(folder / f"{name}.json"),
            field="name",
            cure="Choose another --name, or remove its files.",
        )


def _has_figures(folder: Path, name: str, ending: str) -> bool:
    """Whether an earlier table of the name came with figures of a format."""
    return any(folder.glob(f"{name}.*.{ending}"))


def _read(path: Path) -> Mapping[str, object]:
    """What an earlier table shows; empty where that cannot be read."""
    try:
        table = json.loads(path.read_text(encoding="utf-8"))["table"]
    except (OSError, ValueError, LookupError, TypeError):
        return {}
    return table if isinstance(table, Mapping) else {}


def _figures(board: Leaderboard, name: str, endings: Sequence[str]) -> dict[str, bytes]:
    """The intervals of each column, of each part."""
    groups = groups_of(board) if endings else []
    parts = safe_names({group.heading: group.part or group.heading for group in groups})
    contents: dict[str, bytes] = {}
    for group in groups:
        stem = f"{name}.{parts[group.heading]}" if board.tables else name
        for column in columns_with_figure(group.board):
            figure = intervals(group.board, column)
            contents |= {f"{stem}.{file_name(column.name)}.{ending}": encoded(figure, ending) for ending in endings}
    return contents


def _lines(board: Leaderboard, table: PaperTable) -> list[dict[str, str]]:
    groups = groups_of(board)
    if not side_by_side(board):
        return [
            {"condition": group.part, "system": row.system.name} | _flat(row.system.name, group, "", table)
            for group in groups
            for row in group.board.rows
        ]
    rows = []
    for row in board.rows:
        flat = {"system": row.system.name}
        for group in groups:
            beginning = f"{group.part or group.heading} " if board.tables else ""
            flat |= _flat(row.system.name, group, beginning, table)
        rows.append(flat)
    return rows


def _flat(system: str, group: Group, beginning: str, table: PaperTable) -> dict[str, str]:
    flat = {}
    for column in group.columns:
        cell, name = group.cell(system, column) or Cell(), f"{beginning}{column.name}"
        flat[name] = "" if cell.value is None else wording.number(cell.value, column.field)
        if table.intervals:
            for end, bound in (("low", cell.low), ("high", cell.high)):
                flat[f"{name} {end}"] = "" if bound is None else wording.number(bound, column.field)
        if table.letters:
            flat[f"{name} group"] = cell.group
        flat[f"{name} n"] = str(cell.n)
    return flat
