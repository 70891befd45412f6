"""Ratings and scores of the same songs side by side, with the draws of prompts that all intervals share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from listening_test.collected import CollectedAnswers
from listening_test.reporting.resampling import Array, estimate, multiplicities
from listening_test.reporting.songs import song_means, song_pairs
from songbench.contracts.cards import Field, MetricCard
from songbench.domain.score import Scores
from songbench.execution.results import MetricResults, RunResults
from songbench.reporting.estimates import Estimate

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One field of a metric as numbers.

    Attributes:
        column: its name in the leaderboard.
        card: the metric.
        field: the field.
        songs: per (system, prompt, take) the value and how much it counts; empty for set metrics.
        sets: per system; empty for song metrics.
    """

    column: str
    card: MetricCard
    field: Field
    songs: Mapping[tuple[str, str, int], tuple[float, float]]
    sets: Mapping[str, float]

    @property
    def sign(self) -> float:
        """What turns the metric so that higher is better."""
        return -1.0 if self.field.direction == "lower" else 1.0


def measured(results: RunResults) -> list[Measured]:
    """Every field of every metric of a run, in the order of the leaderboard."""
    from songbench.reporting.leaderboard import columns_of

    return [_numbers(metric, column.field, column.name) for metric, column in columns_of(results)]


def column(frame: pd.DataFrame, name: str) -> Array:
    """A column as floats."""
    return np.asarray(frame[name].to_numpy(dtype=np.float64))


def _numbers(metric: MetricResults, card: Field, column: str) -> Measured:
    songs = {
        (song.system, song.prompt, song.take): (verdict.values[card.name], verdict.weights.get(card.name, 1.0))
        for song, verdict in metric.songs.items()
        if isinstance(verdict, Scores) and card.name in verdict.values
    }
    sets = {
        system: verdict.values[card.name]
        for system, verdict in metric.sets.items()
        if isinstance(verdict, Scores) and card.name in verdict.values
    }
    return Measured(column=column, card=metric.card, field=card, songs=songs, sets=sets)


class People:
    """What raters said on one scale.

    Attributes:
        scale: id.
        means: `song_means`.
        votes: `song_pairs`.
        systems: of the test, in the order of tables.
        strengths: forms that compare: per system, what stands for it at system level.
        prompts: ids of the prompts that were heard.
        place: where each of them stands in `prompts`.
        draws: how often each was drawn, shape (replicates, prompts).
        confidence: of intervals.
    """

    def __init__(
        self, data: CollectedAnswers, scale: str, strengths: Mapping[str, float], confidence: float, seed: int
    ) -> None:
        self.scale, self.strengths, self.confidence = scale, strengths, confidence
        self.means: pd.DataFrame = song_means(data, scale)
        self.votes: pd.DataFrame = song_pairs(data, scale)
        self.systems = data.systems
        prompts = [*self.means["prompt"], *self.votes["prompt"]]
        self.prompts = sorted({str(one) for one in prompts})
        self.place = {prompt: number for number, prompt in enumerate(self.prompts)}
        self.draws = multiplicities(len(self.prompts), seed=seed) if self.prompts else np.zeros((0, 0))

    @property
    def empty(self) -> bool:
        """Whether nobody answered on this scale."""
        return not self.prompts

    def songs(self, metric: Measured) -> pd.DataFrame:
        """The rated songs that the metric scored, with ``metric`` turned so that higher is better, and ``weight``."""
        rows = self.means
        scores = [metric.songs.get(key) for key in zip(rows["system"], rows["prompt"], rows["take"], strict=True)]
        scored = rows[np.array([score is not None for score in scores], dtype=bool)].copy()
        scored["metric"] = [metric.sign * score[0] for score in scores if score]
        scored["weight"] = [score[1] for score in scores if score]
        return scored

    def places(self, prompts: Iterable[str]) -> npt.NDArray[np.intp]:
        """Where each prompt is among `prompts`."""
        return np.array([self.place[str(one)] for one in prompts], dtype=np.intp)

    def interval(self, value: float, replicates: Array) -> Estimate:
        """A figure with the interval of its replicates, one per draw."""
        return estimate(value, replicates, confidence=self.confidence, clusters=len(self.prompts))
