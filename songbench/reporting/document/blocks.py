"""What a report is made of: headings, texts, tables, figures, audio and lists of statements.

A report is a sequence of blocks. The renderers beside this module lay the same blocks out for a terminal, as Markdown,
as HTML and as LaTeX, and escape every text for their format, so that whoever builds blocks writes plain text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, TypeAlias

from songbench.reporting.document.recordings import LyricSheet, SectionStrip, SheetLine, Waveform

BEST = "★"
"""Stands beside the best number of a column."""

Style: TypeAlias = Literal["plain", "strong", "code", "good", "bad", "caution"]
"""How a part of a text is set off; the last three are colours in a terminal and nothing in Markdown and LaTeX."""


class Fragment(NamedTuple):
    """A part of a text with its style.

    Attributes:
        text: what is read.
        style: how it is set off.
        link: where it leads, relative to the report or an https address; "" for nowhere. HTML and Markdown only.
    """

    text: str
    style: Style = "plain"
    link: str = ""


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
        number: by which it is sorted; None where there is none.
    """

    value: str
    interval: str = ""
    group: str = ""
    best: bool = False
    share: str = ""
    number: float | None = None

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
    """A paragraph; `strong` for what nobody may overlook, `lead` for the answer that a report begins with."""

    text: Phrase
    strong: bool = False
    lead: bool = False


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
        meaning: one sentence on what it holds; shown where a reader points at the heading.
        optional: it is there only where a reader can choose columns, and chooses it.
        better: which end is better, so that sorting begins with it.
        group: stands over it and its neighbours of the same group; "" for nothing.
    """

    name: str
    unit: str | None = None
    align: Literal["left", "right"] = "left"
    meaning: str = ""
    optional: bool = False
    better: Literal["", "higher", "lower"] = ""
    group: str = ""


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
        sortable: a reader can sort its rows by a column, where the format can do that.
        searchable: a reader can look for rows, where the format can do that.
        label: by which LaTeX refers to it; "" for none.
    """

    columns: tuple[TableColumn, ...]
    rows: tuple[TableRow, ...]
    title: str = ""
    notes: tuple[str, ...] = ()
    keys: int = 1
    page_width: int | None = None
    only_files: bool = False
    folded: bool = False
    sortable: bool = False
    searchable: bool = False
    label: str = ""

    @property
    def of_facts(self) -> bool:
        """Whether it is a list of names and texts without headings."""
        return not any(column.name for column in self.columns)


@dataclass(frozen=True, eq=False)
class TableForm:
    """What many tables share that differ in their numbers only, which are the second column; told apart by identity.

    Attributes:
        columns: their heads.
        texts: of each row the cells but the second.
    """

    columns: tuple[TableColumn, ...]
    texts: tuple[tuple[TableCell, ...], ...]


@dataclass(frozen=True)
class FilledForm:
    """One of these tables: there is one for each song, and formats lay out the form only once.

    Attributes:
        form: what it shares with others.
        numbers: of each row, as printed and as it is sorted by.
    """

    form: TableForm
    numbers: tuple[tuple[str, float], ...]

    @property
    def table(self) -> Table:
        """The same as a table of its own."""
        rows = (
            TableRow((first, NumberCell(value=value, number=number), *texts))
            for (first, *texts), (value, number) in zip(self.form.texts, self.numbers, strict=True)
        )
        return Table(columns=self.form.columns, rows=tuple(rows))


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


@dataclass(frozen=True)
class Fold:
    """Blocks that are shut until a reader opens them, where the format can do that; a title above them elsewhere."""

    title: Phrase
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class SideBySide:
    """Parts that stand beside each other where there is room, such as a figure and its table."""

    parts: tuple[tuple[Block, ...], ...]


@dataclass(frozen=True)
class View:
    """One of several things of which a reader looks at a single one.

    Attributes:
        name: of this one, e.g. ``zh``.
        blocks: what is seen.
        group: by what it differs from the others, e.g. ``language``; "" for the one that is seen first.
    """

    name: str
    blocks: tuple[Block, ...]
    group: str = ""


@dataclass(frozen=True)
class Views:
    """Things of which a reader looks at a single one, the first of them at first; one below the other elsewhere.

    Attributes:
        title: what a reader chooses among.
        views: at least one.
    """

    title: str
    views: tuple[View, ...]


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A song that is heard.

    Attributes:
        key: of this recording, unique on its page.
        title: whose it is.
        seconds: how long it is.
        path: of the audio file, relative to the report; "" where the report has no audio.
        note: facts that stand beside the title.
        loudness: in LUFS; None where that is not known.
        waveform: its outline, or None.
        strips: its sections, as different sources have them.
        spectrogram: the name of its picture, as of a `Figure`; "" for none.
        blocks: what belongs to it, seen while it is chosen.
        faint: it does not compete.
    """

    key: str
    title: str
    seconds: float
    path: str = ""
    note: str = ""
    loudness: float | None = None
    waveform: Waveform | None = None
    strips: tuple[SectionStrip, ...] = ()
    spectrogram: str = ""
    blocks: tuple[Block, ...] = ()
    faint: bool = False


@dataclass(frozen=True)
class Recordings:
    """Songs to be compared by listening: a reader hears one of them and changes to another at the same place.

    Attributes:
        title: what they have in common.
        recordings: in order.
        blocks: what concerns all of them; stands before what belongs to each.
    """

    title: str
    recordings: tuple[Recording, ...]
    blocks: tuple[Block, ...] = ()


Nest: TypeAlias = Fold | SideBySide | Views | Recordings | LyricSheet | FilledForm
"""A block that holds others, or stands for others where a format has nothing like it."""
Leaf: TypeAlias = Heading | Text | Listing | Table | Figure | AudioPlayer
Block: TypeAlias = Leaf | Nest


def leaves(blocks: Iterable[Block]) -> Iterator[Leaf]:
    """The blocks below each other, as formats show them that have no folds and no choice.

    A fold and every view but the first begin with their title as a text.
    """
    for block in blocks:
        match block:
            case Fold():
                yield Text(tuple(Fragment(part.text, "strong", part.link) for part in fragments(block.title)))
                yield from leaves(block.blocks)
            case SideBySide():
                for part in block.parts:
                    yield from leaves(part)
            case Views():
                for view in block.views:
                    if view.group:
                        yield Text((Fragment(f"{view.group}: {view.name}", "strong"),))
                    yield from leaves(view.blocks)
            case Recordings():
                yield from (AudioPlayer(entry.path, entry.title) for entry in block.recordings if entry.path)
                yield from leaves(block.blocks)
                for entry in block.recordings:
                    yield Heading(entry.title)
                    yield from leaves(entry.blocks)
            case LyricSheet():
                yield Listing(tuple(_sung(line) for section in block.sections for line in section.lines))
            case FilledForm():
                yield block.table
            case _:
                yield block


_MARKS = {"match": ("", ""), "substitution": ("[", "]"), "deletion": ("[-", "]"), "insertion": ("[+", "]")}


def _sung(line: SheetLine) -> Phrase:
    """A line of lyrics as text, with what was heard otherwise in brackets."""
    parts = []
    for word, _ in line.words:
        before, after = _MARKS[word.kind]
        text = word.recognised if word.kind == "insertion" else word.spelling.rstrip() or word.lyric
        instead = f": {word.recognised}" if word.kind == "substitution" else ""
        parts.append(f"{before}{text}{instead}{after}")
    return " ".join(parts) or line.text


def required_columns(block: Table) -> Table:
    """A table as formats show it in which nobody can choose: without the columns that are not shown at first."""
    places = [place for place, column in enumerate(block.columns) if not column.optional]
    if len(places) == len(block.columns):
        return block
    return replace(
        block,
        columns=tuple(block.columns[place] for place in places),
        rows=tuple(TableRow(tuple(row.cells[place] for place in places), row.faint) for row in block.rows),
    )


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
    (Fragment(text='see ', style='plain', link=''), Fragment(text='kind', style='code', link=''))
    """
    parts = [Fragment(part, "code" if place % 2 else "plain") for place, part in enumerate(text.split("`"))]
    return tuple(part for part in parts if part.text)


def plain(cell: TableCell) -> str:
    """The text of a cell without styles."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, NumberCell):
        return " ".join(part for part in (cell.value, cell.interval, cell.marks, cell.share) if part)
    return "".join(fragment.text for fragment in cell)
