"""Two systems in every column: figures on the prompts they share, differences, tests corrected over all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from songbench import statistics
from songbench.execution.results import MetricResults, SongId
from songbench.reporting.board import Column
from songbench.reporting.comparison.sides import SystemSide, common_prompts
from songbench.reporting.leaderboard import columns_of
from songbench.reporting.selection import select_columns
from songbench.reporting.system_scores import SystemScores, scores_of_set, scores_of_songs
from songbench.statistics import PairedTest, SetFigure, Takes

if TYPE_CHECKING:
    import pandas as pd

Verdict: TypeAlias = Literal["better", "worse", "open", "not compared"]


@dataclass(frozen=True, kw_only=True)
class SystemDifference:
    """Two systems in one column.

    Attributes:
        first: what is compared against.
        second: what is compared: the difference is its figure minus the first one's.
        column: the column.
        first_value: on the common prompts; None where there is no number.
        second_value: likewise.
        test: the paired test; None where nothing can be compared.
        p_adjusted: Holm's correction over all differences of the comparison; None without a test.
        significant: whether `p_adjusted` is below the level.
        detectable: the least true difference that would be found in four of five such comparisons, at the level that
            Holm's correction leaves this one; None where that cannot be said.
        prompts_needed: how many prompts would find a difference as large as this one; None likewise.
        reason: why nothing is compared; "" where it is.
    """

    first: SystemSide
    second: SystemSide
    column: Column
    first_value: float | None = None
    second_value: float | None = None
    test: PairedTest | None = None
    p_adjusted: float | None = None
    significant: bool = False
    detectable: float | None = None
    prompts_needed: int | None = None
    reason: str = ""

    @property
    def verdict(self) -> Verdict:
        """Whether the second is better; "open" where the difference is not significant."""
        if self.test is None:
            return "not compared"
        if not self.significant:
            return "open"
        return "better" if (self.test.difference > 0) == (self.column.field.direction == "higher") else "worse"


@dataclass(frozen=True, kw_only=True)
class RunComparison:
    """A comparison of two runs, or of two systems of one run.

    Attributes:
        differences: every pair of systems in every column that has a direction.
        prompts: how many prompts both runs gave.
        confidence: of every interval; significant is an adjusted p below 1 - confidence.
        notes: what a reader must know.
    """

    differences: tuple[SystemDifference, ...]
    prompts: int
    confidence: float
    notes: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """One row per pair of systems and column."""
        import pandas as pd

        return pd.DataFrame([_record(difference) for difference in self.differences])


def compare_sides(
    pairs: Sequence[tuple[SystemSide, SystemSide]],
    *,
    columns: Sequence[str] | None = None,
    confidence: float = 0.95,
    replicates: int = 2000,
    seed: int = 0,
) -> RunComparison:
    """Compare systems on the prompts that both runs gave.

    Args:
        pairs: what is compared against, and what is compared; at least one pair, all of the same two runs.
        columns: names as in `songbench.reporting.selection.select_columns`; None: those that have a place in tables.
        confidence: of the intervals, in (0, 1).
        replicates: of the bootstrap.
        seed: of everything random.

    Raises:
        InputError: there is no such column.
    """
    first, second = pairs[0][0].run, pairs[0][1].run
    prompts, different = common_prompts(first.results, second.results)
    chance = {"confidence": confidence, "replicates": replicates, "seed": seed}
    listed = columns_of(first.results)
    metrics = {column.name: metric for metric, column in listed}
    ranked = [column for _, column in listed if column.ranked]
    selected = [c for c in ranked if c.field.headline] if columns is None else select_columns(ranked, columns)
    differences = [
        _difference(a, b, column, metrics[column.name], prompts, chance) for a, b in pairs for column in selected
    ]
    return RunComparison(
        differences=tuple(_corrected(differences, round(1 - confidence, 12))),
        prompts=len(prompts),
        confidence=confidence,
        notes=tuple(_notes(pairs, different)),
    )


def _difference(
    first: SystemSide,
    second: SystemSide,
    column: Column,
    metric: MetricResults,
    prompts: frozenset[str],
    chance: dict[str, float],
) -> SystemDifference:
    difference = SystemDifference(first=first, second=second, column=column)
    counterpart = _counterpart(first, second, metric)
    if isinstance(counterpart, str):
        return replace(difference, reason=counterpart)
    sides = [(first, metric), (second, counterpart)]
    if column.kind == "set":
        old, new = (_of_set(side, results, column.field.name) for side, results in sides)
        if old.figure is None or new.figure is None:
            return replace(difference, first_value=old.figure, second_value=new.figure, reason=old.reason or new.reason)
        if reason := _unlike_sets(old, new, first, second, prompts):
            return replace(difference, first_value=old.figure, second_value=new.figure, reason=reason)
        figures = [SetFigure(scores.figure or 0.0, scores.leave_one_out) for scores in (new, old)]
        test = statistics.compare_sets(*figures, **chance)  # type: ignore[arg-type]
        values = old.figure, new.figure
    else:
        scores = [_of_songs(side, results, column.field.name, prompts) for side, results in sides]
        if not all(side.n for side in scores):
            return replace(difference, reason=next(side.reason for side in scores if not side.n) or "no common prompt")
        takes = [_takes(side, scores[0], scores[1]) for side in scores]
        if takes[0] is None or takes[1] is None:
            return replace(difference, reason="no prompt was scored on both sides")
        test = statistics.compare_takes(takes[1], takes[0], **chance)  # type: ignore[arg-type]
        values = takes[0].figure, takes[1].figure
    reason = "" if test else "fewer than two common prompts"
    return replace(difference, first_value=values[0], second_value=values[1], test=test, reason=reason)


def _unlike_sets(
    old: SystemScores, new: SystemScores, first: SystemSide, second: SystemSide, prompts: frozenset[str]
) -> str:
    """Why figures of two sets cannot be compared; "" where they can: a distance grows as its set shrinks."""
    if any(prompts != {prompt.id for prompt in side.run.results.suite.prompts} for side in (first, second)):
        return "the reference sets differ, as the suites do"
    if {song.prompt for song in old.basis} != {song.prompt for song in new.basis}:
        return "the two sets are not of the same prompts"
    return "" if old.n == new.n else f"the sets are not of the same size: {old.n} and {new.n} songs"


def _counterpart(first: SystemSide, second: SystemSide, metric: MetricResults) -> MetricResults | str:
    """The same metric of the other run, or why it has none."""
    identifier = metric.card.id
    namesake = next((m for m in second.run.results.metrics if m.card.id == identifier), None)
    if namesake is None or not (namesake.songs or namesake.sets):
        return f"the run '{second.run.name}' has no scores of {identifier}"
    if namesake.card.version != metric.card.version:
        return f"{identifier} has version {metric.card.version} in one run and {namesake.card.version} in the other"
    settings = [dict(side.run.metric_parameters.get(identifier, {})) for side in (first, second)]
    if settings[0] != settings[1]:
        return f"{identifier} had other settings in the other run"
    return namesake


def _of_songs(side: SystemSide, metric: MetricResults, field: str, prompts: frozenset[str]) -> SystemScores:
    results = side.run.results
    songs = sorted(song for song in results.songs if song.system == side.system and song.prompt in prompts)
    return scores_of_songs(songs, results.songs, metric.songs, field)


def _of_set(side: SystemSide, metric: MetricResults, field: str) -> SystemScores:
    results = side.run.results
    songs: list[SongId] = sorted(song for song in results.songs if song.system == side.system)
    return scores_of_set(songs, results.songs, metric.sets.get(side.system), field)


def _takes(scores: SystemScores, first: SystemScores, second: SystemScores) -> Takes | None:
    """The scores on the prompts that both sides have scored."""
    common = {point.prompt for point in first.points} & {point.prompt for point in second.points}
    points = [point for point in scores.points if point.prompt in common]
    if not points:
        return None
    return Takes.of([p.prompt for p in points], [p.value for p in points], [p.weight for p in points])


def _corrected(differences: Sequence[SystemDifference], level: float) -> Iterator[SystemDifference]:
    """Holm's correction over everything that is compared."""
    adjusted = statistics.holm([difference.test.p for difference in differences if difference.test])
    values = iter(adjusted)
    undecided = sum(bool(p >= level) for p in adjusted)
    for difference in differences:
        test = difference.test
        if test is None:
            yield difference
            continue
        p = float(next(values))
        # Holm tests a difference after those that are significant: against the level over it and the others left.
        own_level = level / (undecided + (p < level))
        yield replace(
            difference,
            p_adjusted=p,
            significant=p < level,
            detectable=statistics.minimal_detectable_difference(
                test.deviation, test.n, level=own_level, stretch=test.stretch
            ),
            prompts_needed=statistics.prompts_needed(
                test.difference, test.deviation, level=own_level, stretch=test.stretch
            ),
        )


def _notes(pairs: Sequence[tuple[SystemSide, SystemSide]], different: Sequence[str]) -> Iterator[str]:
    first, second = pairs[0][0].run, pairs[0][1].run
    if different:
        names = ", ".join(different[:5]) + (", …" if len(different) > 5 else "")
        yield f"left out, as prompts of these names differ between the runs: {names}"
    suites = [f"{run.results.suite.name} {run.results.suite.version}" for run in (first, second)]
    if suites[0] != suites[1]:
        yield f"the suites differ: {suites[0]} and {suites[1]}; only prompts that are the same are compared"
    if first.results.takes != second.results.takes:
        yield f"takes per prompt differ: {first.results.takes} and {second.results.takes}"
    if first.results.machine != second.results.machine:
        yield (
            f"speeds were measured on different machines: {first.results.machine or 'not recorded'} and"
            f" {second.results.machine or 'not recorded'}"
        )
    for a, b in pairs:
        if a.system == b.system and a.version == b.version and first.name != second.name and _same_sounds(a, b):
            yield f"{a.system} gave the very same songs in both runs"


def _same_sounds(first: SystemSide, second: SystemSide) -> bool:
    sounds = [
        {song[1:]: sound.digest for song, sound in side.run.results.sounds.items() if song.system == side.system}
        for side in (first, second)
    ]
    common = sounds[0].keys() & sounds[1].keys()
    return bool(common) and all(sounds[0][song] == sounds[1][song] for song in common)


def _record(difference: SystemDifference) -> dict[str, object]:
    test, column = difference.test, difference.column
    return {
        "first": difference.first.label,
        "second": difference.second.label,
        "column": column.name,
        "unit": column.field.unit,
        "direction": column.field.direction,
        "first_value": difference.first_value,
        "second_value": difference.second_value,
        "n_prompts": test.n if test else 0,
        "difference": test.difference if test else None,
        "low": test.low if test else None,
        "high": test.high if test else None,
        "p": test.p if test else None,
        "p_adjusted": difference.p_adjusted,
        "verdict": difference.verdict,
        "detectable": difference.detectable,
        "prompts_needed": difference.prompts_needed,
        "reason": difference.reason,
    }
