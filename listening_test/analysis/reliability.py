"""How far raters agree with each other and with themselves; whether differences between systems can be read at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from listening_test.analysis.answers import codes_of
from listening_test.analysis.krippendorff import Metric, alpha
from listening_test.analysis.mixed import Codes, ModelError, fit_crossed
from listening_test.analysis.results import Components, Reliability
from listening_test.analysis.said import positions
from listening_test.collected import Collected
from songbench.statistics import Array

if TYPE_CHECKING:
    import pandas as pd

HALVES = 200
"""Random halves of the raters that the split-half figure averages over."""
FEWEST_UNITS = 3
"""Songs that both halves must have heard, and repetitions there must be, for a correlation."""
_METRICS: dict[str, Metric] = {"acr": "ordinal", "ccr": "ordinal", "preference": "nominal"}


def reliability(data: Collected, scale: str, components: Components | None, *, seed: int = 0) -> Reliability:
    """Every figure of one scale, from test pages about competitors; anchors would make agreement look better.

    About pairs, what is judged is the pair of songs, and answers are turned to one order of the two.

    Args:
        data: answers of the raters that count.
        scale: id.
        components: of the variance, as `means` found them; passed on.
        seed: of the random halves.
    """
    lowest, highest = data.protocol.range(scale)
    said = positions(data)
    frame = said.frame[said.frame["scale"] == scale]
    systems = frame[(frame["kind"] == "test") & (frame["role"] == "system")]
    _, rater = codes_of(systems["rater"])
    _, unit = codes_of(systems["unit"])
    values = lowest + (highest - lowest) * systems["share"].to_numpy(dtype=np.float64)
    single, average = _intraclass(values, rater, unit)
    again = said.repeated()
    deviation, correlation, repeats = _repeats(again[again["scale"] == scale], highest - lowest)
    return Reliability(
        scale=scale,
        alpha=_alpha(data, scale, values, unit),
        icc_single=None if data.protocol.form == "preference" else single,
        icc_average=None if data.protocol.form == "preference" else average,
        split_half=split_half(values, rater, unit, seed=seed),
        repeat_deviation=deviation,
        repeat_correlation=correlation,
        repeats=repeats,
        components=components,
    )


def _alpha(data: Collected, scale: str, values: Array, unit: Codes) -> float | None:
    if data.protocol.form == "preference":
        values, unit = _categories(data.pairs[data.pairs["scale"] == scale], data.systems)
    metric = _METRICS.get(data.protocol.form, "interval")
    return alpha(np.round(values, 6), unit, metric)


def _categories(pairs: pd.DataFrame, systems: tuple[str, ...]) -> tuple[Array, Codes]:
    """Which of two was better, turned to one order, with "both bad" as a category of its own."""
    rows = pairs[(pairs["kind"] == "test") & pairs["first"].isin(systems) & pairs["second"].isin(systems)]
    straight = rows["first"].astype(str) < rows["second"].astype(str)
    low, high = rows["first"].where(straight, rows["second"]), rows["second"].where(straight, rows["first"])
    number = rows["outcome"].map({"first": -1.0, "tie": 0.0, "second": 1.0})
    values = number.where(straight, -number).fillna(2.0).to_numpy(dtype=np.float64)
    song = rows["prompt"].astype(str) + "/" + rows["take"].astype(str) + "/" + rows["excerpt"].astype(str)
    return np.asarray(values), codes_of(song + "/" + low.astype(str) + "/" + high.astype(str))[1]


def _intraclass(values: Array, rater: Codes, unit: Codes) -> tuple[float | None, float | None]:
    """ICC(2,1) and ICC(2,k) (Shrout and Fleiss 1979) from REML components, so that answers may be missing.

    k is the harmonic mean of how many raters heard each song, songs heard by one included.
    """
    try:
        fit = fit_crossed(values, np.ones((len(values), 1)), {"unit": unit, "rater": rater})
    except ModelError:
        return None, None
    between = fit.variance("unit")
    if between is None or fit.variance("rater") is None:
        return None, None
    noise = float(fit.variances.sum()) - between
    raters = 1 / float(np.mean(1 / np.bincount(unit)))
    return between / (between + noise), between / (between + noise / raters)


def split_half(values: Array, rater: Codes, unit: Codes, *, seed: int = 0) -> float | None:
    """Correlation over songs between the means of two halves of the raters, for the full number of raters.

    Each random split is carried to twice its length (Spearman 1910, Brown 1910), then averaged over `HALVES` splits.
    Each rater's answers are taken from the rater's own mean first: in an incomplete assignment a song must not seem
    good because lenient raters heard it.

    Args:
        values: shape (n,).
        rater: codes, shape (n,).
        unit: codes, shape (n,).
        seed: of the splits.

    Returns:
        In [-1, 1]; None below 4 raters, or where halves share fewer than `FEWEST_UNITS` songs.
    """
    raters = int(rater.max()) + 1 if len(rater) else 0
    if raters < 4:
        return None
    own = values - (np.bincount(rater, values) / np.maximum(np.bincount(rater), 1))[rater]
    sums, counts = np.zeros((2, raters, int(unit.max()) + 1))
    np.add.at(sums, (rater, unit), own)
    np.add.at(counts, (rater, unit), 1.0)
    rng = np.random.default_rng(seed)
    found = [one for _ in range(HALVES) if (one := _one_split(sums, counts, rng)) is not None]
    return float(np.mean(found)) if found else None


def _one_split(sums: Array, counts: Array, rng: np.random.Generator) -> float | None:
    chosen = rng.permutation(len(sums)) < len(sums) // 2
    n_one, n_two = counts[chosen].sum(axis=0), counts[~chosen].sum(axis=0)
    both = (n_one > 0) & (n_two > 0)
    if both.sum() < FEWEST_UNITS:
        return None
    one, two = sums[chosen].sum(axis=0)[both] / n_one[both], sums[~chosen].sum(axis=0)[both] / n_two[both]
    r = correlation(one, two)
    return None if r is None else 2 * r / (1 + abs(r))  # a negative correlation is stretched alike, not beyond -1


def correlation(one: Array, two: Array) -> float | None:
    """Pearson's, or None where one side does not vary."""
    a, b = one - one.mean(), two - two.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return max(-1.0, min(1.0, float(a @ b) / size)) if size > 1e-12 else None


def _repeats(both: pd.DataFrame, span: float) -> tuple[float | None, float | None, int]:
    if both.empty:
        return None, None, 0
    first, again = both["share"].to_numpy(dtype=np.float64), both["again"].to_numpy(dtype=np.float64)
    found = correlation(first, again) if len(both) >= FEWEST_UNITS else None
    return float(np.abs(first - again).mean()) * span, found, len(both)
