"""The leaderboard as files for programs: CSV (long form), the scores of every song, JSON with everything."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace

from songbench.contracts.cards import UPSTREAM_FACTS
from songbench.contracts.conflicts import conflicts_of
from songbench.reporting.board import Cell, Column, ColumnComparison, Leaderboard, Point, Row, tidy
from songbench.reporting.published import Published, published_to_json
from songbench.reporting.songs import song_to_csv_row

SCHEMA = "songbench.leaderboard/1"


def to_csv(board: Leaderboard, published: Sequence[Published] = ()) -> str:
    """One line per system and column, every number of the cell; the same columns as `Leaderboard.to_frame`.

    Published numbers follow as lines of the kind ``published``, with three columns more; they are of other songs.
    """
    records = tidy(board)
    if not published:
        return _csv(records)
    names = dict.fromkeys(name for record in records for name in record)
    return _csv([record | dict.fromkeys(_OF_PUBLISHED, "") for record in records] + _published(published, names))


_OF_PUBLISHED = ("published", "published_condition", "source")


def _published(published: Sequence[Published], names: Iterable[str]) -> list[dict[str, object]]:
    empty: dict[str, object] = dict.fromkeys((*names, *_OF_PUBLISHED), "")
    return [
        empty
        | {"system": number.system, "column": number.field, "field": number.field, "unit": number.unit}
        | {"direction": number.direction, "kind": "published", "status": "published", "value": float(number.value)}
        | {"reason": number.note, "published": numbers.name, "published_condition": number.condition}
        | {"source": f"{number.source} ({number.provenance})"}
        for numbers in published
        for number in numbers.values
    ]


def scores_to_csv(board: Leaderboard) -> str:
    """One line per system, column and scored song."""
    prompts: dict[str, str] = {}
    parts = []
    for row in board.rows:
        for column in board.columns:
            points = row.cells[column.name].points
            if not points:
                continue
            prompts.update({name: _csv_text(name) for name in {point.prompt for point in points} - prompts.keys()})
            start = _csv_text(row.system.name, column.name)
            lines = [
                f"{start},{prompts[prompt]},{take},{rounded(value)!r},{rounded(weight)!r}\n"
                for prompt, take, value, weight in points
            ]
            parts.append("".join(lines))
    return "".join([_csv_text("system", "column", *Point._fields) + "\n", *parts]) if parts else ""


def _csv_text(*cells: str) -> str:
    """Texts as the cells of a line, without its end."""
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerow(("", *cells))  # of an empty one alone it would make quotes
    return stream.getvalue()[1:-1]


def songs_to_csv(board: Leaderboard) -> str:
    """One line per song that the run asks for, made or not."""
    return _csv(map(song_to_csv_row, board.songs))


def to_json(board: Leaderboard, published: Sequence[Published] = ()) -> str:
    """Everything but the scores of single songs; keys are sorted, floats have ten significant digits.

    Ten digits are more than any score deserves, and the rounding of two machines differs only beyond them.
    """
    value: dict[str, object] = {
        "schema": SCHEMA,
        "suite": {"name": board.suite, "version": board.suite_version, "prompts": board.prompts, "takes": board.takes},
        "settings": {"confidence": board.confidence, "replicates": board.replicates, "seed": board.seed},
        "columns": [_column(column) for column in board.columns],
        "rows": [_row(row) for row in board.rows],
        "comparisons": [_comparison(pair) for pair in board.comparisons],
        "failures": [note._asdict() for note in board.failures],
        "unavailable": [{"metric": gap.metric.id, "reason": gap.reason, "cure": gap.cure} for gap in board.unavailable],
        "notes": list(board.notes),
        "machine": board.machine,
    }
    if variances := board.variances:
        value["variance"] = {name: parts._asdict() for name, parts in variances.items()}
    if published:
        value["published"] = [published_to_json(numbers) for numbers in published]
    if board.unsupported:
        value["unsupported"] = [song._asdict() for song in board.unsupported]
    if board.facet_value is not None:
        value |= {"facet": board.facet, "facet_value": board.facet_value}
    if board.conditions_differ:
        value["conditions"] = {row.system.name: row.condition for row in board.rows}
    return json.dumps(rounded(value), indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def _column(column: Column) -> dict[str, object]:
    metric = asdict(column.metric)
    del metric["fields"], metric["models"]
    if not column.metric.repeats:  # of few metrics
        del metric["repeats"]
    metric["conflicts"] = [asdict(conflict) for conflict in conflicts_of(column.metric)]
    return {"name": column.name, "kind": column.kind, "metric": metric, "field": asdict(column.field)}


def _row(row: Row) -> dict[str, object]:
    system = asdict(row.system)
    del system["depends_on"]  # told where it matters: in the notes, and as a metric's conflicts
    songs = {"asked": row.n_asked, "done": row.n_done, "failed": row.n_failed, "pending": row.n_pending}
    return {
        "system": {name: fact for name, fact in system.items() if fact or name not in UPSTREAM_FACTS},
        "songs": songs | ({"unsupported": row.n_unsupported} if row.n_unsupported else {}),
        "completion": row.completion,
        "cells": {name: _cell(cell) for name, cell in row.cells.items()},
    }


def _comparison(pair: ColumnComparison) -> dict[str, object]:
    value = asdict(pair)
    if pair.p_over_parts is None:  # not in a part of a run
        del value["p_over_parts"]
    if pair.detectable is None:  # a listening test's, or differences that do not vary
        del value["detectable"], value["prompts_needed"]
    return value


def _cell(cell: Cell) -> dict[str, object]:
    value = asdict(replace(cell, points=(), not_applicable=()))  # copies of all points would be made in vain
    del value["points"], value["not_applicable"]  # the latter is in the reason
    if not cell.n_raters:  # a metric's
        del value["n_raters"], value["n_ratings"]
    if not cell.n_unsupported:
        del value["n_unsupported"]
    return {**value, "status": cell.status, "partial": cell.partial}


def rounded(value: object) -> object:
    """A value for JSON or CSV with every number in it at ten significant digits."""
    if isinstance(value, float):
        return float(f"{value:.10g}")
    if value is None or isinstance(value, str | int):  # most values, and told soonest
        return value
    if isinstance(value, Mapping):
        return {name: rounded(part) for name, part in value.items()}
    if isinstance(value, Sequence):
        return [rounded(part) for part in value]
    return value


def _csv(records: Iterable[Mapping[str, object]]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    for number, record in enumerate(records):
        if not number:
            writer.writerow(record)
        writer.writerow([rounded(value) for value in record.values()])
    return stream.getvalue()
