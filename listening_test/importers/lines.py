"""CSV files as lines that know their number, so that every complaint names one."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from songbench.domain.errors import InputError
from songbench.domain.reading import read_text, text_lines


class Line(NamedTuple):
    """One record.

    Attributes:
        number: of its first line in the file, 1-based.
        cells: by column, without spaces around them.
    """

    number: int
    cells: Mapping[str, str]


class CsvTable(NamedTuple):
    """A file.

    Attributes:
        path: where.
        columns: as in its first line.
        lines: the others.
    """

    path: Path
    columns: tuple[str, ...]
    lines: tuple[Line, ...]


def read_lines(path: Path) -> CsvTable:
    """Read a table with column names in the first line: comma-separated, or semicolons or tabs as Excel saves it.

    Quotation marks inside a value are doubled (RFC 4180) or stand behind a backslash, as PHP writes them.

    Raises:
        InputError: when it cannot be read, is empty, is no such table, or has the same column twice or a line of
            another length.
    """
    text = read_text(path, "table")
    if text.lstrip()[:1] in ("{", "["):
        raise InputError("This is JSON, not a table of values separated by commas.", file=str(path), line=1)
    records = _records(text, _delimiter(path, text), path)
    columns = tuple(name.strip() for name in records[0].cells) if records else ()
    if not any(columns):
        raise InputError("The file is empty.", file=str(path), line=1)
    _check_columns(path, columns)
    lines = [
        Line(record.number, {name: cell.strip() for name, cell in zip(columns, record.cells, strict=True)})
        for record in records[1:]
    ]
    if not lines:
        raise InputError("There is a heading and nothing below it.", file=str(path), line=1)
    return CsvTable(path, columns, tuple(lines))


class _Record(NamedTuple):
    number: int
    cells: list[str]


def _delimiter(path: Path, text: str) -> str:
    """The sign that parts the names in the first line."""
    heading = text_lines(text)[0]
    counts = {sign: heading.count(sign) for sign in ",;\t"}
    best = max(counts, key=lambda sign: counts[sign])
    if not counts[best] and "|" in heading:
        raise InputError(
            "The values are separated by bars, not by commas.",
            file=str(path),
            line=1,
            cure="Save it again as CSV with commas.",
        )
    return best


def _records(text: str, delimiter: str, path: Path) -> list[_Record]:
    """The records, the heading first, blank ones left out.

    PHP puts a backslash before a quotation mark that has one already, where everybody else doubles the mark. A file is
    read in PHP's way only when it cannot be read in the common one: there a backslash may also end a value.
    """
    try:
        return _parsed(text, delimiter, path)
    except InputError:
        if '\\"' not in text:
            raise
        return _parsed(text.replace('\\"', '""'), delimiter, path)


def _parsed(text: str, delimiter: str, path: Path) -> list[_Record]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    records: list[_Record] = []
    last_line = 0
    try:
        for cells in reader:
            first, last_line = last_line + 1, reader.line_num
            if not any(cell.strip() for cell in cells):
                continue
            if records and len(cells) != len(records[0].cells):
                raise InputError(
                    f"This line has {len(cells)} values, the first line names {len(records[0].cells)} columns.",
                    file=str(path),
                    line=first,
                    cure="Look for a separator or quotation mark that is out of place.",
                )
            records.append(_Record(first, cells))
    except csv.Error as error:
        raise InputError(
            f"This line is not read as a table ({error}).",
            file=str(path),
            line=last_line + 1,
            cure="Look for a quotation mark that is out of place.",
        ) from None
    return records


def _check_columns(path: Path, columns: tuple[str, ...]) -> None:
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise InputError(f"The column '{twice[0]}' is there twice.", file=str(path), line=1)


def without_copies(sheet: CsvTable) -> tuple[CsvTable, int]:
    """The sheet with each line once, and how many lines were copies: what was sent twice counts once."""
    first: dict[tuple[str, ...], Line] = {}
    for line in sheet.lines:
        first.setdefault(tuple(line.cells.values()), line)
    return sheet._replace(lines=tuple(first.values())), len(sheet.lines) - len(first)


def number(sheet: CsvTable, line: Line, column: str) -> float:
    """A cell as a finite number.

    Raises:
        InputError: naming file, line and column.
    """
    text = line.cells[column]
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not abs(value) < float("inf"):
        comma = "Write decimal points, not commas." if re.fullmatch(r"-?\d+,\d+", text) else None
        raise InputError(f"'{text}' is not a number.", file=str(sheet.path), line=line.number, field=column, cure=comma)
    return value
