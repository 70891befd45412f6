"""What a leaderboard is made of. Every number a reader can see is here; tables and figures only lay it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from songbench.contracts.cards import Field, MetricCard, SystemCard
from songbench.reporting.conditions import Condition, differ
from songbench.reporting.estimates import Comparison, Estimate
from songbench.reporting.limits import UnsupportedSong
from songbench.reporting.songs import SongRow
from songbench.reporting.structure import StructureTable

if TYPE_CHECKING:
    import pandas as pd

    from songbench.statistics import VarianceParts

Kind: TypeAlias = Literal["song", "set", "panel"]
"""Whether the figure is a mean over songs, belongs to all songs of a system together, or was given by raters."""

Status: TypeAlias = Literal["scored", "not applicable", "failed", "pending", "unsupported"]
"""Why a cell holds a number or none."""


@dataclass(frozen=True)
class Column:
    """One field of one metric.

    Attributes:
        name: ``field@backend``, unique in its leaderboard.
        metric: the metric.
        field: the field.
        kind: mean over songs, one figure for the set, or the answers of a listening test's raters.
    """

    name: str
    metric: MetricCard
    field: Field
    kind: Kind

    @property
    def ranked(self) -> bool:
        """Whether one direction is better; if not, nothing is compared or marked."""
        return self.field.direction != "none"


class Point(NamedTuple):
    """What one song scored, and how much it counts."""

    prompt: str
    take: int
    value: float
    weight: float


@dataclass(frozen=True, kw_only=True)
class Cell(Estimate):
    """One system in one column.

    ``n + n_not_applicable + n_failed + n_pending + n_unsupported == n_possible``, all in songs.

    Attributes:
        n: songs the figure rests on.
        n_possible: songs asked of the system.
        n_prompts: prompts the figure rests on.
        n_not_applicable: songs the metric has nothing to say about.
        n_failed: songs that were not made, or made and not scored.
        n_pending: songs not made or not scored yet.
        n_unsupported: songs that are never made, as the system cannot take the prompt.
        group: letters; systems of the column that share one do not differ significantly. "" where nothing was compared.
        rank: best and worst rank among the competitors that significance allows; None for sanity systems.
        best: whether it is the best of several competitors, as printed, on a set of songs that holds every other one's.
        reason: what is missing and why; "" when nothing is.
        not_applicable: why the metric has nothing to say about some songs: the causes, the most frequent first.
        points: the songs behind the figure, in suite order; empty for set metrics.
        n_raters: listening tests: who answered; 0 for metrics.
        n_ratings: listening tests: their answers.
    """

    n: int = 0
    n_possible: int = 0
    n_prompts: int = 0
    n_not_applicable: int = 0
    n_failed: int = 0
    n_pending: int = 0
    n_unsupported: int = 0
    group: str = ""
    rank: tuple[int, int] | None = None
    best: bool = False
    reason: str = ""
    not_applicable: tuple[str, ...] = ()
    points: tuple[Point, ...] = field(default=(), repr=False)
    n_raters: int = 0
    n_ratings: int = 0

    @property
    def partial(self) -> bool:
        """Whether it holds a number that rests on fewer songs than were asked for."""
        return self.value is not None and self.n < self.n_possible

    @property
    def status(self) -> Status:
        """``scored`` when there is a number; else why there is none.

        Songs that are not made yet count first. One song that failed among many to which the metric does not apply does
        not make the cell a failure.
        """
        if self.value is not None:
            return "scored"
        if self.n_pending:
            return "pending"
        if self.n_failed and self.n_failed >= self.n_not_applicable:
            return "failed"
        return "not applicable" if self.n_not_applicable or not self.n_unsupported else "unsupported"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One system.

    Attributes:
        system: its card.
        cells: by the name of the column.
        n_asked: songs the run asks for.
        n_done: songs it made.
        n_failed: songs it failed to make.
        n_pending: songs it was not asked to make yet.
        n_unsupported: songs it is never asked to make, as it cannot take the prompt.
        condition: the kind of style its songs were made from, of `songbench.reporting.conditions.CONDITIONS`.
    """

    system: SystemCard
    cells: Mapping[str, Cell]
    n_asked: int
    n_done: int
    n_failed: int
    n_pending: int
    n_unsupported: int = 0
    condition: Condition = ""

    @property
    def completion(self) -> float | None:
        """Songs made over songs asked, unsupported ones among these, in [0, 1]; None when none was asked."""
        return self.n_done / self.n_asked if self.n_asked else None


@dataclass(frozen=True, kw_only=True)
class ColumnComparison(Comparison):
    """Two systems in one column.

    Attributes:
        column: the name of the column.
        p_over_parts: in a part of a run, `p` after Holm's correction over all pairs of the column in all parts; else
            None, as for listening tests.
        detectable: the least true difference that would be found in four of five such runs, see
            `songbench.statistics.detectable`, at the level that Holm's correction leaves this pair as the others stand;
            None for listening tests and where differences do not vary.
        prompts_needed: how many prompts would settle a difference that is as large as it looks; None as above, and
            where no number of prompts would do.
    """

    column: str
    p_over_parts: float | None = None
    detectable: float | None = None
    prompts_needed: int | None = None


class FailureNote(NamedTuple):
    """Something that did not come about; prompt and take are None for a whole set, metric is "" for generation."""

    system: str
    prompt: str | None
    take: int | None
    stage: str
    metric: str
    cause: str


class Unmeasured(NamedTuple):
    """A metric that was asked for and cannot run here."""

    metric: MetricCard
    reason: str
    cure: str


@dataclass(frozen=True, kw_only=True)
class Leaderboard:
    """Systems x metrics with intervals, significance groups, n and completion rate.

    There is deliberately no average over columns: no single number may order the table.

    Attributes:
        suite: name of the suite.
        suite_version: its version; leaderboards of two versions are not comparable.
        prompts: prompts of the suite.
        takes: takes per prompt.
        confidence: of every interval; significant is an adjusted p below 1 - confidence.
        replicates: of the bootstrap.
        seed: of the bootstrap and the drawn sign flips.
        columns: in the order asked, fields in the order of their card.
        rows: competitors in the order asked, then sanity systems in the order asked.
        comparisons: every pair of every ranked column, in the order of columns and rows.
        failures: in the order of rows, then of the suite.
        unsupported: songs that their systems cannot make, in the same order.
        songs: every song of the run, with what its system was given.
        structures: which sections were asked for and found, for each metric of structure and system that has songs.
        facet: by which the run is told apart into parts, see `songbench.reporting.facets`; None where it is not.
        facet_value: of this table, where it is of one part; None where it is of the whole run.
        tables: the table of each part by its value of the facet, in order; empty without a facet, and in parts.
        unavailable: metrics that could not run.
        notes: what a reader must know: the suite's own notes, then what the numbers themselves call for.
        machine: what the run was made on, in words; "" where that is not recorded.
    """

    suite: str
    suite_version: str
    prompts: int
    takes: int
    confidence: float
    replicates: int
    seed: int
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    comparisons: tuple[ColumnComparison, ...]
    failures: tuple[FailureNote, ...]
    unavailable: tuple[Unmeasured, ...]
    notes: tuple[str, ...]
    machine: str = ""
    unsupported: tuple[UnsupportedSong, ...] = ()
    songs: tuple[SongRow, ...] = field(default=(), repr=False)
    structures: tuple[StructureTable, ...] = field(default=(), repr=False)
    facet: str | None = None
    facet_value: str | None = None
    tables: Mapping[str, Leaderboard] = field(default_factory=dict)

    @property
    def conditions_differ(self) -> bool:
        """Whether rows say from which kind of style their songs were made."""
        return differ([row.system for row in self.rows], {row.system.name: row.condition for row in self.rows})

    @property
    def level(self) -> float:
        """The significance level, 1 - confidence without rounding dust."""
        return round(1 - self.confidence, 12)

    @property
    def has_listening_tests(self) -> bool:
        """Whether there are columns of listening tests."""
        return any(column.kind == "panel" for column in self.columns)

    @cached_property
    def variances(self) -> dict[str, VarianceParts]:
        """Where the variance of the competitors' scores lies, by ranked column; none of single takes."""
        from songbench.statistics import Takes, variance_parts  # numpy, which a leaderboard can be shown without

        parts = {}
        for column in self.columns:
            if column.kind != "song" or not column.ranked:
                continue
            cells = {row.system.name: row.cells[column.name] for row in self.rows if not row.system.sanity}
            scores = {
                name: Takes.of([point.prompt for point in cell.points], [point.value for point in cell.points])
                for name, cell in cells.items()
                if cell.points
            }
            split = variance_parts(scores)
            if split is not None and split.shares():
                parts[column.name] = split
        return parts

    def to_frame(self) -> pd.DataFrame:
        """One row per system and column, with everything the cell, its column and its system say.

        With a facet the rows are those of the parts, one part below the other, and begin with ``facet`` and
        ``facet_value``; nothing of the whole run is among them.
        """
        import pandas as pd

        return pd.DataFrame([record for board in self.tables.values() or [self] for record in tidy(board)])


def tidy(board: Leaderboard) -> list[dict[str, object]]:
    """The cells as flat records, rows first, columns within: the long form of the table."""
    part = {} if board.facet_value is None else {"facet": board.facet, "facet_value": board.facet_value}
    return [part | _record(row, column) | _rarely(row, column, board) for row in board.rows for column in board.columns]


def _rarely(row: Row, column: Column, board: Leaderboard) -> dict[str, object]:
    """What is there only where the leaderboard has such songs or columns."""
    cell = row.cells[column.name]
    limits = {"songs_unsupported": row.n_unsupported, "n_unsupported": cell.n_unsupported} if board.unsupported else {}
    ratings = {"n_raters": cell.n_raters, "n_ratings": cell.n_ratings} if board.has_listening_tests else {}
    conditions = {"condition": row.condition} if board.conditions_differ else {}
    return {**limits, **conditions, **ratings}


def _record(row: Row, column: Column) -> dict[str, object]:
    cell = row.cells[column.name]
    return {
        "system": row.system.name,
        "system_version": row.system.version,
        "sanity": row.system.sanity,
        "songs_asked": row.n_asked,
        "songs_done": row.n_done,
        "songs_failed": row.n_failed,
        "songs_pending": row.n_pending,
        "column": column.name,
        "metric": column.metric.name,
        "backend": column.metric.backend,
        "metric_version": column.metric.version,
        "field": column.field.name,
        "unit": column.field.unit,
        "direction": column.field.direction,
        "kind": column.kind,
        "headline": column.field.headline,
        "status": cell.status,
        "value": cell.value,
        "low": cell.low,
        "high": cell.high,
        "n": cell.n,
        "n_possible": cell.n_possible,
        "n_prompts": cell.n_prompts,
        "n_not_applicable": cell.n_not_applicable,
        "n_failed": cell.n_failed,
        "n_pending": cell.n_pending,
        "group": cell.group,
        "rank_best": cell.rank[0] if cell.rank else None,
        "rank_worst": cell.rank[1] if cell.rank else None,
        "best": cell.best,
        "reason": cell.reason,
    }
