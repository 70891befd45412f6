"""Who is left out of the main analysis: the protocol's rules, applied to everything a rater answered.

Every rule can be said in one sentence (`protocol.Screening`). Two things keep honest raters in where the data are few:

- a rule that has nothing to look at judges nobody;
- rules about averages of few answers exclude only where the figure is beyond its limit by more than chance explains:
  by `SURE` standard errors for repetitions, and for agreement also `APART` standard errors below the typical rater.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from listening_test.analysis.agreement import agreements
from listening_test.analysis.positions import positions
from listening_test.analysis.results import RaterScreening
from listening_test.collected import CollectedAnswers

if TYPE_CHECKING:
    import pandas as pd

SURE = 1.645
"""Standard errors by which a mean of few repetitions must exceed its limit (one-sided 5 %)."""
APART = 2.0
"""Standard errors by which an agreement must lie below that of the median rater."""
FEWEST_REVERSALS = 3
"""Repeated pages from which ``preference`` looks at repetitions: of two equal songs anybody may choose either."""
FEWEST_ANCHORS = 2
"""Anchors a rater must have judged before they say anything: one may be misjudged by anybody."""
FEWEST_DECISIONS = 10
"""Decisions for one of two sides below which a side bias may be chance."""
NOT_BELOW = ("mp3-64k", "other-words", "reference-song")
"""Anchors that an attentive rater may well put above the systems: 64 kbit/s can pass unnoticed, other words matter to
some questions only, and the reference song is a good one."""
LOWEST_ANCHOR = ("lowpass-3500", "lowpass-7000")

Figures = Mapping[str, float]
"""What a rule looked at, by rater; raters without data are absent."""


def screen(data: CollectedAnswers) -> tuple[RaterScreening, ...]:
    """Apply the declared rules.

    Returns:
        Every rater, sorted by name; those who withdrew are not included.
    """
    rules = data.protocol.screening
    figures, failed = {}, {}
    for name, rule in _RULES.items():
        limit = getattr(rules, name)
        if limit is not None:
            figures[name], failed[name] = rule(data, float(limit))
    screening = []
    for rater, withdrawn in sorted(zip(data.raters["rater"], data.raters["withdrawn"], strict=True)):
        reasons = ["withdrew the consent"] if bool(withdrawn) else []
        reasons += [failed[name][rater] for name in failed if rater in failed[name]]
        own_figures = {name: float(by_rater[rater]) for name, by_rater in figures.items() if rater in by_rater}
        screening.append(RaterScreening(str(rater), not reasons, tuple(reasons), own_figures))
    return tuple(screening)


_Outcome = tuple[Figures, Mapping[str, str]]


def _traps(data: CollectedAnswers, limit: float) -> _Outcome:
    wrong = _count(data, "trap", correct=False)
    return wrong, {r: f"traps wrong: {n:g} (at most {limit:g})" for r, n in wrong.items() if n > limit}


def _headphones(data: CollectedAnswers, limit: float) -> _Outcome:
    right = _count(data, "headphones", correct=True)
    return right, {r: f"headphone check right: {n:g} (at least {limit:g})" for r, n in right.items() if n < limit}


def _count(data: CollectedAnswers, check: str, *, correct: bool) -> Figures:
    rows = data.checks[data.checks["check"] == check]
    counted = (rows["correct"].astype(bool) == correct).groupby(rows["rater"]).sum()
    return {str(rater): float(count) for rater, count in counted.items()}


def _repeats(data: CollectedAnswers, limit: float) -> _Outcome:
    """Pages count, not answers: several questions on one page are not several chances to be consistent."""
    pages = _repeated_pages(data)
    if pages.empty:
        return {}, {}
    by_rater = pages.groupby("rater")["deviation"].agg(["mean", "count"])
    if data.protocol.form == "preference":
        by_rater = by_rater[by_rater["count"] >= FEWEST_REVERSALS]
    spread = float(pages["deviation"].std(ddof=1)) if len(pages) > 1 else 0.0
    errors = spread / np.sqrt(by_rater["count"])
    failed = by_rater["mean"] - SURE * errors > limit
    return _by_rater(by_rater["mean"]), {
        str(rater): f"repeats off by {by_rater['mean'][rater]:.2f} of the scale ({limit:g}, and more than by chance)"
        for rater in by_rater.index[failed]
    }


def _repeated_pages(data: CollectedAnswers) -> pd.DataFrame:
    """One row per repeated page: the mean absolute difference of the two answers, as a share of the scale."""
    answers = positions(data).repeated()
    answers["deviation"] = (answers["again"] - answers["share"]).abs()
    return answers.groupby(["rater", "repeats"])["deviation"].mean().reset_index()


def _spread(data: CollectedAnswers, limit: float) -> _Outcome:
    shares = positions(data).frame
    counted = shares.groupby("rater")["share"].agg(["std", "count"])
    spread = counted[counted["count"] >= FEWEST_DECISIONS]["std"]
    return _by_rater(spread), {
        str(r): f"answers hardly vary: sd {value:.3f} of the scale (at least {limit:g})"
        for r, value in spread.items()
        if value < limit
    }


def _sides(data: CollectedAnswers, limit: float) -> _Outcome:
    if not data.protocol.pairwise or data.pairs.empty:
        return {}, {}
    rows = data.pairs[data.pairs["outcome"].isin(["first", "second"])]
    counted = (rows["outcome"] == "first").groupby(rows["rater"]).agg(["mean", "count"])
    share = counted[counted["count"] >= FEWEST_DECISIONS]["mean"]
    one_side = share.where(share > 0.5, 1 - share)
    return _by_rater(one_side), {
        str(r): f"decided for one side in {value:.0%} (at most {limit:.0%})"
        for r, value in one_side.items()
        if value > limit
    }


def _anchors(data: CollectedAnswers, limit: float) -> _Outcome:
    wrong = _anchors_compared(data) if data.protocol.pairwise else _anchors_rated(data)
    counted = wrong.groupby(level=0).agg(["mean", "count"])
    share = counted[counted["count"] >= FEWEST_ANCHORS]["mean"]
    return _by_rater(share), {
        str(r): f"anchors above the systems: {value:.0%} (at most {limit:.0%})"
        for r, value in share.items()
        if value > limit
    }


def _anchors_rated(data: CollectedAnswers) -> pd.Series[float]:
    """One value per anchor judged (the mean over questions): whether it was above the rater's mean of the systems."""
    shares = positions(data).frame
    of_systems = shares[shares["role"] == "system"].groupby("rater")["share"].mean()
    anchors = shares[(shares["role"] == "anchor") & (shares["kind"] != "repeat") & ~shares["group"].isin(NOT_BELOW)]
    judged = anchors.groupby(["rater", "trial", "unit"])["share"].mean()
    raters = judged.index.get_level_values("rater")
    above = judged.to_numpy() > of_systems.reindex(raters).to_numpy()
    import pandas as pd

    return pd.Series(above.astype(np.float64), index=raters)


def _anchors_compared(data: CollectedAnswers) -> pd.Series[float]:
    """One value per decision between a song and an anchor: whether it went to the anchor."""
    rows = data.pairs[(data.pairs["kind"] == "anchor") & data.pairs["outcome"].isin(["first", "second"])]
    systems = set(data.systems)
    rows = rows[rows["first"].isin(systems) != rows["second"].isin(systems)]
    rows = rows[~rows["first"].isin(NOT_BELOW) & ~rows["second"].isin(NOT_BELOW)]
    better = np.where(rows["outcome"] == "first", rows["first"], rows["second"])
    import pandas as pd

    return pd.Series([float(str(name) not in systems) for name in better], index=rows["rater"], dtype=float)


def _agreement(data: CollectedAnswers, limit: float) -> _Outcome:
    by_rater = agreements(data)
    if not by_rater:
        return {}, {}
    typical = float(np.median([math.atanh(agreement.correlation) for agreement in by_rater.values()]))
    correlations = {rater: agreement.correlation for rater, agreement in by_rater.items()}
    return correlations, {
        rater: f"agreement with the others {value:.2f} (at least {limit:g}; typical {math.tanh(typical):.2f})"
        for rater, value in correlations.items()
        if value < limit and math.atanh(value) < typical - APART * by_rater[rater].error
    }


def _reference(data: CollectedAnswers, limit: float) -> _Outcome:
    if data.protocol.form != "mushra":
        return {}, {}
    rows = data.ratings[(data.ratings["role"] == "reference") & (data.ratings["kind"] != "repeat")]
    share = (rows["value"] < 90).astype(float).groupby(rows["rater"]).mean()
    return _by_rater(share), {
        str(r): f"hidden reference below 90 on {value:.0%} of the pages (at most {limit:.0%})"
        for r, value in share.items()
        if value > limit
    }


def _low_anchor(data: CollectedAnswers, limit: float) -> _Outcome:
    if data.protocol.form != "mushra":
        return {}, {}
    names = set(data.ratings["system"])
    lowest = next((name for name in LOWEST_ANCHOR if name in names), None)
    rows = data.ratings[(data.ratings["system"] == lowest) & (data.ratings["kind"] != "repeat")]
    share = (rows["value"] > 90).astype(float).groupby(rows["rater"]).mean()
    return _by_rater(share), {
        str(r): f"{lowest} above 90 on {value:.0%} of the pages (at most {limit:.0%})"
        for r, value in share.items()
        if value > limit
    }


def _incomplete(data: CollectedAnswers, limit: float) -> _Outcome:
    rows = data.raters[data.raters["pages_asked"].fillna(0) > 0]
    share = {
        str(rater): float(answered) / float(shown_pages)
        for rater, answered, shown_pages in zip(rows["rater"], rows["pages_answered"], rows["pages_asked"], strict=True)
    }
    return share, {
        r: f"answered {value:.0%} of the pages (at least {limit:.0%})" for r, value in share.items() if value < limit
    }


def _by_rater(column: pd.Series[float]) -> Figures:
    return {str(rater): float(value) for rater, value in column.items() if not math.isnan(float(value))}


_RULES: Mapping[str, Callable[[CollectedAnswers, float], _Outcome]] = {
    "traps_wrong": _traps,
    "headphones_correct": _headphones,
    "repeat_deviation": _repeats,
    "minimum_sd": _spread,
    "side_bias": _sides,
    "anchor_violations": _anchors,
    "agreement": _agreement,
    "reference_below_90": _reference,
    "anchor_above_90": _low_anchor,
    "incomplete": _incomplete,
}
