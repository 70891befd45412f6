"""The report on the console: tables of at most 120 columns, plain when piped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from listening_test.reporting.document import Block, Heading, Listing, Picture, Row, Table, Text, useful_columns

if TYPE_CHECKING:
    import rich.table
    import rich.text
    from rich.console import Console

WIDTH = 120
ROWS = 40
"""Rows of one table; the files have them all."""


def print_report(blocks: Sequence[Block], console: Console | None = None) -> None:
    """Print what fits on a console; long tables and figures are in the files.

    Args:
        blocks: of `content`.
        console: where to; None: standard output, as wide as it is, at most `WIDTH`.
    """
    from rich.console import Console

    console = console or Console()
    console.width = min(console.width, WIDTH)
    pending: Heading | None = None
    for block in blocks:
        if isinstance(block, Heading):
            pending = block
        elif not isinstance(block, Picture) and not (isinstance(block, Table) and block.only_files):
            if pending:
                console.print(_text(f"\n{pending.text}", "bold underline" if pending.level == 1 else "bold"))
                pending = None
            _print(block, console)
    if any(isinstance(block, Table) and block.only_files for block in blocks):
        console.print(_text("\nOther scales, further tests and all figures: in the files.", "dim"))


def _print(block: Table | Text | Listing, console: Console) -> None:
    if isinstance(block, Text):
        console.print(_text(block.text, "bold red" if block.strong else ""))
    elif isinstance(block, Listing):
        _print_lines(block.lines, console)
    elif block.columns and any(block.columns):
        console.print(_table(block))
        if len(block.rows) > ROWS:
            console.print(_text(f"… and {len(block.rows) - ROWS} more rows, in the files", "dim"))
        if block.note:
            console.print(_text(block.note, "dim"))
    else:
        console.print(_facts(block))


def _print_lines(lines: Sequence[str], console: Console) -> None:
    import rich.table

    grid = rich.table.Table.grid(padding=(0, 1))
    for line in lines:
        grid.add_row(" -", _text(line))
    console.print(grid)


def _facts(block: Table) -> rich.table.Table:
    import rich.table

    grid = rich.table.Table.grid(padding=(0, 2))
    for row in block.rows:
        grid.add_row(_text(row.cells[0], "dim"), _text(row.cells[1]))
    return grid


def _table(block: Table) -> rich.table.Table:
    import rich.table
    from rich import box

    table = rich.table.Table(
        title=_text(block.title, "bold"),
        title_justify="left",
        box=box.HORIZONTALS,
        header_style="bold",
        padding=(0, 1, 0, 0),
    )
    places = useful_columns(block)
    for place in places:
        table.add_column(_text(block.columns[place]), overflow="fold")
    for number, row in enumerate(block.rows[:ROWS]):
        if number and row.faint and not block.rows[number - 1].faint and _sorted(block.rows):
            table.add_section()
        table.add_row(*(_text(row.cells[place]) for place in places), style="dim" if row.faint else "")
    return table


def _sorted(rows: Sequence[Row]) -> bool:
    """Whether the faint rows all come last, so that a line can part them."""
    faint = [row.faint for row in rows]
    return faint == sorted(faint)


def _text(content: str, style: str = "") -> rich.text.Text:
    from rich.text import Text as RichText

    return RichText(content, style=style, overflow="fold")
