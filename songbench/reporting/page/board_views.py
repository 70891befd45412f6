"""The leaderboard as a reader can turn it: sorted, with the columns wanted, for a part of the prompts or systems."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from songbench.reporting import wording
from songbench.reporting.board import Column, Leaderboard
from songbench.reporting.document.blocks import Fold, Listing, NumberCell, Table, TableColumn, TableRow, View, Views
from songbench.reporting.notes import part_notes
from songbench.reporting.page.column_leads import ColumnLead, Margin, column_leads
from songbench.reporting.page.parts import RunPart
from songbench.reporting.tables import number_cell

_CERTAINTY = {
    "ahead": "ahead of every other",
    "open": "open",
    "tied": "tied",
    "not comparable": "not comparable: different songs",
}


def board_views(board: Leaderboard, parts: Sequence[RunPart] = ()) -> Views:
    """The table of the whole run, and those of its parts."""
    views = [View("all songs", (board_table(board),))]
    sizes = Counter(part.facet for part in parts)
    for facet, name, table in parts:
        cautions = part_notes(facet, sizes[facet])
        views.append(View(name, (replace(board_table(table), notes=tuple(cautions)),), facet))
    return Views("Songs", tuple(views))


def board_table(board: Leaderboard) -> Table:
    """Systems x all columns; those without a place in other tables are there to be chosen."""
    columns = sorted(board.columns, key=lambda column: not column.field.headline)
    conditions = board.conditions_differ
    return Table(
        title=wording.caption(board),
        columns=(
            TableColumn(name="system", meaning="Sanity systems, in italics, anchor the scale and do not compete"),
            TableColumn(name="songs", meaning="Songs made of songs asked for"),
            *([TableColumn(name="condition", meaning="What style its songs were made from")] if conditions else []),
            *(_head(column) for column in columns),
        ),
        rows=tuple(
            TableRow(
                (
                    row.system.name,
                    NumberCell(value=wording.songs(row), number=row.completion),
                    *([wording.condition(row)] if conditions else []),
                    *(number_cell(row, column) for column in columns),
                ),
                row.system.sanity,
            )
            for row in board.rows
        ),
        sortable=True,
    )


def _head(column: Column) -> TableColumn:
    direction = column.field.direction
    return TableColumn(
        name=column.name,
        unit=wording.unit(column),
        align="right",
        meaning=column.field.description,
        optional=not column.field.headline,
        better="" if direction == "none" else direction,
    )


def legend(board: Leaderboard) -> Fold:
    """What the marks of the table mean."""
    return Fold("How to read this table", (Listing((*wording.legend(board), *wording.machine(board))),))


def lead_table(board: Leaderboard) -> list[Table]:
    """Column by column which competitor leads, by how much, and whether that is significant."""
    columns = column_leads(board)
    if not columns:
        return []
    heads = ("column", "best", "figure", "next best", "ahead by", "p (Holm)", "prompts", "verdict")
    return [
        Table(
            title="Who leads, column by column",
            columns=tuple(TableColumn(name=name) for name in heads),
            rows=tuple(TableRow(_column_lead(lead)) for lead in columns),
            notes=(
                "Ahead of every other: significantly better than each of them (paired over prompts, "
                f"p < {board.level:g} after Holm's correction for the pairs of the column). Several columns are "
                "several chances to be ahead.",
            ),
        )
    ]


def _column_lead(lead: ColumnLead) -> tuple[str | NumberCell, ...]:
    column, margin = lead.column, lead.margins[0] if lead.margins else None
    figure = wording.number(lead.cell.value or 0.0, column.field)
    undecided = [margin.rival for margin in lead.margins if not margin.significant]
    against = f" against {', '.join(undecided)}" if undecided and lead.competitors > 2 else ""
    return (
        f"{column.name} {wording.unit(column)}".strip(),
        ", ".join(lead.best),
        NumberCell(value=figure, interval=wording.interval(lead.cell, column.field)),
        margin.rival if margin else "",
        NumberCell(value=wording.number(margin.difference, column.field), interval=_interval(column, margin))
        if margin
        else "",
        wording.p_value(margin.p) if margin else "",
        str(margin.prompts) if margin else "",
        _CERTAINTY[lead.certainty] + (against if lead.certainty == "open" else ""),
    )


def _interval(column: Column, margin: Margin) -> str:
    """Of a margin, e.g. ``[1.2, 7.0]``; "" where there is none."""
    if margin.low is None or margin.high is None:
        return ""
    return f"[{wording.number(margin.low, column.field)}, {wording.number(margin.high, column.field)}]"
