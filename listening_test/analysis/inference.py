"""Intervals and tests of combinations of system means: by the mixed model, or by resampling where it cannot be had."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from listening_test.analysis.coded_ratings import CodedRatings
from songbench.statistics import Array, pair_codes
from songbench.statistics.crossed import crossed_draws, smallest_p
from songbench.statistics.mixed import CrossedFit, ModelError, fit_crossed

FEWEST_DRAWS = 100
"""Bootstrap samples in which both systems have answers, below which there is no interval."""

_ALL_THE_SAME = (
    "All answers about a system are the same. That is no certainty: there are no intervals, and tests rest on the"
    " numbers of raters and prompts alone."
)
_APART = (
    "Not all systems were judged by the same raters, or on the same prompts: what cannot be told from that has no"
    " interval and no test."
)


@dataclass(frozen=True, kw_only=True)
class Combination:
    """A combination of system means.

    Attributes:
        estimate: its value.
        low: of its interval; None where there is none.
        high: of its interval.
        p: two-sided, that it is 0; NaN where there is no test.
        p_equal: TOST: that it lies beyond the margin; NaN without a margin.
    """

    estimate: float
    low: float | None
    high: float | None
    p: float
    p_equal: float


class Inference:
    """Estimates, intervals and tests of combinations of system means, from the model or else from resampling.

    Attributes:
        answers: what they rest on.
        fit: the model; None where it could not be fitted.
        notes: what a reader must know.
    """

    def __init__(self, answers: CodedRatings, confidence: float, seed: int) -> None:
        """Fit the model, or draw bootstrap samples where that is impossible."""
        self.answers, self._confidence = answers, confidence
        self.fit: CrossedFit | None = None
        self._draws: Array | None = None
        self.notes: list[str] = []
        by_system = [answers.values[answers.system == n] for n in range(len(answers.systems))]
        self._plain = np.array([values.mean() for values in by_system])
        self._constant = all(np.ptp(values) == 0 for values in by_system)
        if len(answers.raters) < 2 or len(answers.items) < 2:
            few = "rater" if len(answers.raters) < 2 else "prompt"
            self.notes.append(f"With one {few} there are no intervals and no tests: nothing says how others differ.")
            return
        try:
            self.fit = crossed_model(answers)
        except ModelError as error:
            self.notes.append(
                _ALL_THE_SAME
                if self._constant
                else f"The mixed model could not be fitted ({error}); intervals and tests come from a bootstrap that"
                " draws raters and prompts, which tends to be too wide."
            )
            self._draws = crossed_draws(answers.values, answers.rater, answers.item, answers.system, seed=seed)
            return
        if self.fit.absorbed.size:
            self.notes.append(_APART)

    @property
    def estimates(self) -> Array:
        """The mean of each system of the answers, shape (systems,)."""
        return self._plain if self.fit is None else self.fit.coefficients

    def combined(
        self, weights: Array, extra: float = 0.0, shift: float = 0.0, margin: float | None = None
    ) -> Combination:
        """A combination of the means.

        Args:
            weights: of the means, shape (systems,).
            extra: variance from elsewhere, taken as known.
            shift: added to the combination.
            margin: of the test for equality.
        """
        estimate = float(weights @ self.estimates) + shift
        if self.fit is not None:
            contrast = self.fit.contrast(weights)
            if math.isnan(contrast.error):
                return Combination(estimate=estimate, low=None, high=None, p=math.nan, p_equal=math.nan)
            variance = contrast.error**2 + extra
            freedom = contrast.freedom if extra == 0 else contrast.freedom * (variance / contrast.error**2) ** 2
            return _by_t(estimate, math.sqrt(variance), freedom, self._confidence, margin)
        if self._draws is not None:
            involved = weights != 0
            draws = self._draws[:, involved] @ weights[involved]
            draws = draws[np.isfinite(draws)] + shift
            draws = draws + math.sqrt(extra) * np.random.default_rng(0).standard_normal(len(draws))
            least = smallest_p(len(self.answers.raters), len(self.answers.items))
            if len(draws) >= FEWEST_DRAWS:
                result = _by_draws(estimate, draws, least, self._confidence, margin)
                return replace(result, low=None, high=None) if self._constant else result
        return Combination(estimate=estimate, low=None, high=None, p=math.nan, p_equal=math.nan)


def crossed_model(answers: CodedRatings) -> CrossedFit:
    """The crossed model of one scale; the fixed effects are the means of the systems.

    Raises:
        ModelError: where it cannot be fitted.
    """
    systems = len(answers.systems)
    groupings = {"rater": answers.rater, "item": answers.item}
    if systems > 1:
        groupings["rater_system"] = pair_codes(answers.rater, answers.system)
        groupings["item_system"] = pair_codes(answers.item, answers.system)
    return fit_crossed(answers.values, np.eye(systems)[answers.system], groupings)


def _by_t(estimate: float, error: float, freedom: float, confidence: float, margin: float | None) -> Combination:
    from scipy.stats import t as student

    half = float(student.ppf((1 + confidence) / 2, freedom)) * error
    p = 2 * float(student.sf(abs(estimate) / error, freedom))
    equal = math.nan if margin is None else float(student.sf((margin - abs(estimate)) / error, freedom))
    return Combination(
        estimate=estimate,
        low=estimate - half,
        high=estimate + half,
        p=max(p, float(np.finfo(np.float64).tiny)),
        p_equal=equal,
    )


def _by_draws(estimate: float, draws: Array, least: float, confidence: float, margin: float | None) -> Combination:
    """Interval and tests from bootstrap draws of shape (replicates,)."""
    low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2])
    tail = min(np.mean(draws <= 0), np.mean(draws >= 0))
    equal = (
        math.nan
        if margin is None
        else max(float(np.mean(draws <= -margin)), float(np.mean(draws >= margin)), least / 2)
    )
    return Combination(
        estimate=estimate, low=float(low), high=float(high), p=max(min(1.0, 2 * float(tail)), least), p_equal=equal
    )
