"""Blocks for terminals, pipes and text files: as wide as there is room, nothing cut, plain where it is no terminal."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

from songbench.reporting.document.blocks import (
    AudioPlayer,
    Block,
    Figure,
    Heading,
    Listing,
    NumberCell,
    Phrase,
    Table,
    TableCell,
    Text,
    fragments,
    leaves,
    required_columns,
)
from songbench.reporting.document.layout import (
    GAP,
    aligned_cells,
    begins_faint_part,
    column_parts,
    column_width,
    heading_lines,
    may_wrap,
)

if TYPE_CHECKING:
    import rich.table
    import rich.text
    from rich.console import Console

WIDTH = 110
"""How many characters wide a printed document is at most."""
_STYLES = {"plain": "", "strong": "bold", "code": "", "good": "green", "bad": "bold red", "caution": "bold yellow"}


def print_document(
    blocks: Sequence[Block], console: Console | None = None, *, width: int = WIDTH, most_rows: int | None = None
) -> None:
    """Print what fits a terminal; figures, audio and tables for files only are left to the files.

    Args:
        blocks: of the document.
        console: where to; None: standard output, as wide as it is.
        width: characters at most.
        most_rows: rows of one table, the others are counted; None: all.
    """
    from rich.console import Console

    console = console or Console()
    console.width = min(console.width, width)
    pending: Heading | None = None
    printed = False
    for block in leaves(blocks):
        if isinstance(block, Heading):
            pending = block
        elif not isinstance(block, Figure | AudioPlayer) and not (isinstance(block, Table) and block.only_files):
            if pending:
                console.print(_text(f"\n{pending.text}" if printed else pending.text, "bold"))
                pending, printed = None, True
            _print(block, console, most_rows, first=not printed)
            printed = True
    if any(isinstance(block, Table) and block.only_files for block in leaves(blocks)):
        console.print(_text("\nMore tables and all figures: in the files.", "dim"))


def to_text(blocks: Sequence[Block], width: int = WIDTH) -> str:
    """What `print_document` prints, without colours and without blanks at the end of lines."""
    from rich.console import Console

    stream = io.StringIO()
    print_document(
        blocks, Console(file=stream, width=width, color_system=None, force_terminal=False, force_jupyter=False)
    )
    return "".join(f"{line.rstrip()}\n" for line in stream.getvalue().splitlines())


def escaped(text: str) -> str:
    """The text without characters that steer a terminal, but for line ends."""
    return "".join(
        "�" if character != "\n" and unicodedata.category(character) == "Cc" else character for character in text
    )


def _print(block: Table | Text | Listing, console: Console, most_rows: int | None, *, first: bool) -> None:
    if isinstance(block, Text):
        console.print(_phrase(block.text, "bold red" if block.strong else ""))
    elif isinstance(block, Listing):
        console.print(_listing(block))
    elif block.of_facts:
        console.print(_facts(block))
    else:
        block = required_columns(block)
        for number, places in enumerate(column_parts(block, console.width)):
            if number or not first:
                console.print()
            console.print(_table(block, places, console.width, "" if number else block.title, most_rows))
        if most_rows and len(block.rows) > most_rows:
            console.print(_text(f"… and {len(block.rows) - most_rows} more rows, in the files", "dim"))
        for note in block.notes:
            console.print(_text(note, "dim"))


def _listing(block: Listing) -> rich.table.Table:
    import rich.table

    grid = rich.table.Table.grid(padding=(0, 1))
    for line in block.lines:
        grid.add_row("", _listing(line)) if isinstance(line, Listing) else grid.add_row(" -", _phrase(line))
    return grid


def _facts(block: Table) -> rich.table.Table:
    import rich.table

    grid = rich.table.Table.grid(padding=(0, 2))
    for row in block.rows:
        name, text = row.cells
        grid.add_row(_cell(name, "dim"), _cell(text))
    return grid


def _table(block: Table, places: Sequence[int], width: int, title: str, most_rows: int | None) -> rich.table.Table:
    import rich.table
    from rich import box

    table = rich.table.Table(
        title=_text(title, "bold") if title else None, title_justify="left", box=box.HORIZONTALS, header_style="bold"
    )
    fits = sum(column_width(block, place) + GAP for place in places) < width
    for place in places:
        table.add_column(
            _text("\n".join(heading_lines(block, place))),
            justify=block.columns[place].align,
            no_wrap=fits and not may_wrap(block, place),
            overflow="fold",
        )
    aligned = {place: aligned_cells(block, place) for place in places}
    parted = [row.faint for row in block.rows] == sorted(row.faint for row in block.rows)
    for number, row in enumerate(block.rows[:most_rows]):
        if parted and begins_faint_part(block, number):
            table.add_section()
        cells = [_cell(row.cells[place], aligned=aligned[place][number]) for place in places]
        table.add_row(*cells, style="dim" if row.faint else "")
    return table


def _cell(cell: TableCell, style: str = "", aligned: str = "") -> rich.text.Text:
    if isinstance(cell, NumberCell):
        return _text(aligned, "bold" if cell.best else style)
    return _phrase(cell, style)


def _phrase(phrase: Phrase, style: str = "") -> rich.text.Text:
    text = _text("", style)
    for fragment in fragments(phrase):
        text.append(escaped(fragment.text), _STYLES[fragment.style] or None)
    return text


def _text(content: str, style: str = "") -> rich.text.Text:
    from rich.text import Text as RichText

    return RichText(escaped(content), style=style, overflow="fold")
