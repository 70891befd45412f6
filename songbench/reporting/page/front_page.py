"""The front page of a report, as blocks: the answer first, then the numbers, then what they rest on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from songbench.reporting import wording
from songbench.reporting.board import Column, Leaderboard, Row
from songbench.reporting.document.blocks import (
    Block,
    Figure,
    Fold,
    Fragment,
    Heading,
    Listing,
    Phrase,
    SideBySide,
    Table,
    TableCell,
    TableColumn,
    TableRow,
    Text,
    coded,
)
from songbench.reporting.figures.files import file_name
from songbench.reporting.figures.gallery import Picture
from songbench.reporting.page.answer import answer
from songbench.reporting.page.board_views import board_views, lead_table, legend
from songbench.reporting.page.definitions import definitions
from songbench.reporting.page.material import PageMaterial
from songbench.reporting.page.parts import RunPart
from songbench.reporting.page.prompt_list import prompt_table
from songbench.reporting.page.run_record import record_blocks
from songbench.reporting.page.song_files import ReportAudio
from songbench.reporting.precision import precision_blocks
from songbench.reporting.published import published_blocks
from songbench.reporting.tables import comparison_table, number_cell


def front_page(
    material: PageMaterial,
    pictures: Sequence[Picture],
    *,
    parts: Sequence[RunPart] = (),
    songs: ReportAudio,
    pages: Collection[str] = (),
    files: Sequence[str] = (),
) -> list[Block]:
    """The blocks of the page.

    Args:
        material: of the run.
        pictures: the figures of the report.
        parts: of the run, each with its leaderboard.
        songs: those that lie beside the page.
        pages: paths of the pages of prompts that there are.
        files: names of the files that lie beside the page, to be linked.
    """
    board = material.board
    first = answer(board)
    return [
        Heading(f"{material.name}: {wording.caption(board)}", level=1),
        Text(first.sentence, lead=True),
        *([Listing(first.limits)] if first.limits else []),
        Heading("Leaderboard"),
        board_views(board, parts),
        legend(board),
        *lead_table(board),
        *_section("Notes", board.notes),
        Heading("Prompts"),
        Text(_about_prompts(songs)),
        prompt_table(material, pages),
        *_figures(board, pictures),
        *precision_blocks(board),
        *_missing(board),
        Heading("What the columns mean"),
        *definitions(board),
        *published_blocks(material.published),
        Heading("Run record"),
        *record_blocks(material),
        *_files(files),
    ]


def _section(title: str, lines: Sequence[Phrase], level: int = 2) -> list[Block]:
    return [Heading(title, level), Listing(tuple(lines))] if lines else []


def _figures(board: Leaderboard, pictures: Sequence[Picture]) -> list[Block]:
    """Those that are about a whole column stand beside its numbers, the others by themselves."""
    columns = {file_name(column.name): column for column in board.columns}
    blocks: list[Block] = [Heading("Figures")] if pictures else []
    for picture in pictures:
        figure = Figure(picture.name, picture.alt)
        if column := columns.get(picture.name):
            blocks += [Heading(column.name, level=3), SideBySide(((figure,), _beside(board, column)))]
        else:
            blocks.append(figure)
    return blocks


def _beside(board: Leaderboard, column: Column) -> tuple[Block, ...]:
    """What stands beside the figure of a column: its numbers, and every pair."""
    numbers = Table(
        columns=(
            TableColumn(name="system"),
            TableColumn(name=column.field.name, unit=wording.unit(column), align="right"),
            TableColumn(name="interval"),
            TableColumn(name="songs"),
        ),
        rows=tuple(TableRow(_figure(row, column), row.system.sanity) for row in board.rows),
    )
    pairs = comparison_table(board, column)
    meaning = [Text(column.field.description.rstrip(".") + ".")] if column.field.description else []
    return (*meaning, numbers, *([Fold("Every pair", (pairs,))] if pairs.rows else []))


def _figure(row: Row, column: Column) -> tuple[TableCell, ...]:
    """A system in a table of one column, where there is room for the interval beside the number."""
    cell = number_cell(row, column)
    songs = row.cells[column.name].n
    return row.system.name, replace(cell, interval="", share=""), cell.interval, str(songs) if songs else ""


def _about_prompts(songs: ReportAudio) -> Phrase:
    if songs.mode == "none":
        return coded(
            "Each prompt has a page with its lyrics and all scores. This copy of the report has no audio; "
            "`songbench report RUN --audio link` writes one that has."
        )
    return "Each prompt has a page with players for its songs, its lyrics with what was recognised, and all scores."


def _missing(board: Leaderboard) -> list[Block]:
    parts = [
        *_section("Failures", wording.failures(board), 3),
        *_section("Not applicable", wording.not_applicable(board), 3),
        *_section("Unsupported", wording.unsupported(board), 3),
        *_section("Not measured", wording.unmeasured(board), 3),
    ]
    return [Heading("What is missing, and why"), *parts] if parts else []


def _files(names: Sequence[str]) -> list[Block]:
    if not names:
        return []
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(str(PurePosixPath(name).with_suffix("")), []).append(name)
    return [Heading("Files"), Listing(tuple(_formats(group) for group in groups.values()))]


def _formats(names: Sequence[str]) -> Phrase:
    """One file in its formats: the first by its whole name, the others by their endings."""
    fragments = [Fragment(names[0], link=names[0])]
    for name in names[1:]:
        fragments += [Fragment(", "), Fragment(PurePosixPath(name).suffix, link=name)]
    return tuple(fragments)
