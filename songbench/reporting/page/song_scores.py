"""What every metric said of one song, and what the systems scored on one prompt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from songbench.domain.score import Scores
from songbench.execution.results import MetricResults, RunResults, SongId
from songbench.reporting import wording
from songbench.reporting.board import Column, Point
from songbench.reporting.document.blocks import Fragment, NumberCell, Table, TableColumn, TableRow
from songbench.reporting.leaderboard import columns_of
from songbench.reporting.system_scores import outcome_of_song


class PromptScores:
    """The scores of a run's songs.

    Args:
        results: of the run.
    """

    def __init__(self, results: RunResults) -> None:
        self.results = results
        self.columns = [(metric, column) for metric, column in columns_of(results) if column.kind == "song"]
        self._groups = [list(group) for _, group in groupby(self.columns, key=lambda pair: pair[0].card.id)]
        self._texts = {
            column.name: (
                (Fragment(column.name, "strong" if column.field.headline else "plain"),),
                wording.unit(column),
            )
            for _, column in self.columns
        }

    def table_of_song(self, song: SongId) -> Table:
        """Every field of every song metric: the number, or why there is none."""
        return Table(
            columns=(
                TableColumn(name="score"),
                TableColumn(name="value", align="right"),
                TableColumn(name="unit"),
                TableColumn(name="meaning"),
            ),
            rows=tuple(self._rows(song)),
        )

    def _rows(self, song: SongId) -> Iterator[TableRow]:
        """Fields in order; a metric without any number, for one reason, has one row."""
        for pairs in self._groups:
            verdict = pairs[0][0].songs.get(song)
            doubt = f" Doubtful: {verdict.doubt}." if isinstance(verdict, Scores) and verdict.doubt else ""
            values = [self._value(metric, column, song) for metric, column in pairs]
            reasons = {reason for _, reason in values}
            if len(pairs) > 1 and len(reasons) == 1 and "" not in reasons:
                (value, reason), metric = values[0], pairs[0][0]
                yield TableRow(((Fragment(metric.card.id, "strong"),), value, "", reason))
                continue
            for (_, column), (value, reason) in zip(pairs, values, strict=True):
                name, unit = self._texts[column.name]
                yield TableRow((name, value, unit, reason or column.field.description + doubt))

    def _value(self, metric: MetricResults, column: Column, song: SongId) -> tuple[NumberCell, str]:
        """The number or the word for why there is none, and the reason."""
        outcome = outcome_of_song(song, self.results.songs[song], metric.songs.get(song), column.field.name)
        if isinstance(outcome, Point):
            return NumberCell(value=wording.number(outcome.value, column.field), number=outcome.value), ""
        status, reason = outcome
        if status == "pending" and not metric.availability.ready:
            return NumberCell(value="not measured"), metric.availability.reason
        return NumberCell(value=wording.EMPTY[status]), reason or status

    def table_of_prompt(self, songs: Iterable[SongId], titles: Sequence[str], faint: Iterable[bool]) -> Table:
        """The headline columns: a row per song of one prompt.

        Args:
            songs: of the prompt.
            titles: of the songs.
            faint: whether each does not compete.
        """
        headline = [(metric, column) for metric, column in self.columns if column.field.headline]
        rows = []
        for song, title, aside in zip(songs, titles, faint, strict=True):
            cells = [self._value(metric, column, song)[0] for metric, column in headline]
            rows.append(TableRow((title, *cells), aside))
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
                    for _, column in headline
                ),
            ),
            rows=tuple(rows),
            sortable=True,
            notes=(
                "One prompt says little: whether systems differ is on the report's front page. Metrics of whole sets "
                "of songs have no figure for a prompt.",
            ),
        )
