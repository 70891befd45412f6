"""A part of a run or of a leaderboard: some systems, some columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from songbench.domain.errors import InputError
from songbench.execution.results import MetricResults, RunResults

if TYPE_CHECKING:
    from songbench.reporting.board import Column, Leaderboard


def select_systems(results: RunResults, systems: Sequence[str]) -> RunResults:
    """The results of some systems alone, in the order given.

    Args:
        results: of a run.
        systems: names; sanity systems that are not among them are left out, too.

    Raises:
        InputError: the run has no such system, naming the nearest.
    """
    cards = {card.name: card for card in results.systems}
    for system in systems:
        if system not in cards:
            raise InputError(f"The run has no system '{system}'.", field="systems", value=system, allowed=cards)
    names = set(systems)
    return replace(
        results,
        systems=tuple(cards[name] for name in dict.fromkeys(systems)),
        songs={song: state for song, state in results.songs.items() if song.system in names},
        metrics=tuple(_of_systems(metric, names) for metric in results.metrics),
        sounds={song: sound for song, sound in results.sounds.items() if song.system in names},
        generation={song: record for song, record in results.generation.items() if song.system in names},
        elsewhere=(*results.elsewhere, *(name for name in cards if name not in names)),
    )


def _of_systems(metric: MetricResults, systems: set[str]) -> MetricResults:
    return replace(
        metric,
        songs={song: verdict for song, verdict in metric.songs.items() if song.system in systems},
        sets={system: verdict for system, verdict in metric.sets.items() if system in systems},
    )


def select_columns(columns: Iterable[Column], names: Sequence[str]) -> list[Column]:
    """The columns that names stand for, in the order given, each once.

    Args:
        columns: of a leaderboard.
        names: of a column (``per@whisper-base-stem``), a metric (``audio``: all its fields), a field (``per``: of all
            backends), or a metric with its backend (``audio@samples``).

    Raises:
        InputError: a name stands for none, naming the nearest.
    """
    listed = list(columns)
    selected: dict[str, Column] = {}
    for name in names:
        exact = [column for column in listed if column.name == name]
        of_field = [column for column in listed if column.field.name == name]
        of_metric = [column for column in listed if name in (column.metric.name, column.metric.id)]
        matches = exact or of_field or of_metric
        if not matches:
            allowed = [part for column in listed for part in (column.name, column.field.name, column.metric.name)]
            raise InputError(
                f"There is no column '{name}'.", field="columns", value=name, allowed=dict.fromkeys(allowed)
            )
        selected |= {column.name: column for column in matches}
    return list(selected.values())


def with_columns(board: Leaderboard, names: Sequence[str]) -> Leaderboard:
    """A leaderboard of some columns alone, as `select_columns`; also in the tables into which it is split."""
    columns = tuple(select_columns(board.columns, names))
    remaining = {column.name for column in columns}
    return replace(
        board,
        columns=columns,
        rows=tuple(
            replace(row, cells={name: cell for name, cell in row.cells.items() if name in remaining})
            for row in board.rows
        ),
        comparisons=tuple(pair for pair in board.comparisons if pair.column in remaining),
        tables={part: with_columns(table, names) for part, table in board.tables.items()},
    )
