"""The prompts of a run as a table that margins to their pages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

from songbench.domain.prompt import Prompt
from songbench.reporting import wording
from songbench.reporting.board import Column, Leaderboard
from songbench.reporting.document.blocks import Fragment, NumberCell, Phrase, Table, TableCell, TableColumn, TableRow
from songbench.reporting.page.material import PageMaterial, prompt_place

_SHOWN = 3
"""Columns of scores that are there before a reader chooses others."""


def prompt_table(material: PageMaterial, pages: Collection[str]) -> Table:
    """One row per prompt: what it asks for, and in each headline column its best and its worst competitor.

    Args:
        material: of the run.
        pages: paths of the pages of prompts that there are.
    """
    prompts, board = material.results.suite.prompts, material.board
    tags = list(dict.fromkeys(tag for prompt in prompts for tag in prompt.tags))
    columns = [column for column in wording.headline_columns(board) if column.ranked and column.kind == "song"]
    scores = {column.name: _scores(board, column) for column in columns}
    several = any(len(systems) > 1 for of_column in scores.values() for systems in of_column.values())
    return Table(
        columns=(
            TableColumn(name="prompt"),
            TableColumn(name="language"),
            *(TableColumn(name=tag) for tag in tags),
            TableColumn(name="sections"),
            *(
                TableColumn(
                    name=column.name,
                    unit=f"{wording.unit(column)}{', best and worst' if several else ''}",
                    align="left" if several else "right",
                    meaning=column.field.description,
                    better="" if column.field.direction == "none" else column.field.direction,
                    optional=number >= _SHOWN,
                )
                for number, column in enumerate(columns)
            ),
        ),
        rows=tuple(
            TableRow(
                (
                    _name(prompt, pages),
                    prompt.language,
                    *(prompt.tags.get(tag, "") for tag in tags),
                    prompt.section_plan,
                    *(_extremes(scores[column.name].get(prompt.id, {}), column) for column in columns),
                )
            )
            for prompt in prompts
        ),
        sortable=True,
        searchable=True,
    )


def _name(prompt: Prompt, pages: Collection[str]) -> Phrase:
    place = prompt_place(prompt.id)
    return (Fragment(prompt.id, link=place if place in pages else ""),)


def _scores(board: Leaderboard, column: Column) -> dict[str, dict[str, float]]:
    """For each prompt, the mean over takes of each competitor that has a score; of all systems where none competes."""
    competing = [row for row in board.rows if not row.system.sanity] or list(board.rows)
    scores: dict[str, dict[str, float]] = defaultdict(dict)
    for row in competing:
        sums: dict[str, tuple[float, float]] = {}
        for point in row.cells[column.name].points:
            total, weight = sums.get(point.prompt, (0.0, 0.0))
            sums[point.prompt] = (total + point.weight * point.value, weight + point.weight)
        for prompt, (total, weight) in sums.items():
            scores[prompt][row.system.name] = total / weight
    return scores


def _extremes(scores: Mapping[str, float], column: Column) -> TableCell:
    if not scores:
        return ""
    sign = 1 if column.field.direction == "lower" else -1
    ordered = sorted(scores, key=lambda system: sign * scores[system])
    best, worst = (wording.number(scores[system], column.field) for system in (ordered[0], ordered[-1]))
    if len(ordered) == 1:
        return NumberCell(value=best, number=scores[ordered[0]])
    value, share = f"{best} {ordered[0]}", f"{worst} {ordered[-1]}"
    return NumberCell(value=value, share=share, number=scores[ordered[0]])
