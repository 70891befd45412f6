"""The competitors side by side on each prompt: what the paired tests see."""

from __future__ import annotations

from songbench.contracts.cards import Field
from songbench.reporting import wording
from songbench.reporting.board import Cell, Column, Leaderboard
from songbench.reporting.document.blocks import Block, Heading, Table, TableColumn, TableRow
from songbench.statistics import Takes


def prompt_pairs(board: Leaderboard) -> list[Block]:
    """A folded table for each ranked column of songs: a row per prompt, a figure per competitor (mean over takes).

    Of two competitors the difference stands beside them. A single one has nothing to be paired with.
    """
    columns = [column for column in wording.headline_columns(board) if column.ranked and column.kind == "song"]
    tables = [table for column in columns if (table := _table(board, column))]
    return [Heading("Prompt by prompt"), *tables] if tables else []


def _table(board: Leaderboard, column: Column) -> Table | None:
    figures = {
        row.system.name: figures
        for row in board.rows
        if not row.system.sanity and (figures := _by_prompt(row.cells[column.name]))
    }
    if len(figures) < 2:
        return None
    names, field = list(figures), column.field
    prompts = dict.fromkeys(prompt for of_system in figures.values() for prompt in of_system)
    ordered = [prompt for prompt in dict.fromkeys(row.song.prompt for row in board.songs) if prompt in prompts]
    paired = [f"{names[0]} − {names[1]}"] * (len(names) == 2)
    return Table(
        title=f"{column.name}: prompt by prompt",
        columns=(
            TableColumn(name="prompt"),
            *(TableColumn(name=name, align="right") for name in (*names, *paired)),
        ),
        rows=tuple(
            TableRow(
                (
                    prompt,
                    *(_number(figures[name].get(prompt), field) for name in names),
                    *(_number(_difference(figures, prompt), field) for _ in paired),
                )
            )
            for prompt in ordered
        ),
        folded=True,
    )


def _by_prompt(cell: Cell) -> dict[str, float]:
    if not cell.points:
        return {}
    points = cell.points
    takes = Takes.of([p.prompt for p in points], [p.value for p in points], [p.weight for p in points])
    prompts, means, _ = takes.by_prompt()
    return dict(zip(prompts, means.tolist(), strict=True))


def _difference(figures: dict[str, dict[str, float]], prompt: str) -> float | None:
    first, second = (of_system.get(prompt) for of_system in figures.values())
    return None if first is None or second is None else first - second


def _number(value: float | None, field: Field) -> str:
    return "" if value is None else wording.number(value, field)
