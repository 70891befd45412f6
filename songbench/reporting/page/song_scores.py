"""What every metric said of one song, and what the systems scored on one prompt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from songbench.domain.score import Scores
from songbench.execution.results import MetricResults, RunResults, SongId
from songbench.reporting import wording
from songbench.reporting.board import Column, Point
from songbench.reporting.document.blocks import (
    FilledForm,
    Fragment,
    NumberCell,
    Table,
    TableColumn,
    TableForm,
    TableRow,
)
from songbench.reporting.leaderboard import columns_of
from songbench.reporting.system_scores import Gap, outcome_of_song

_REMEMBERED = 512
"""Songs whose values are kept at a time: each is in two tables of the page of its prompt."""


_COLUMNS = (
    TableColumn(name="score"),
    TableColumn(name="value", align="right"),
    TableColumn(name="unit"),
    TableColumn(name="meaning"),
)


class _Group(NamedTuple):
    """A metric and its columns."""

    metric: MetricResults
    columns: tuple[Column, ...]


class PromptScores:
    """The scores of a run's songs.

    Args:
        results: of the run.
    """

    def __init__(self, results: RunResults) -> None:
        self.results = results
        self.columns = [(metric, column) for metric, column in columns_of(results) if column.kind == "song"]
        self._groups = [
            _Group(metric=pairs[0][0], columns=tuple(column for _, column in pairs))
            for _, pairs in (
                (key, list(group)) for key, group in groupby(self.columns, key=lambda pair: pair[0].card.id)
            )
        ]
        self._texts = {
            column.name: (
                (Fragment(column.name, "strong" if column.field.headline else "plain"),),
                wording.unit(column),
            )
            for _, column in self.columns
        }
        self._form = TableForm(
            columns=_COLUMNS,
            texts=tuple((*self._texts[column.name], column.field.description) for _, column in self.columns),
        )
        self._numbers = lru_cache(maxsize=_REMEMBERED)(self._numbers_of)

    def table_of_song(self, song: SongId) -> Table | FilledForm:
        """Every field of every song metric: the number, or why there is none."""
        numbers = self._numbers(song)
        if numbers is not None:
            return FilledForm(self._form, numbers)
        return Table(columns=_COLUMNS, rows=tuple(self._rows(song)))

    def _numbers_of(self, song: SongId) -> tuple[tuple[str, float], ...] | None:
        """In each column the number, in words and as it is, where every one is there and none is doubtful: most songs.

        What `outcome_of_song` says of them is said here without asking what else might be the case.
        """
        if self.results.songs[song] != "done":
            return None
        numbers = []
        for metric, columns in self._groups:
            verdict = metric.songs.get(song)
            if not isinstance(verdict, Scores) or verdict.doubt:
                return None
            if verdict.weights and min(verdict.weights.values()) <= 0:
                return None
            for column in columns:
                value = verdict.values.get(column.field.name)
                if value is None:
                    return None
                numbers.append((wording.number(value, column.field), value))
        return tuple(numbers)

    def _rows(self, song: SongId) -> Iterator[TableRow]:
        """Fields in order; a metric without any number, for one reason, has one row."""
        values = self._values(song)
        place = 0
        for metric, columns in self._groups:
            verdict = metric.songs.get(song)
            doubt = f" Doubtful: {verdict.doubt}." if isinstance(verdict, Scores) and verdict.doubt else ""
            of_metric = values[place : place + len(columns)]
            place += len(columns)
            value, reason = of_metric[0]
            if reason and len(columns) > 1 and all(other == reason for _, other in of_metric):
                yield TableRow(((Fragment(metric.card.id, "strong"),), value, "", reason))
                continue
            for column, (value, reason) in zip(columns, of_metric, strict=True):
                name, unit = self._texts[column.name]
                yield TableRow((name, value, unit, reason or column.field.description + doubt))

    def _values(self, song: SongId) -> list[tuple[NumberCell, str]]:
        """In each column the number or the word for why there is none, and the reason."""
        values = []
        for metric, columns in self._groups:
            verdict = metric.songs.get(song)
            for column in columns:
                outcome = outcome_of_song(song, self.results.songs[song], verdict, column.field.name)
                values.append(_value(outcome, metric, column))
        return values

    def _cells(self, song: SongId, places: Sequence[int]) -> list[NumberCell]:
        """What some of the columns have."""
        numbers = self._numbers(song)
        if numbers is None:
            values = self._values(song)
            return [values[place][0] for place in places]
        return [NumberCell(value=value, number=number) for value, number in map(numbers.__getitem__, places)]

    def table_of_prompt(self, songs: Iterable[SongId], titles: Sequence[str], faint: Iterable[bool]) -> Table:
        """The headline columns: a row per song of one prompt.

        Args:
            songs: of the prompt.
            titles: of the songs.
            faint: whether each does not compete.
        """
        headline = [place for place, (_, column) in enumerate(self.columns) if column.field.headline]
        rows = []
        for song, title, aside in zip(songs, titles, faint, strict=True):
            rows.append(TableRow((title, *self._cells(song, headline)), aside))
        return Table(
            columns=(
                TableColumn(name="song"),
                *(
                    TableColumn(
                        name=column.name,
                        unit=wording.unit(column),
                        align="right",
                        meaning=column.field.description,
                        better="" if column.field.direction == "none" else column.field.direction,
                    )
                    for _, column in map(self.columns.__getitem__, headline)
                ),
            ),
            rows=tuple(rows),
            sortable=True,
            notes=(
                "One prompt says little: whether systems differ is on the report's front page. Metrics of whole sets "
                "of songs have no figure for a prompt.",
            ),
        )


def _value(outcome: Point | Gap, metric: MetricResults, column: Column) -> tuple[NumberCell, str]:
    if isinstance(outcome, Point):
        return NumberCell(value=wording.number(outcome.value, column.field), number=outcome.value), ""
    status, reason = outcome
    if status == "pending" and not metric.availability.ready:
        return NumberCell(value="not measured"), metric.availability.reason
    return NumberCell(value=wording.EMPTY[status]), reason or status
