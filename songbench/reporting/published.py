"""Numbers that papers print, shown in a block of their own, never among numbers computed here."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from songbench.domain.errors import InputError
from songbench.reporting.document.blocks import Block, Heading, Listing, Table, TableColumn, TableRow

COLUMNS = ("system", "condition", "field", "unit", "direction", "value", "plus_minus", "source", "provenance", "note")
WARNING = (
    "Not computed here: other songs, prompts, recognisers and reference sets. Not comparable with the table above."
)

FOLDER = "published"
"""Where a report keeps the numbers that it shows, so that a later one shows them, too."""
_FOLDER = Path("results/published")
_OWN_FOLDER = Path(__file__).parents[2] / _FOLDER


@dataclass(frozen=True, kw_only=True)
class PublishedNumber:
    """One published number as its source prints it."""

    system: str
    condition: str
    field: str
    unit: str
    direction: str
    value: str
    plus_minus: str
    source: str
    provenance: str
    note: str

    @property
    def text(self) -> str:
        """As it is shown."""
        return f"{self.value} ± {self.plus_minus}" if self.plus_minus else self.value


@dataclass(frozen=True)
class Published:
    """A file of published numbers.

    Attributes:
        name: of the file.
        values: in its order.
    """

    name: str
    values: tuple[PublishedNumber, ...]

    @property
    def fields(self) -> list[tuple[str, str, str]]:
        """Name, unit and direction of every field, in the order they appear."""
        return list(dict.fromkeys((value.field, value.unit, value.direction) for value in self.values))

    @property
    def rows(self) -> list[tuple[str, str]]:
        """System and condition of every row, in the order they appear."""
        return list(dict.fromkeys((value.system, value.condition) for value in self.values))

    def of(self, row: tuple[str, str], field: tuple[str, str, str]) -> str:
        """What stands in one cell, "" where nothing does."""
        values = (v for v in self.values if (v.system, v.condition) == row and (v.field, v.unit, v.direction) == field)
        return next((value.text for value in values), "")

    @property
    def notes(self) -> list[str]:
        """The warning, every source with its provenance, and every note with the fields it concerns."""
        sources = dict.fromkeys(f"{value.source} ({value.provenance})" for value in self.values)
        notes: dict[str, dict[str, None]] = {}
        for value in self.values:
            if value.note:
                notes.setdefault(value.note, {})[value.field] = None
        return [
            WARNING,
            f"Source: {'; '.join(sources)}.",
            *(f"{', '.join(fields)}: {note}." for note, fields in notes.items()),
        ]


def load_published(name: str) -> Published:
    """Read published numbers.

    Args:
        name: of a file in ``results/published``, without its suffix, or the path of a ``.csv`` file.

    Raises:
        InputError: no such file, or a line of it cannot be used.
    """
    path = next((p for p in (Path(name), _FOLDER / f"{name}.csv", _OWN_FOLDER / f"{name}.csv") if p.is_file()), None)
    if path is None:
        names = sorted({path.stem for folder in (_FOLDER, _OWN_FOLDER) for path in folder.glob("*.csv")})
        raise InputError(
            f"There are no published numbers '{name}'.",
            field="--published",
            value=name,
            allowed=names,
            cure="Give one of these names, or the path of a .csv file of your own.",
        )
    with open(path, encoding="utf-8", newline="") as handle:
        reader = csv.DictReader(handle)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise InputError(f"The first line must name the columns {','.join(COLUMNS)}.", file=str(path), line=1)
        return Published(path.stem, tuple(_value(row, str(path), reader.line_num) for row in reader))


def _value(row: dict[str, str | None], file: str, line: int) -> PublishedNumber:
    missing = [name for name in ("system", "field", "value", "source") if not row[name]]
    if missing or None in row.values():
        raise InputError(f"A value needs its {' and '.join(missing or ['columns'])}.", file=file, line=line)
    value = PublishedNumber(**{name: row[name] or "" for name in COLUMNS})
    try:
        float(value.value)
    except ValueError:
        raise InputError(f"'{value.value}' is not a number.", file=file, line=line, field="value") from None
    return value


def remembered(folder: Path) -> tuple[Published, ...]:
    """The published numbers that the report in a folder shows, from ``published/*.csv`` in it.

    Raises:
        InputError: one of these files cannot be read.
    """
    return tuple(load_published(str(path)) for path in sorted((folder / FOLDER).glob("*.csv")))


def published_to_csv(numbers: Published) -> str:
    """A file that `load_published` reads back."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(vars(value) for value in numbers.values)
    return stream.getvalue()


def published_to_json(numbers: Published) -> dict[str, object]:
    """The same for programs, with the warning that they cannot be compared."""
    return {"name": numbers.name, "warning": WARNING, "values": [vars(value) for value in numbers.values]}


def published_blocks(published: Sequence[Published]) -> list[Block]:
    """One section per file, for the end of a leaderboard; what to know comes before the numbers."""
    return [
        block
        for table in published_tables(published)
        for block in (Heading(table.title), Listing(table.notes), replace(table, title="", notes=()))
    ]


def published_tables(published: Sequence[Published]) -> list[Table]:
    """One table per file, what to know below it."""
    tables = []
    for numbers in published:
        names = ["system", "condition"] if any(condition for _, condition in numbers.rows) else ["system"]
        columns = [
            TableColumn(name=field, unit=_unit(unit, direction), align="right")
            for field, unit, direction in numbers.fields
        ]
        rows = [
            TableRow((*row[: len(names)], *(numbers.of(row, field) for field in numbers.fields)))
            for row in numbers.rows
        ]
        tables.append(
            Table(
                title=f"Published elsewhere: {numbers.name}",
                columns=(*(TableColumn(name=name) for name in names), *columns),
                rows=tuple(rows),
                notes=tuple(numbers.notes),
                keys=len(names),
            )
        )
    return tables


def _unit(unit: str, direction: str) -> str:
    arrow = {"higher": "↑", "lower": "↓"}.get(direction, "")
    return " ".join(part for part in (unit, arrow) if part)
