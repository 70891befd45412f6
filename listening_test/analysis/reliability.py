"""How far raters agree with each other and with themselves; whether differences between systems can be read at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from listening_test.analysis.positions import positions
from listening_test.analysis.results import Components, Reliability
from listening_test.collected import CollectedAnswers
from songbench.statistics import Array, Codes, codes_of
from songbench.statistics.reliability import (
    Metric,
    correlation,
    intraclass_correlations,
    krippendorff_alpha,
    split_half,
)

if TYPE_CHECKING:
    import pandas as pd

FEWEST_REPEATS = 3
"""Repetitions there must be for a correlation."""
_METRICS: dict[str, Metric] = {"acr": "ordinal", "ccr": "ordinal", "preference": "nominal"}


def reliability(data: CollectedAnswers, scale: str, components: Components | None, *, seed: int = 0) -> Reliability:
    """Every figure of one scale, from test pages about competitors; anchors would make agreement look better.

    About pairs, what is judged is the pair of songs, and answers are turned to one order of the two.

    Args:
        data: answers of the raters that count.
        scale: id.
        components: of the variance, as `means` found them; passed on.
        seed: of the random halves.
    """
    lowest, highest = data.protocol.range(scale)
    answers = positions(data)
    frame = answers.frame[answers.frame["scale"] == scale]
    systems = frame[(frame["kind"] == "test") & (frame["role"] == "system")]
    _, rater = codes_of(systems["rater"])
    _, unit = codes_of(systems["unit"])
    values = lowest + (highest - lowest) * systems["share"].to_numpy(dtype=np.float64)
    single, average = intraclass_correlations(values, rater, unit)
    repeated = answers.repeated()
    deviation, repeat_correlation, repeats = _repeats(repeated[repeated["scale"] == scale], highest - lowest)
    return Reliability(
        scale=scale,
        alpha=_alpha(data, scale, values, unit),
        icc_single=None if data.protocol.form == "preference" else single,
        icc_average=None if data.protocol.form == "preference" else average,
        split_half=split_half(values, rater, unit, seed=seed),
        repeat_deviation=deviation,
        repeat_correlation=repeat_correlation,
        repeats=repeats,
        components=components,
    )


def _alpha(data: CollectedAnswers, scale: str, values: Array, unit: Codes) -> float | None:
    """Krippendorff's alpha in the metric of the form; arrays have shape (n,)."""
    if data.protocol.form == "preference":
        values, unit = _categories(data.pairs[data.pairs["scale"] == scale], data.systems)
    metric = _METRICS.get(data.protocol.form, "interval")
    return krippendorff_alpha(np.round(values, 6), unit, metric)


def _categories(pairs: pd.DataFrame, systems: tuple[str, ...]) -> tuple[Array, Codes]:
    """Which of two was better, turned to one order, with "both bad" as a category of its own.

    Both have shape (n,).
    """
    rows = pairs[(pairs["kind"] == "test") & pairs["first"].isin(systems) & pairs["second"].isin(systems)]
    straight = rows["first"].astype(str) < rows["second"].astype(str)
    low, high = rows["first"].where(straight, rows["second"]), rows["second"].where(straight, rows["first"])
    number = rows["outcome"].map({"first": -1.0, "tie": 0.0, "second": 1.0})
    values = number.where(straight, -number).fillna(2.0).to_numpy(dtype=np.float64)
    song = rows["prompt"].astype(str) + "/" + rows["take"].astype(str) + "/" + rows["excerpt"].astype(str)
    return np.asarray(values), codes_of(song + "/" + low.astype(str) + "/" + high.astype(str))[1]


def _repeats(answers: pd.DataFrame, span: float) -> tuple[float | None, float | None, int]:
    """Mean absolute deviation in points, correlation and number of the answers that were asked for twice."""
    if answers.empty:
        return None, None, 0
    first, second = answers["share"].to_numpy(dtype=np.float64), answers["again"].to_numpy(dtype=np.float64)
    agreement = correlation(first, second) if len(answers) >= FEWEST_REPEATS else None
    return float(np.abs(first - second).mean()) * span, agreement, len(answers)
