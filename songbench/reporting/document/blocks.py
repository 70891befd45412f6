"""What a report is made of: headings, texts, tables, figures, audio and lists of statements.

A report is a sequence of blocks. The renderers beside this module lay the same blocks out for a terminal, as Markdown,
as HTML and as LaTeX, and escape every text for their format, so that whoever builds blocks writes plain text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

BEST = "★"
"""Stands beside the best number of a column."""

Style: TypeAlias = Literal["plain", "strong", "code", "good", "bad", "caution"]
"""How a part of a text is set off; the last three are colours in a terminal and nothing in Markdown and LaTeX."""


class Fragment(NamedTuple):
    """A part of a text with its style."""

    text: str
    style: Style = "plain"


Phrase: TypeAlias = str | tuple[Fragment, ...]
"""A text, in parts where they differ in style."""


@dataclass(frozen=True, kw_only=True)
class NumberCell:
    """A number in a table, as it is printed, with what stands beside it.

    Attributes:
        value: the number, or a word for why there is none.
        interval: its interval, e.g. ``[1.3, 29.9]``; "" where there is none.
        group: letters of its significance group; "" where nothing was compared.
        best: whether it is the best of its column.
        share: what it rests on, e.g. ``14/16``; "" where that need not be said.
    """

    value: str
    interval: str = ""
    group: str = ""
    best: bool = False
    share: str = ""

    @property
    def marks(self) -> str:
        """Letters and star, as formats show them that cannot raise letters."""
        return " ".join(part for part in (self.group, BEST if self.best else "") if part)


TableCell: TypeAlias = Phrase | NumberCell


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

    text: Phrase
    strong: bool = False


@dataclass(frozen=True)
class Listing:
    """Short statements, one below the other; a listing among them belongs to the statement before it."""

    lines: tuple[Phrase | Listing, ...]


@dataclass(frozen=True, kw_only=True)
class TableColumn:
    """The head of a column.

    Attributes:
        name: the heading; where cells are narrower, terminals break it before its ``@``.
        unit: stands below the heading; None: the heading has one line.
        align: of the cells; numbers of one kind stand on the right.
    """

    name: str
    unit: str | None = None
    align: Literal["left", "right"] = "left"


@dataclass(frozen=True)
class TableRow:
    """One line of a table.

    Attributes:
        cells: one per column.
        faint: what does not compete or does not count: sanity systems, anchors, excluded raters.
    """

    cells: tuple[TableCell, ...]
    faint: bool = False


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table.

    Attributes:
        columns: their heads; all empty for a table of facts, which has a name and a text in each row.
        rows: the lines.
        title: stands over it; "" for none.
        notes: what the columns and marks mean.
        keys: leading columns that say what a row is about; where a table is laid out in several, each repeats them.
        page_width: characters from which columns are moved below each other in files, too; None: only in terminals.
        only_files: too long for a terminal, which names the files instead.
        folded: shut until a reader opens it, where the format can do that.
    """

    columns: tuple[TableColumn, ...]
    rows: tuple[TableRow, ...]
    title: str = ""
    notes: tuple[str, ...] = ()
    keys: int = 1
    page_width: int | None = None
    only_files: bool = False
    folded: bool = False

    @property
    def of_facts(self) -> bool:
        """Whether it is a list of names and texts without headings."""
        return not any(column.name for column in self.columns)


@dataclass(frozen=True)
class Figure:
    """A picture.

    Attributes:
        name: of its file, without ending; it lies in the folder ``figures`` beside the report.
        alt: what it shows, for those who do not see it.
        beside: whether it continues the line of figures before it instead of standing alone.
    """

    name: str
    alt: str
    beside: bool = False

    @property
    def path(self) -> str:
        """Of its PNG file, relative to the report."""
        return f"figures/{self.name}.png"


@dataclass(frozen=True)
class AudioPlayer:
    """Something to listen to.

    Attributes:
        path: of the audio file, relative to the report.
        title: what is heard.
    """

    path: str
    title: str


Block: TypeAlias = Heading | Text | Listing | Table | Figure | AudioPlayer


def table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[TableCell] | TableRow],
    note: str = "",
    *,
    only_files: bool = False,
) -> Table:
    """A table from plain sequences: left-aligned columns without units; those empty in every row are left out."""
    lines = [row if isinstance(row, TableRow) else TableRow(tuple(row)) for row in rows]
    places = [place for place in range(len(columns)) if not lines or any(plain(row.cells[place]) for row in lines)]
    return Table(
        title=title,
        columns=tuple(TableColumn(name=columns[place]) for place in places),
        rows=tuple(TableRow(tuple(row.cells[place] for place in places), row.faint) for row in lines),
        notes=(note,) if note else (),
        only_files=only_files,
    )


def fragments(phrase: Phrase) -> tuple[Fragment, ...]:
    """The parts of a text, each with its style."""
    return (Fragment(phrase),) if isinstance(phrase, str) else phrase


def coded(text: str) -> Phrase:
    """A text of our own (never one of a user) whose parts between backticks are code.

    >>> coded("see `kind`")
    (Fragment(text='see ', style='plain'), Fragment(text='kind', style='code'))
    """
    parts = [Fragment(part, "code" if place % 2 else "plain") for place, part in enumerate(text.split("`"))]
    return tuple(part for part in parts if part.text)


def plain(cell: TableCell) -> str:
    """The text of a cell without styles."""
    if isinstance(cell, NumberCell):
        return " ".join(part for part in (cell.value, cell.interval, cell.marks, cell.share) if part)
    return "".join(fragment.text for fragment in fragments(cell))
