"""A report as a list of blocks, so that console, Markdown, HTML and LaTeX lay out the same content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Heading:
    """Begins a part.

    Attributes:
        text: a few words.
        level: 1 for the title, 2 for sections.
    """

    text: str
    level: int = 2


@dataclass(frozen=True)
class Text:
    """A paragraph; `strong` for what nobody may overlook."""

    text: str
    strong: bool = False


@dataclass(frozen=True)
class Listing:
    """Short statements, one below the other."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes:
        cells: one text per column.
        faint: what does not compete or does not count: anchors, excluded raters.
    """

    cells: tuple[str, ...]
    faint: bool = False


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table.

    Attributes:
        title: stands over it, always.
        columns: headings.
        rows: the lines.
        note: what the columns and marks mean.
        only_files: too long for the console, which names the files instead.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    note: str = ""
    only_files: bool = False


@dataclass(frozen=True)
class Picture:
    """A figure.

    Attributes:
        name: of its files, without ending.
        alt: what it shows, for those who do not see it.
    """

    name: str
    alt: str


Block: TypeAlias = Heading | Text | Listing | Table | Picture


def table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str] | Row], note: str = "", *, only_files: bool = False
) -> Table:
    """A table from plain sequences."""
    made = tuple(row if isinstance(row, Row) else Row(tuple(row)) for row in rows)
    return Table(title=title, columns=tuple(columns), rows=made, note=note, only_files=only_files)


def useful_columns(block: Table) -> list[int]:
    """The places of the columns that say something in at least one row."""
    return [
        place for place in range(len(block.columns)) if any(row.cells[place] for row in block.rows) or not block.rows
    ]
