"""From what a run stored to the leaderboard: pure, and the same for the same scores whatever their order on disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from songbench import statistics
from songbench.contracts.cards import SystemCard
from songbench.domain.song import Failure
from songbench.execution.results import MetricResults, RunResults, SongId, Unsupported
from songbench.reporting.board import (
    Cell,
    Column,
    ColumnComparison,
    FailureNote,
    Leaderboard,
    Row,
    Unmeasured,
)
from songbench.reporting.conditions import Condition, conditions_of
from songbench.reporting.estimates import best_systems
from songbench.reporting.facets import CONDITION, check_facet, results_by_facet
from songbench.reporting.generation_notes import generation_notes
from songbench.reporting.limits import UnsupportedSong
from songbench.reporting.listening_results import ListeningResult, rated_cells, rated_columns, rated_comparisons
from songbench.reporting.notes import board_notes, listening_notes, part_notes
from songbench.reporting.rank_notes import rank_notes
from songbench.reporting.songs import song_rows
from songbench.reporting.sound_notes import sound_notes
from songbench.reporting.structure import structure_tables
from songbench.reporting.system_scores import SystemScores, scores_of_set, scores_of_songs, short_cause
from songbench.statistics import Interval, PairedTest, SetFigure, Standing, Takes


def build_leaderboard(
    results: RunResults,
    *,
    listening_results: Sequence[ListeningResult] = (),
    confidence: float = 0.95,
    replicates: int = 2000,
    seed: int = 0,
    facet: str | None = None,
) -> Leaderboard:
    """Make the leaderboard of a run.

    Rows keep the order asked, competitors before sanity systems: ordering them by one metric would crown that metric.
    A figure of fewer songs than were asked for says so and is compared on common prompts only.

    Args:
        results: what the run stored so far; it may be unfinished.
        listening_results: of the run's listening tests; their columns come last and keep the tests' own intervals and
            letters.
        confidence: of the intervals, in (0, 1); pairs differ significantly below an adjusted p of 1 - confidence.
        replicates: of the bootstrap.
        seed: of everything random.
        facet: of `songbench.reporting.facets.facet_names`: also a table for each part of the run, in
            `Leaderboard.tables`, with tests of its own. Parts of the prompts have no columns of listening tests, whose
            figures are of all their songs.

    Returns:
        The leaderboard; the same bytes for the same scores.

    Raises:
        InputError: the suite has no such facet.
    """
    check_facet(results.suite, facet)
    chance = _Chance(confidence, replicates, seed)
    board = _board(results, listening_results, chance)
    if facet is None:
        return board
    return replace(board, facet=facet, tables=_tables_of_parts(results, facet, listening_results, chance))


def tables_of_parts(
    results: RunResults,
    facet: str,
    *,
    listening_results: Sequence[ListeningResult] = (),
    confidence: float = 0.95,
    replicates: int = 2000,
    seed: int = 0,
) -> dict[str, Leaderboard]:
    """What `build_leaderboard` puts into `Leaderboard.tables`, without the table of the whole run.

    Args:
        results: as there, like all others.
        facet: of `songbench.reporting.facets.facet_names`.
        listening_results: see there.
        confidence: see there.
        replicates: see there.
        seed: see there.

    Raises:
        InputError: the suite has no such facet.
    """
    return _tables_of_parts(results, facet, listening_results, _Chance(confidence, replicates, seed))


def _tables_of_parts(
    results: RunResults, facet: str, listening_results: Sequence[ListeningResult], chance: _Chance
) -> dict[str, Leaderboard]:
    parts = results_by_facet(results, facet)
    rated = listening_results if facet == CONDITION or len(parts) == 1 else ()
    tables = _corrected_over_parts({value: _board(part, rated, chance) for value, part in parts.items()})
    caution = part_notes(facet, len(tables))
    return {
        value: replace(table, facet=facet, facet_value=value, notes=(*table.notes, *caution))
        for value, table in tables.items()
    }


def _corrected_over_parts(tables: Mapping[str, Leaderboard]) -> dict[str, Leaderboard]:
    """The tables with `ColumnComparison.p_over_parts`: each column is one family across all parts."""
    pairs: dict[str, list[float]] = {}
    for table in tables.values():
        for pair in _of_metrics(table):
            pairs.setdefault(pair.column, []).append(pair.p)
    adjusted = {column: iter(statistics.holm(p).tolist()) for column, p in pairs.items()}
    corrected = {}
    for value, table in tables.items():
        of_metrics = set(_of_metrics(table))
        comparisons = (
            replace(pair, p_over_parts=next(adjusted[pair.column])) if pair in of_metrics else pair
            for pair in table.comparisons
        )
        corrected[value] = replace(table, comparisons=tuple(comparisons))
    return corrected


def _of_metrics(table: Leaderboard) -> list[ColumnComparison]:
    """The comparisons made here; those of listening tests come with their tests' own correction."""
    names = {column.name for column in table.columns if column.kind != "panel"}
    return [pair for pair in table.comparisons if pair.column in names]


def _board(results: RunResults, listening_results: Sequence[ListeningResult], chance: _Chance) -> Leaderboard:
    requests = _requests(results)
    systems = sorted(results.systems, key=lambda card: card.sanity)
    conditions = conditions_of(results)
    columns = columns_of(results)
    cells: dict[str, dict[str, Cell]] = {card.name: {} for card in systems}
    comparisons: list[ColumnComparison] = []
    for metric, column in columns:
        scores = {card.name: _scores_of(results, metric, column, requests[card.name]) for card in systems}
        pairs = _compare(column, scores, chance) if column.ranked else []
        comparisons += pairs
        for name, cell in _column_cells(column, systems, scores, pairs, chance).items():
            cells[name][column.name] = cell
    rated = [(result, scale, column) for result in listening_results for scale, column in rated_columns(result)]
    for _, scale, column in rated:
        comparisons += rated_comparisons(scale, column, systems)
        for name, cell in rated_cells(
            scale, column, systems, {name: len(songs) for name, songs in requests.items()}
        ).items():
            cells[name][column.name] = cell
    board = Leaderboard(
        suite=results.suite.name,
        suite_version=results.suite.version,
        prompts=len(results.suite.prompts),
        takes=results.takes,
        confidence=chance.confidence,
        replicates=chance.replicates,
        seed=chance.seed,
        columns=(*(column for _, column in columns), *(column for _, _, column in rated)),
        rows=tuple(
            _row(card, cells[card.name], requests[card.name], results, conditions[card.name]) for card in systems
        ),
        comparisons=tuple(comparisons),
        failures=tuple(_failures(results, systems, requests)),
        unsupported=tuple(_unsupported(results, systems, requests)),
        unavailable=tuple(
            Unmeasured(metric.card, metric.availability.reason, metric.availability.cure)
            for metric in results.metrics
            if not _measured(metric)
        ),
        notes=results.suite.notes,
        machine=results.machine,
        songs=tuple(song_rows(results)),
        structures=structure_tables(results),
    )
    return replace(
        board,
        notes=(
            *results.suite.notes,
            *board_notes(board),
            *rank_notes(results),
            *generation_notes(results),
            *sound_notes(results),
            *listening_notes(listening_results, {*results.elsewhere, *(card.name for card in systems)}),
        ),
    )


@dataclass(frozen=True)
class _Chance:
    confidence: float
    replicates: int
    seed: int

    @property
    def level(self) -> float:
        return round(1 - self.confidence, 12)


def _measured(metric: MetricResults) -> bool:
    """A metric that cannot run here any more keeps the column of what it said before."""
    return metric.availability.ready or bool(metric.songs or metric.sets)


def _requests(results: RunResults) -> dict[str, list[SongId]]:
    place = {prompt.id: number for number, prompt in enumerate(results.suite.prompts)}
    ordered = sorted(results.songs, key=lambda song: (place.get(song.prompt, len(place)), song.prompt, song.take))
    requests: dict[str, list[SongId]] = {card.name: [] for card in results.systems}
    for song in ordered:
        requests[song.system].append(song)
    return requests


def columns_of(results: RunResults) -> list[tuple[MetricResults, Column]]:
    """The fields of every metric that said something or still can, each with its column and that column's name."""
    fields = [(metric, card) for metric in results.metrics if _measured(metric) for card in metric.card.fields]
    uses = Counter(metric.card.column(card.name) for metric, card in fields)
    columns = []
    for metric, card in fields:
        name = metric.card.column(card.name)
        if uses[name] > 1:  # two metrics that measure fields of the same name with the same model
            name = f"{metric.card.name}.{name}"
        columns.append((metric, Column(name, metric.card, card, "set" if metric.of_sets else "song")))
    return columns


def _scores_of(results: RunResults, metric: MetricResults, column: Column, songs: Sequence[SongId]) -> SystemScores:
    if column.kind == "song":
        return scores_of_songs(songs, results.songs, metric.songs, column.field.name)
    verdict = metric.sets.get(songs[0].system) if songs else None
    return scores_of_set(songs, results.songs, verdict, column.field.name)


def _takes(system_scores: SystemScores) -> Takes:
    points = system_scores.points
    return Takes.of([p.prompt for p in points], [p.value for p in points], [p.weight for p in points])


def _compare(column: Column, scores: Mapping[str, SystemScores], chance: _Chance) -> list[ColumnComparison]:
    """Every pair of systems that shares at least two prompts, corrected for the number of pairs."""
    test = _song_test(scores, chance) if column.kind == "song" else _set_test(scores, chance)
    scored = [name for name, system_scores in scores.items() if system_scores.n]
    tested = [(a, b, test_result) for a, b in combinations(scored, 2) if (test_result := test(a, b))]
    adjusted = statistics.holm([test_result.p for _, _, test_result in tested])
    open_pairs = int(np.sum(adjusted >= chance.level))
    return [
        ColumnComparison(
            column=column.name,
            first=a,
            second=b,
            n_prompts=test_result.n,
            difference=test_result.difference,
            low=test_result.low,
            high=test_result.high,
            p=test_result.p,
            p_flip=test_result.p_flip,
            p_adjusted=float(p),
            significant=bool(p < chance.level),
            # Holm tests a pair after those that are significant: against the level over it and the others left
            **_power(test_result, chance.level / (open_pairs + bool(p < chance.level))),
        )
        for (a, b, test_result), p in zip(tested, adjusted, strict=True)
    ]


def _power(test: PairedTest, level: float) -> dict[str, Any]:
    return {
        "detectable": statistics.minimal_detectable_difference(
            test.deviation, test.n, level=level, stretch=test.stretch
        ),
        "prompts_needed": statistics.prompts_needed(test.difference, test.deviation, level=level, stretch=test.stretch),
    }


def _song_test(scores: Mapping[str, SystemScores], chance: _Chance) -> Callable[[str, str], PairedTest | None]:
    takes = {name: _takes(system_scores) for name, system_scores in scores.items() if system_scores.n}
    return lambda a, b: statistics.compare_takes(
        takes[a], takes[b], confidence=chance.confidence, replicates=chance.replicates, seed=chance.seed
    )


def _set_test(scores: Mapping[str, SystemScores], chance: _Chance) -> Callable[[str, str], PairedTest | None]:
    figures = {
        name: SetFigure(system_scores.figure, system_scores.leave_one_out)
        for name, system_scores in scores.items()
        if system_scores.figure is not None
    }
    return lambda a, b: statistics.compare_sets(
        figures[a], figures[b], confidence=chance.confidence, replicates=chance.replicates, seed=chance.seed
    )


def _column_cells(
    column: Column,
    systems: Sequence[SystemCard],
    scores: Mapping[str, SystemScores],
    pairs: Sequence[ColumnComparison],
    chance: _Chance,
) -> dict[str, Cell]:
    cells = {name: _cell(column, system_scores, chance) for name, system_scores in scores.items()}
    if not column.ranked:
        return cells
    competitors = [card.name for card in systems if not card.sanity]
    sign = -1 if column.field.direction == "higher" else 1
    figures = {name: sign * cell.value for name, cell in cells.items() if cell.value is not None}
    everyone = _standings(column, sorted(figures, key=lambda name: figures[name]), pairs, chance.level)
    among = _standings(column, competitors, pairs, chance.level)
    best = _best(column, competitors, cells, scores)
    nowhere = Standing(None, "")
    return {
        name: replace(
            cell,
            group=everyone.get(name, nowhere).group,
            rank=among.get(name, nowhere).rank,
            best=name in best,
        )
        for name, cell in cells.items()
    }


def _cell(column: Column, system_scores: SystemScores, chance: _Chance) -> Cell:
    value, interval = _estimate(column, system_scores, chance)
    return Cell(
        value=value,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        n=system_scores.n,
        n_possible=system_scores.n + sum(system_scores.gaps.values()),
        n_prompts=system_scores.prompts,
        n_not_applicable=system_scores.count("not applicable"),
        n_failed=system_scores.count("failed"),
        n_pending=system_scores.count("pending"),
        n_unsupported=system_scores.count("unsupported"),
        reason=system_scores.reason,
        not_applicable=system_scores.causes("not applicable"),
        points=system_scores.points,
    )


def _estimate(column: Column, system_scores: SystemScores, chance: _Chance) -> tuple[float | None, Interval | None]:
    if column.kind == "set":
        if system_scores.figure is None:
            return None, None
        interval = statistics.jackknife_interval(
            system_scores.figure, system_scores.leave_one_out, confidence=chance.confidence
        )
        return system_scores.figure, _within(interval, column) if interval else None
    if not system_scores.n:
        return None, None
    takes = _takes(system_scores)
    interval = statistics.bootstrap_interval(
        takes, confidence=chance.confidence, replicates=chance.replicates, seed=chance.seed
    )
    return takes.figure, _within(interval, column) if interval else None


def _within(interval: Interval, column: Column) -> Interval:
    """The part of an interval that the field can take at all: no distance is below 0, no share above 100 %."""
    low = -np.inf if column.field.low is None else column.field.low
    high = np.inf if column.field.high is None else column.field.high
    return Interval(max(interval.low, low), min(interval.high, high))


def _standings(
    column: Column, names: Sequence[str], pairs: Sequence[ColumnComparison], level: float
) -> Mapping[str, Standing]:
    """Letters and ranks among some systems, those that were compared."""
    among = [pair for pair in pairs if pair.first in names and pair.second in names]
    compared = {name for pair in among for name in (pair.first, pair.second)}
    sign = 1 if column.field.direction == "higher" else -1
    return statistics.standings(
        [name for name in names if name in compared],
        {(pair.first, pair.second): pair.p_adjusted for pair in among},
        {(pair.first, pair.second): sign * pair.difference for pair in among},
        level,
    )


def _best(
    column: Column, competitors: Sequence[str], cells: Mapping[str, Cell], scores: Mapping[str, SystemScores]
) -> set[str]:
    figures = {name: value for name in competitors if (value := cells[name].value) is not None}
    prompts = {name: frozenset(song[1:] for song in scores[name].basis) for name in figures}
    everything = frozenset().union(*prompts.values())
    most = max((cells[name].n for name in figures), default=0)
    complete = [name for name in figures if prompts[name] >= everything and cells[name].n == most]
    return best_systems(figures, complete, direction=column.field.direction, decimals=column.field.decimals)


def _row(
    card: SystemCard, cells: Mapping[str, Cell], songs: Sequence[SongId], results: RunResults, condition: Condition
) -> Row:
    states = [results.songs[song] for song in songs]
    n_done, n_pending = states.count("done"), states.count("pending")
    n_unsupported = sum(isinstance(state, Unsupported) for state in states)
    return Row(
        system=card,
        cells=cells,
        n_asked=len(states),
        n_done=n_done,
        n_failed=len(states) - n_done - n_pending - n_unsupported,
        n_pending=n_pending,
        n_unsupported=n_unsupported,
        condition=condition,
    )


def _unsupported(
    results: RunResults, systems: Sequence[SystemCard], requests: Mapping[str, Sequence[SongId]]
) -> Iterator[UnsupportedSong]:
    for card in systems:
        for song in requests[card.name]:
            state = results.songs[song]
            if isinstance(state, Unsupported):
                yield UnsupportedSong(*song, state.reason)


def _failures(
    results: RunResults, systems: Sequence[SystemCard], requests: Mapping[str, Sequence[SongId]]
) -> list[FailureNote]:
    notes = []
    for card in systems:
        for song in requests[card.name]:
            state = results.songs[song]
            if isinstance(state, Failure):
                notes.append(FailureNote(*song, state.stage, "", short_cause(state)))
            for metric in results.metrics:
                verdict = metric.songs.get(song)
                if isinstance(verdict, Failure):
                    notes.append(FailureNote(*song, verdict.stage, metric.card.id, short_cause(verdict)))
        for metric in results.metrics:
            verdict = metric.sets.get(card.name)
            if isinstance(verdict, Failure):
                cause = short_cause(verdict)
                notes.append(FailureNote(card.name, None, None, verdict.stage, metric.card.id, cause))
    return notes
