"""The leaderboard as a document: what a terminal shows at once, what files say in full, what a paper prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from songbench.reporting import notes, wording
from songbench.reporting.board import Column, ColumnComparison, Leaderboard, Row
from songbench.reporting.document.blocks import (
    Block,
    Figure,
    Fragment,
    Heading,
    Listing,
    NumberCell,
    Phrase,
    Table,
    TableCell,
    TableColumn,
    TableRow,
)
from songbench.reporting.document.html import to_fragment as fragment_of
from songbench.reporting.document.html import to_html as html_of
from songbench.reporting.document.latex import to_latex as latex_of
from songbench.reporting.document.markdown import to_markdown as markdown_of
from songbench.reporting.document.terminal import WIDTH, print_document
from songbench.reporting.document.terminal import to_text as text_of
from songbench.reporting.figures.gallery import Picture
from songbench.reporting.precision import precision_blocks
from songbench.reporting.prompt_pairs import prompt_pairs
from songbench.reporting.published import Published, published_blocks, published_tables

if TYPE_CHECKING:
    from rich.console import Console

FAILURES_PRINTED = 8


def print_leaderboard(
    board: Leaderboard, console: Console | None = None, *, published: Sequence[Published] = ()
) -> None:
    """Print the table with its legend, what could not be measured, the failures and the notes.

    Args:
        board: the leaderboard; with a facet, the tables of its parts are printed.
        console: where to; its width decides which columns stand side by side. None: standard output.
        published: printed below it, apart.
    """
    print_document(terminal_blocks(board, published), console)


def terminal_blocks(board: Leaderboard, published: Sequence[Published] = ()) -> list[Block]:
    """What `print_leaderboard` prints."""
    parts = list(board.tables.values())
    blocks = _summary_of_parts(parts) if len(parts) > 1 else summary(parts[0] if parts else board)
    return [*blocks, *_parts(board), *published_blocks(published)]


def to_text(board: Leaderboard, width: int = WIDTH, *, published: Sequence[Published] = ()) -> str:
    """What `print_leaderboard` prints, without colours."""
    return text_of(summary(board, published), width)


def to_markdown(board: Leaderboard, pictures: Sequence[Picture] = (), *, published: Sequence[Published] = ()) -> str:
    """The leaderboard as Markdown (GitHub's flavour).

    Args:
        board: the leaderboard.
        pictures: its figures, which lie beside it.
        published: appended, apart.
    """
    return markdown_of(full_report(board, pictures, published))


def to_html(board: Leaderboard, pictures: Sequence[Picture] = (), *, published: Sequence[Published] = ()) -> str:
    """The same as one HTML page that holds its figures, as SVG where there is one."""
    images = {picture.name: picture.files.get("svg", picture.files["png"]) for picture in pictures}
    return html_of(full_report(board, pictures, published), images)


def to_html_fragment(board: Leaderboard) -> str:
    """The tables with their legend as a part of a page, as a notebook shows them."""
    return fragment_of(bare_tables(board))


def bare_tables(board: Leaderboard) -> list[Table]:
    """The table, with a facet one of each part, with the legend below the last: numbers without remarks on them."""
    *firsts, last = board.tables.values() or [board]
    return [
        *(leaderboard_table(part, wording.caption(part), ()) for part in firsts),
        leaderboard_table(last, wording.caption(last), wording.legend(last)),
    ]


def to_latex(board: Leaderboard, *, published: Sequence[Published] = ()) -> str:
    """The leaderboard as a LaTeX table for ``booktabs``; best in bold, letters raised; published numbers apart."""
    missing = wording.not_applicable(board)
    remarks = [*wording.legend(board), *([f"Not applicable: {'; '.join(missing)}."] if missing else [])]
    table = leaderboard_table(board, f"Leaderboard, {wording.caption(board)}.", remarks)
    return latex_of([table, *published_tables(published)])


def summary(board: Leaderboard, published: Sequence[Published] = ()) -> list[Block]:
    """What a terminal shows: the table, and what a reader must know to read it."""
    return [
        Heading(f"Leaderboard: {wording.caption(board)}", level=1),
        leaderboard_table(board, "", wording.legend(board)),
        *(block for title, lines in _remarks(board).items() for block in _section(title, lines)),
        *_parts(board),
        *published_blocks(published),
    ]


def _remarks(board: Leaderboard) -> dict[str, Sequence[Phrase]]:
    """What stands below the table, by its heading."""
    failures = wording.failures(board)
    if len(failures) > FAILURES_PRINTED:
        rest = len(failures) - FAILURES_PRINTED
        failures = [*failures[:FAILURES_PRINTED], f"… and {rest} more, in leaderboard.md"]
    return {
        "Not applicable": wording.not_applicable(board),
        "Not measured": wording.unmeasured(board),
        "Failures": failures,
        "Notes": board.notes,
    }


def _summary_of_parts(boards: Sequence[Leaderboard]) -> list[Block]:
    """A table for each part of a run with what is said of it alone; what is said of all of them comes once, below."""
    remarks = [_remarks(board) for board in boards]
    shared = {
        title: [line for line in lines if all(line in sections[title] for sections in remarks)]
        for title, lines in remarks[0].items()
    }
    blocks: list[Block] = []
    for board, sections in zip(boards, remarks, strict=True):
        legend = wording.legend(board)
        common = [line for line in legend if all(line in wording.legend(other) for other in boards)]
        notes = [line for line in legend if line not in common] + (common if board is boards[-1] else [])
        blocks += [
            Heading(f"Leaderboard: {wording.caption(board)}", level=1),
            leaderboard_table(board, "", notes),
        ]
        for title, lines in sections.items():
            blocks += _section(title, [line for line in lines if line not in shared[title]])
    for title, lines in shared.items():
        blocks += _section(f"{title}, in all parts", lines)
    return blocks


def full_report(
    board: Leaderboard, pictures: Sequence[Picture] = (), published: Sequence[Published] = ()
) -> list[Block]:
    """Everything but the numbers of columns that have no place in tables; these are in the CSV and the JSON.

    Args:
        board: the leaderboard.
        pictures: its figures.
        published: appended, apart.
    """
    figures = [Figure(picture.name, picture.alt, beside=number > 0) for number, picture in enumerate(pictures)]
    comparisons = _comparisons(board)
    return [
        Heading(f"Leaderboard: {wording.caption(board)}", level=1),
        leaderboard_table(board, "", [*wording.legend(board), *wording.machine(board)]),
        *_section("Not applicable", wording.not_applicable(board)),
        *_section("Notes", board.notes),
        *_parts(board),
        *_section("Not measured", wording.unmeasured(board)),
        *_section("Failures", wording.failures(board)),
        *_section("Unsupported", wording.unsupported(board)),
        *_columns(board),
        *([Heading("Figures")] if figures else []),
        *figures,
        *([Heading("Comparisons")] if comparisons else []),
        *comparisons,
        *prompt_pairs(board),
        *precision_blocks(board),
        *published_blocks(published),
    ]


def leaderboard_table(board: Leaderboard, title: str, remarks: Sequence[str]) -> Table:
    """Systems x columns that have a place in tables for people."""
    columns = wording.headline_columns(board)
    return Table(
        title=title,
        columns=(
            TableColumn(name="system"),
            TableColumn(name="songs", align="right"),
            *([TableColumn(name="condition")] if board.conditions_differ else []),
            *(TableColumn(name=column.name, unit=wording.unit(column)) for column in columns),
        ),
        rows=tuple(
            TableRow(
                (
                    row.system.name,
                    wording.songs(row),
                    *([wording.condition(row)] if board.conditions_differ else []),
                    *(number_cell(row, column) for column in columns),
                ),
                row.system.sanity,
            )
            for row in board.rows
        ),
        notes=tuple(remarks),
        page_width=WIDTH,
    )


def number_cell(row: Row, column: Column) -> NumberCell:
    """The figure of a system in a column, or the word for why there is none."""
    cell = row.cells[column.name]
    if cell.value is None:
        return NumberCell(value=wording.EMPTY[cell.status])
    return NumberCell(
        value=wording.number(cell.value, column.field),
        interval=wording.interval(cell, column.field),
        group=cell.group,
        best=cell.best,
        share=wording.share(cell),
        number=cell.value,
    )


def _section(title: str, lines: Sequence[Phrase]) -> list[Block]:
    return [Heading(title), Listing(tuple(lines))] if lines else []


def _parts(board: Leaderboard) -> list[Block]:
    return _section(f"Parts by {board.facet}", notes.facet_notes(board))


def _columns(board: Leaderboard) -> list[Block]:
    """What every number means: the metrics with their limits and sources, their fields below them."""
    lines: list[Phrase | Listing] = []
    for metric in dict.fromkeys(column.metric for column in board.columns):
        facts = [
            metric.summary,
            f"Limits: {metric.limits}" if metric.limits else "",
            f"Source: {metric.citation}" if metric.citation else "",
        ]
        text = " ".join(f"{fact.rstrip('.')}." for fact in facts if fact)
        lines.append((Fragment(metric.id, "strong"), Fragment(f" (version {metric.version}). {text}")))
        lines.append(Listing(tuple(_meaning(column) for column in board.columns if column.metric == metric)))
    return [Heading("Columns"), Listing(tuple(lines))] if lines else []


def _meaning(column: Column) -> str:
    facts = ", ".join(part for part in (column.field.unit, wording.BETTER[column.field.direction]) if part)
    return f"{column.name} ({facts})" + (f": {column.field.description}" if column.field.description else "")


def _comparisons(board: Leaderboard) -> list[Table]:
    """Every pair in the columns that are shown; those of the others are in the JSON."""
    compared = {pair.column for pair in board.comparisons}
    return [
        replace(comparison_table(board, column), title=f"{column.name}: every pair", folded=True)
        for column in wording.headline_columns(board)
        if column.name in compared
    ]


def comparison_table(board: Leaderboard, column: Column) -> Table:
    """Every pair of systems in a column, with its tests."""
    over_parts = any(pair.p_over_parts is not None for pair in board.comparisons)
    head = ["first", "second", "prompts", "difference", "p (t)", "p (sign flip)", "p (Holm)"]
    head += ["p (Holm, all parts)"] * over_parts
    return Table(
        columns=tuple(TableColumn(name=title) for title in head),
        rows=tuple(
            TableRow(_pair(pair, column)[: len(head)]) for pair in board.comparisons if pair.column == column.name
        ),
    )


def _pair(pair: ColumnComparison, column: Column) -> tuple[TableCell, ...]:
    low, high = (None if bound is None else wording.number(bound, column.field) for bound in (pair.low, pair.high))
    interval = "" if low is None or high is None else f" [{low}, {high}]"
    adjusted = wording.p_value(pair.p_adjusted)
    return (
        pair.first,
        pair.second,
        str(pair.n_prompts),
        f"{wording.number(pair.difference, column.field)}{interval}",
        wording.p_value(pair.p),
        "" if pair.p_flip is None else wording.p_value(pair.p_flip),
        (Fragment(adjusted, "strong"),) if pair.significant else adjusted,
        "" if pair.p_over_parts is None else wording.p_value(pair.p_over_parts),
    )
