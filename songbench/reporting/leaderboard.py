"""From what a run stored to the leaderboard: pure, and the same for the same scores whatever their order on disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from operator import itemgetter
from typing import Any, TypeAlias

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
from songbench.reporting.estimates import Estimate, best_systems
from songbench.reporting.facets import CONDITION, check_facet, results_by_facet
from songbench.reporting.generation_notes import generation_notes
from songbench.reporting.limits import UnsupportedSong
from songbench.reporting.listening_results import ListeningResult, rated_cells, rated_columns, rated_comparisons
from songbench.reporting.notes import board_notes, listening_notes, part_notes
from songbench.reporting.rank_notes import rank_notes
from songbench.reporting.songs import song_rows
from songbench.reporting.sound_notes import sound_notes
from songbench.reporting.structure import structure_tables
from songbench.reporting.system_scores import SongOutcomes, SystemScores, scores_of_set, short_cause
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
    outcomes = SongOutcomes(results)
    board = _board(results, listening_results, chance, outcomes)
    if facet is None:
        return board
    return replace(board, facet=facet, tables=_tables_of_parts(results, facet, listening_results, chance, outcomes))


def tables_of_parts(
    results: RunResults,
    facet: str,
    *,
    listening_results: Sequence[ListeningResult] = (),
    confidence: float = 0.95,
    replicates: int = 2000,
    seed: int = 0,
    outcomes: SongOutcomes | None = None,
) -> dict[str, Leaderboard]:
    """What `build_leaderboard` puts into `Leaderboard.tables`, without the table of the whole run.

    Args:
        results: as there, like all others.
        facet: of `songbench.reporting.facets.facet_names`.
        listening_results: see there.
        confidence: see there.
        replicates: see there.
        seed: see there.
        outcomes: of the run's songs, where several facets share them.

    Raises:
        InputError: the suite has no such facet.
    """
    chance = _Chance(confidence, replicates, seed)
    return _tables_of_parts(results, facet, listening_results, chance, outcomes or SongOutcomes(results))


def _tables_of_parts(
    results: RunResults,
    facet: str,
    listening_results: Sequence[ListeningResult],
    chance: _Chance,
    outcomes: SongOutcomes,
) -> dict[str, Leaderboard]:
    parts = results_by_facet(results, facet)
    rated = listening_results if facet == CONDITION or len(parts) == 1 else ()
    tables = _corrected_over_parts({value: _board(part, rated, chance, outcomes) for value, part in parts.items()})
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


def _board(
    results: RunResults, listening_results: Sequence[ListeningResult], chance: _Chance, outcomes: SongOutcomes
) -> Leaderboard:
    requests = _requests(results)
    systems = sorted(results.systems, key=lambda card: card.sanity)
    conditions = conditions_of(results)
    columns = columns_of(results)
    scores = [
        {card.name: _scores_of(results, metric, column, requests[card.name], outcomes) for card in systems}
        for metric, column in columns
    ]
    samples = [_samples(column, of_systems) for (_, column), of_systems in zip(columns, scores, strict=True)]
    cells: dict[str, dict[str, Cell]] = {card.name: {} for card in systems}
    comparisons: list[ColumnComparison] = []
    for (_, column), of_systems, pairs, estimates in zip(
        columns, scores, _compare(columns, scores, samples, chance), _estimates(columns, samples, chance), strict=True
    ):
        comparisons += pairs
        for name, cell in _column_cells(column, systems, of_systems, estimates, pairs, chance).items():
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

    @property
    def settings(self) -> dict[str, Any]:
        """As `songbench.statistics` takes them."""
        return {"confidence": self.confidence, "replicates": self.replicates, "seed": self.seed}


_Samples: TypeAlias = Mapping[str, Takes] | Mapping[str, SetFigure]
"""What a column is computed from, by the names of the systems that have a figure, in the order of rows."""


def _measured(metric: MetricResults) -> bool:
    """A metric that cannot run here any more keeps the column of what it said before."""
    return metric.availability.ready or bool(metric.songs or metric.sets)


def _requests(results: RunResults) -> dict[str, tuple[SongId, ...]]:
    place = {prompt.id: number for number, prompt in enumerate(results.suite.prompts)}
    ordered = sorted(results.songs, key=lambda song: (place.get(song.prompt, len(place)), song.prompt, song.take))
    requests: dict[str, list[SongId]] = {card.name: [] for card in results.systems}
    for song in ordered:
        requests[song.system].append(song)
    return {name: tuple(songs) for name, songs in requests.items()}


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


def _scores_of(
    results: RunResults, metric: MetricResults, column: Column, songs: Sequence[SongId], outcomes: SongOutcomes
) -> SystemScores:
    if column.kind == "song":
        return outcomes.scores(songs, metric, column.field.name)
    verdict = metric.sets.get(songs[0].system) if songs else None
    return scores_of_set(songs, results.songs, verdict, column.field.name)


def _samples(column: Column, scores: Mapping[str, SystemScores]) -> _Samples:
    """What is computed with, of each system that has a figure."""
    if column.kind == "song":
        return {name: _takes(system_scores) for name, system_scores in scores.items() if system_scores.n}
    return {
        name: SetFigure(system_scores.figure, system_scores.leave_one_out)
        for name, system_scores in scores.items()
        if system_scores.figure is not None
    }


def _takes(system_scores: SystemScores) -> Takes:
    points = system_scores.points
    return Takes.of([p.prompt for p in points], [p.value for p in points], [p.weight for p in points])


def _compare(
    columns: Sequence[tuple[MetricResults, Column]],
    scores: Sequence[Mapping[str, SystemScores]],
    samples: Sequence[_Samples],
    chance: _Chance,
) -> Iterator[list[ColumnComparison]]:
    """Of every column each pair of systems that shares at least two prompts, corrected for the number of pairs."""
    pairs = [
        list(combinations([name for name in of_systems if of_column[name].n], 2)) if column.ranked else []
        for (_, column), of_column, of_systems in zip(columns, scores, samples, strict=True)
    ]
    of_songs: list[tuple[Takes, Takes]] = []
    of_sets: list[tuple[SetFigure, SetFigure]] = []
    for of_systems, of_column in zip(samples, pairs, strict=True):
        for first, second in of_column:
            a, b = of_systems[first], of_systems[second]
            if isinstance(a, Takes) and isinstance(b, Takes):
                of_songs.append((a, b))
            elif isinstance(a, SetFigure) and isinstance(b, SetFigure):
                of_sets.append((a, b))
    tests = {
        "song": iter(statistics.compare_all_takes(of_songs, **chance.settings)),
        "set": iter(statistics.compare_all_sets(of_sets, **chance.settings)),
    }
    for (_, column), of_column in zip(columns, pairs, strict=True):
        results = [(*pair, next(tests[column.kind])) for pair in of_column]
        yield _corrected(column, [(a, b, test) for a, b, test in results if test], chance)


def _corrected(
    column: Column, tested: Sequence[tuple[str, str, PairedTest]], chance: _Chance
) -> list[ColumnComparison]:
    """The tests of one column's pairs, which are one family."""
    adjusted = statistics.holm([test.p for _, _, test in tested])
    open_pairs = int(np.sum(adjusted >= chance.level))
    return [
        ColumnComparison(
            column=column.name,
            first=a,
            second=b,
            n_prompts=test.n,
            difference=test.difference,
            low=test.low,
            high=test.high,
            p=test.p,
            p_flip=test.p_flip,
            p_adjusted=float(p),
            significant=bool(p < chance.level),
            # Holm tests a pair after those that are significant: against the level over it and the others left
            **_power(test, chance.level / (open_pairs + bool(p < chance.level))),
        )
        for (a, b, test), p in zip(tested, adjusted, strict=True)
    ]


def _power(test: PairedTest, level: float) -> dict[str, Any]:
    return {
        "detectable": statistics.minimal_detectable_difference(
            test.deviation, test.n, level=level, stretch=test.stretch
        ),
        "prompts_needed": statistics.prompts_needed(test.difference, test.deviation, level=level, stretch=test.stretch),
    }


def _column_cells(
    column: Column,
    systems: Sequence[SystemCard],
    scores: Mapping[str, SystemScores],
    estimates: Mapping[str, Estimate],
    pairs: Sequence[ColumnComparison],
    chance: _Chance,
) -> dict[str, Cell]:
    cells = {name: _cell(system_scores, estimates.get(name, Estimate())) for name, system_scores in scores.items()}
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


def _cell(system_scores: SystemScores, estimate: Estimate) -> Cell:
    return Cell(
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
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


def _estimates(
    columns: Sequence[tuple[MetricResults, Column]], samples: Sequence[_Samples], chance: _Chance
) -> Iterator[dict[str, Estimate]]:
    """Of every column the figures and intervals of the systems that have one."""
    of_songs = [sample for of_systems in samples for sample in of_systems.values() if isinstance(sample, Takes)]
    intervals = iter(statistics.bootstrap_intervals(of_songs, **chance.settings))
    for (_, column), of_systems in zip(columns, samples, strict=True):
        estimates = {}
        for name, sample in of_systems.items():
            if isinstance(sample, Takes):
                interval = next(intervals)
            else:
                interval = statistics.jackknife_interval(*sample, confidence=chance.confidence)
            low, high = _within(interval, column) if interval else (None, None)
            estimates[name] = Estimate(sample.figure, low, high)
        yield estimates


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


_of_prompt_and_take = itemgetter(1, 2)
"""Which song it is, whoever made it."""


def _best(
    column: Column, competitors: Sequence[str], cells: Mapping[str, Cell], scores: Mapping[str, SystemScores]
) -> set[str]:
    figures = {name: value for name in competitors if (value := cells[name].value) is not None}
    prompts = {name: frozenset(map(_of_prompt_and_take, scores[name].basis)) for name in figures}
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
