"""What became of each song of a system in a column: scored, not applicable, failed or pending. Nothing is dropped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from songbench.contracts.exclusion import LEFT_OUT
from songbench.contracts.metric import Verdict
from songbench.domain.errors import one_line
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure
from songbench.execution.results import MetricResults, RunResults, SongId, SongState, Unsupported
from songbench.reporting.board import Point, Status

Gap = tuple[Status, str]
"""Why a song has no number: the kind and the cause ("" when there is nothing to add)."""


@dataclass(frozen=True, kw_only=True)
class SystemScores:
    """The songs of one system in one column, counted.

    Attributes:
        points: song metrics: the scored songs, in suite order.
        figure: set metrics: the figure of the set, or None.
        leave_one_out: set metrics: the figure without each prompt.
        basis: the songs the number rests on, in suite order.
        n: how many; the set metric's own count, where it is one.
        gaps: for each kind and cause of a missing number, how many songs.
    """

    points: tuple[Point, ...] = ()
    figure: float | None = None
    leave_one_out: Mapping[str, float] = field(default_factory=dict)
    basis: tuple[SongId, ...] = ()
    n: int = 0
    gaps: Mapping[Gap, int] = field(default_factory=dict)

    @property
    def prompts(self) -> int:
        """How many prompts the number rests on."""
        return len({song.prompt for song in self.basis})

    def count(self, kind: Status) -> int:
        """How many songs have no number for this kind of reason."""
        return sum(number for (found, _), number in self.gaps.items() if found == kind)

    @property
    def reason(self) -> str:
        """The gaps in words, e.g. ``2 failed (time-out after 600 s); 1 pending``."""
        kinds: tuple[Status, ...] = ("failed", "not applicable", "unsupported", "pending")
        return "; ".join(f"{self.count(kind)} {kind}{self._causes(kind)}" for kind in kinds if self.count(kind))

    def causes(self, kind: Status) -> tuple[str, ...]:
        """Why songs have no number for this kind of reason: the causes, the most frequent first."""
        causes = sorted((-number, cause) for (found, cause), number in self.gaps.items() if found == kind and cause)
        return tuple(cause for _, cause in causes)

    def _causes(self, kind: Status) -> str:
        causes = self.causes(kind)
        listed = [*causes[:2], *(["…"] if len(causes) > 2 else [])]
        return f" ({'; '.join(listed)})" if listed else ""


def scores_of_songs(
    songs: Sequence[SongId], states: Mapping[SongId, SongState], verdicts: Mapping[SongId, Verdict], field_name: str
) -> SystemScores:
    """Count the verdicts of a song metric.

    Args:
        songs: every song asked of the system, in suite order.
        states: what became of each song.
        verdicts: what the metric said of those that were made.
        field_name: the field of the metric.
    """
    outcomes = {song: outcome_of_song(song, states[song], verdicts.get(song), field_name) for song in songs}
    return _counted(songs, outcomes)


def _counted(songs: Sequence[SongId], outcomes: Mapping[SongId, Point | Gap]) -> SystemScores:
    of_songs = [outcomes[song] for song in songs]
    points = tuple([outcome for outcome in of_songs if isinstance(outcome, Point)])
    if len(points) == len(of_songs):  # then all columns share one list of songs
        return SystemScores(points=points, basis=tuple(songs), n=len(points), gaps={})
    return SystemScores(
        points=points,
        basis=tuple(song for song, outcome in zip(songs, of_songs, strict=True) if isinstance(outcome, Point)),
        n=len(points),
        gaps=Counter([outcome for outcome in of_songs if not isinstance(outcome, Point)]),
    )


class SongOutcomes:
    """What became of every song of a run in each field of its song metrics, found once for the run and its parts.

    Args:
        results: of the whole run.
    """

    def __init__(self, results: RunResults) -> None:
        self._results = results
        self._outcomes: dict[tuple[str, str], dict[SongId, Point | Gap]] = {}

    def scores(self, songs: Sequence[SongId], metric: MetricResults, field_name: str) -> SystemScores:
        """What `scores_of_songs` gives.

        Args:
            songs: some of the run's, in suite order.
            metric: one of the run's, or the part of it that a part of the run has.
            field_name: the field of the metric.
        """
        identifier = metric.card.id
        if (identifier, field_name) not in self._outcomes:
            verdicts = next(whole.songs for whole in self._results.metrics if whole.card.id == identifier)
            self._outcomes[identifier, field_name] = {
                song: outcome_of_song(song, state, verdicts.get(song), field_name)
                for song, state in self._results.songs.items()
            }
        return _counted(songs, self._outcomes[identifier, field_name])


def outcome_of_song(song: SongId, state: SongState, verdict: Verdict | None, field_name: str) -> Point | Gap:
    """What one song scored in a field, or why it has no number.

    Args:
        song: which.
        state: what became of it.
        verdict: what the metric said of it; None where it was not asked yet.
        field_name: the field of the metric.
    """
    if state != "done":
        return _without_song(state, most=300)
    if not isinstance(verdict, Scores):
        return _gap(verdict)
    if field_name not in verdict.values:
        return "not applicable", one_line(verdict.missing.get(field_name, "no value for this song"))
    weight = verdict.weights.get(field_name, 1.0)
    if weight <= 0:  # in records of versions that did not look
        return "failed", "a weight that is not above 0"
    return Point(song.prompt, song.take, verdict.values[field_name], weight)


def _gap(verdict: Failure | NotApplicable | None) -> Gap:
    if verdict is None:
        return "pending", ""
    if isinstance(verdict, Failure):
        return "failed", one_line(verdict.cause)
    return "not applicable", one_line(verdict.reason)


def scores_of_set(
    songs: Sequence[SongId], states: Mapping[SongId, SongState], verdict: Verdict | None, field_name: str
) -> SystemScores:
    """Count the songs behind the verdict of a set metric.

    A verdict other than scores concerns every song that was made; songs that were made but that the metric left out
    of its set count as failed.

    Args:
        songs: every song asked of the system, in suite order.
        states: what became of each song.
        verdict: what the metric said, or None when it was not asked yet.
        field_name: the field of the metric.
    """
    gaps: Counter[Gap] = Counter()
    songs_done = []
    for song in songs:
        state = states[song]
        if state == "done":
            songs_done.append(song)
        else:
            gaps[_without_song(state, most=160)] += 1
    if not isinstance(verdict, Scores):
        gaps[_gap(verdict)] += len(songs_done)
        return SystemScores(gaps=gaps)
    if field_name not in verdict.values:
        gaps["not applicable", one_line(verdict.missing.get(field_name, "no value for this set"))] += len(songs_done)
        return SystemScores(gaps=gaps)
    n = min(verdict.n, len(songs_done))
    left_out = _left_out(verdict)
    absent = [song for song in songs_done if (song.prompt, song.take) in left_out]
    for song in absent:
        gaps[left_out[song.prompt, song.take]] += 1
    if n < len(songs_done) - len(absent):
        gaps["failed", "left out of the set"] += len(songs_done) - len(absent) - n
    # A set can be so small that without one prompt a field has no value; then nothing can be said of its variation.
    complete = all(field_name in values for values in verdict.leave_one_out.values())
    without = verdict.leave_one_out if complete else {}
    return SystemScores(
        figure=verdict.values[field_name],
        leave_one_out={prompt: without[prompt][field_name] for prompt in sorted(without)},
        basis=tuple(song for song in songs_done if (song.prompt, song.take) not in left_out),
        n=n,
        gaps=gaps,
    )


def _left_out(verdict: Scores) -> dict[tuple[str, int], Gap]:
    """Why a set metric says that it leaves songs out, by prompt and take."""
    entries: Any = verdict.detail.get(LEFT_OUT) or ()
    return {
        (entry["prompt"], entry["take"]): ("failed" if entry["failed"] else "not applicable", one_line(entry["reason"]))
        for entry in entries
    }


def _without_song(state: SongState, most: int) -> Gap:
    """Why there is no song to judge, the cause cut at `most` characters."""
    if isinstance(state, Failure):
        return "failed", one_line(state.cause, most)
    if isinstance(state, Unsupported):
        return "unsupported", one_line(state.reason, most)
    return "pending", ""


def short_cause(failure: Failure) -> str:
    """Why something failed, as a table says it; the record has all of it."""
    return one_line(failure.cause, 160)
