"""How a table fits a width: pieces of numbers below each other, columns moved below each other, never cut."""

from __future__ import annotations

from collections.abc import Sequence

from songbench.reporting.document.blocks import NumberCell, Table, plain

LONG = 40
"""Characters from which a cell of text may be broken over lines."""
NARROWEST = 24
"""Characters that a column of long texts gets at the least."""
GAP = 3
"""Characters between two columns."""


def aligned_cells(table: Table, place: int) -> list[str]:
    """The cells of a column as plain text; the pieces of its numbers stand below each other."""
    cells = [row.cells[place] for row in table.rows]
    pieces = [_pieces(cell) for cell in cells if isinstance(cell, NumberCell)]
    widths = [max(map(len, column)) for column in zip(*pieces, strict=True)]
    return [_aligned(cell, widths) if isinstance(cell, NumberCell) else plain(cell) for cell in cells]


def _pieces(cell: NumberCell) -> tuple[str, str, str, str]:
    return cell.value, cell.interval, cell.marks, cell.share


def _aligned(cell: NumberCell, widths: Sequence[int]) -> str:
    value, *pieces = zip(_pieces(cell), widths, strict=True)
    return " ".join([value[0].rjust(value[1]), *(piece.ljust(width) for piece, width in pieces if width)])


def heading_lines(table: Table, place: int) -> list[str]:
    """The lines of a column's heading; a name wider than its cells is broken before its ``@``."""
    from rich.cells import cell_len

    column = table.columns[place]
    width = max(map(cell_len, aligned_cells(table, place)), default=0)
    name = column.name if cell_len(column.name) <= width else column.name.replace("@", "\n@", 1)
    group = [""] * any(other.group for other in table.columns) if not column.group else [column.group]
    return [*group, *name.split("\n"), *([] if column.unit is None else [column.unit])]


def may_wrap(table: Table, place: int) -> bool:
    """Whether a column holds texts so long that they may be broken over lines."""
    cells = [row.cells[place] for row in table.rows]
    return not any(isinstance(cell, NumberCell) for cell in cells) and any(len(plain(cell)) > LONG for cell in cells)


def column_width(table: Table, place: int) -> int:
    """Characters that a column needs."""
    from rich.cells import cell_len

    cells = max(map(cell_len, aligned_cells(table, place)), default=0)
    heading = max(map(cell_len, heading_lines(table, place)))
    return max(heading, min(cells, NARROWEST) if may_wrap(table, place) else cells)


def column_parts(table: Table, width: int) -> list[list[int]]:
    """The columns that stand side by side at a width; every part begins with the key columns.

    Args:
        table: the table.
        width: characters; a part that needs more has a single column beside the keys.

    Returns:
        Places of columns, one list per part.
    """
    keys = list(range(min(table.keys, len(table.columns))))
    free = width - 1 - sum(column_width(table, place) + GAP for place in keys)
    parts: list[list[int]] = []
    room = 0
    for place in range(len(keys), len(table.columns)):
        column_room = column_width(table, place) + GAP
        if not parts or column_room > room:
            parts.append([*keys])
            room = free
        parts[-1].append(place)
        room -= column_room
    return parts or [keys]


def begins_faint_part(table: Table, number: int) -> bool:
    """Whether a line belongs before a row: it does not count, and the row before it does."""
    return number > 0 and table.rows[number].faint and not table.rows[number - 1].faint
