"""CSV files as lines that know their number, so that every complaint names one."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from songbench.domain.errors import InputError


class Line(NamedTuple):
    """One record.

    Attributes:
        number: of its first line in the file, 1-based.
        cells: by column, without spaces around them.
    """

    number: int
    cells: Mapping[str, str]


class Sheet(NamedTuple):
    """A file.

    Attributes:
        path: where.
        columns: as in its first line.
        lines: the others.
    """

    path: Path
    columns: tuple[str, ...]
    lines: tuple[Line, ...]


def read_lines(path: Path) -> Sheet:
    """Read a file of values separated by commas, with column names in the first line.

    Raises:
        InputError: when it cannot be read, is empty, has another delimiter, the same column twice, or a line of
            another length.
    """
    text = _text(path)
    if text.lstrip()[:2] in ('{"', "[{", "[]", "{}", "{\n", "[\n"):
        raise InputError("This is JSON, not a table of values separated by commas.", file=str(path), line=1)
    reader = csv.reader(io.StringIO(text, newline=""))
    header = next(reader, [])
    columns = tuple(name.strip() for name in header)
    if not any(columns):
        raise InputError("The file is empty.", file=str(path), line=1)
    _check_columns(path, columns)
    lines, begun = [], reader.line_num
    for cells in reader:
        first, begun = begun + 1, reader.line_num
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(columns):
            raise InputError(
                f"This line has {len(cells)} values, the first line names {len(columns)} columns.",
                file=str(path),
                line=first,
                cure="Look for a comma or quotation mark that is out of place.",
            )
        lines.append(Line(first, {name: cell.strip() for name, cell in zip(columns, cells, strict=True)}))
    if not lines:
        raise InputError("There is a heading and nothing below it.", file=str(path), line=1)
    return Sheet(path, columns, tuple(lines))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The file cannot be read ({error}).", file=str(path)) from None


def _check_columns(path: Path, columns: tuple[str, ...]) -> None:
    if len(columns) == 1:
        for name, delimiter in (("semicolons", ";"), ("tabs", "\t"), ("bars", "|")):
            if delimiter in columns[0]:
                raise InputError(
                    f"The values are separated by {name}, not by commas.",
                    file=str(path),
                    line=1,
                    cure="Save it again as CSV with commas.",
                )
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise InputError(f"The column '{twice[0]}' is there twice.", file=str(path), line=1)


def number(sheet: Sheet, line: Line, column: str) -> float:
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
        raise InputError(f"'{text}' is not a number.", file=str(sheet.path), line=line.number, field=column)
    return value
