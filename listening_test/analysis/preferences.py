"""Tests that compare two songs: outcomes of pairs, strengths of systems, the weight of the place on the page.

Three kinds of inference, all with raters and prompts both drawn at random:

- a pair's test and interval: the mean signed answer in a crossed model (`statistics.mixed`) with the slot as a
  covariate;
- strengths (`statistics.bradley_terry`): ``preference`` by Davidson's model, ``ccr`` by the mean over opponents of the
  pairs' means; their intervals from what each answer contributes, clustered by rater and by prompt
  (`statistics.crossed`);
- letters and ranks: from the declared tests of the pairs, Holm-corrected.

"Both bad" says nothing about which is better: it is left out of all three and reported beside them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from listening_test.analysis.declared_pairs import adjusted, level
from listening_test.analysis.results import PairOutcome, Position, Strength
from listening_test.protocol import Protocol
from songbench.statistics import Array, Codes, Pair, Standing, codes_of, standings
from songbench.statistics.bradley_terry import PRIOR_SD, Comparisons, fit_davidson, mean_over_opponents
from songbench.statistics.crossed import crossed_spread, smallest_p
from songbench.statistics.mixed import ModelError, fit_crossed

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class PreferenceResult:
    """What one scale of a test that compares pairs says.

    Attributes:
        strengths: systems in the order of tables, then anchors by name.
        outcomes: every pair that was heard.
        position: whether the slot matters.
        connected: whether every system can be reached from every other.
        notes: what a reader must know.
    """

    strengths: tuple[Strength, ...]
    outcomes: tuple[PairOutcome, ...]
    position: Position
    connected: bool
    notes: tuple[str, ...]


def analyse_comparisons(
    pairs: pd.DataFrame, scale: str, protocol: Protocol, systems: tuple[str, ...]
) -> PreferenceResult:
    """Everything about one scale.

    Args:
        pairs: rows of `collected.PAIRS` of any kind and scale.
        scale: id.
        protocol: as declared.
        systems: competitors in the order of tables.
    """
    rows = pairs[(pairs["scale"] == scale) & pairs["kind"].isin(["test", "anchor"])]
    among = rows[rows["first"].isin(systems) & rows["second"].isin(systems) & (rows["kind"] == "test")]
    anchors = tuple(sorted((set(rows["first"]) | set(rows["second"])) - set(systems)))
    outcomes, leads = _outcomes(rows, scale, protocol, systems, anchors)
    notes = []
    decided = among[among["value"].notna()]
    for column in ("rater", "prompt"):
        if decided[column].nunique() == 1:
            notes.append(f"With one {column} there are no intervals and no tests: nothing says how others differ.")
    silent = [name for name in systems if name not in set(among["first"]) | set(among["second"])]
    if silent:
        notes.append(f"No answer is about {', '.join(silent)}; nothing is said of it.")
    judged = tuple(name for name in systems if name not in silent)
    connected = _connected(among, judged)
    if not connected:
        notes.append(
            "Not every system was compared, directly or by way of others, with every other: no strengths. ('Both bad'"
            " compares nothing.)"
            if len(decided) < len(among)
            else "Not every system was compared, directly or by way of others, with every other: no strengths."
        )
    elif judged and protocol.form == "preference":
        notes.append(
            f"A weak prior draws strengths towards each other (standard deviation {PRIOR_SD:g} on the log scale)."
        )
    strengths = _strengths(among, scale, protocol, judged, connected)
    if decided["rater"].nunique() > 1 < decided["prompt"].nunique() and any(
        row.strength is not None and row.low is None for row in strengths.values()
    ):
        notes.append("Answers that are the same about every song of a pair give no interval; that is no certainty.")
    strengths |= {name: replace(_counted(among, name, scale), strength=None) for name in silent}
    standing = _standing(outcomes, leads, strengths, protocol)
    nowhere = Standing(None, "")
    rows_of_table = [
        replace(strengths[name], rank=standing.get(name, nowhere).rank, group=standing.get(name, nowhere).group)
        for name in systems
    ]
    rows_of_table += _anchor_strengths(rows, scale, protocol, judged, anchors)
    return PreferenceResult(
        strengths=tuple(rows_of_table),
        outcomes=outcomes,
        position=_position(among, protocol.analysis.confidence),
        connected=connected,
        notes=tuple(notes),
    )


class _Signed(NamedTuple):
    """Decided comparisons as arrays: `value` is how far the song in slot A was ahead, in steps of the answer."""

    value: Array
    first: Codes
    second: Codes
    rater: Codes
    item: Codes
    raters: int
    items: int


def _signed(rows: pd.DataFrame, names: Sequence[str]) -> _Signed:
    decided = rows[rows["value"].notna()]
    number = {name: code for code, name in enumerate(names)}
    raters, rater = codes_of(decided["rater"])
    items, item = codes_of(decided["prompt"])
    return _Signed(
        value=-decided["value"].to_numpy(dtype=np.float64),
        first=np.array([number[name] for name in decided["first"]], dtype=np.intp),
        second=np.array([number[name] for name in decided["second"]], dtype=np.intp),
        rater=rater,
        item=item,
        raters=len(raters),
        items=len(items),
    )


class _Estimate(NamedTuple):
    mean: float
    low: float | None
    high: float | None
    p: float


def _mean(values: Array, slot: Array | None, data: _Signed, confidence: float) -> _Estimate:
    """The mean of `values` over raters and items, at equal shares of both slots where `slot` (+1, -1) varies.

    Arrays have shape (n,).
    """
    from scipy.stats import t as student

    if data.raters < 2 or data.items < 2:
        return _Estimate(float(values.mean()), None, None, math.nan)
    fixed = np.ones((len(values), 1))
    if slot is not None and len(values) > 2 and abs(float(slot.mean())) < 1:
        fixed = np.column_stack([fixed, slot])
    try:
        fit = fit_crossed(values, fixed, {"rater": data.rater, "item": data.item})
    except ModelError:  # unanimous, or next to no answers: only the number of raters and items speaks
        plain = float(np.linalg.lstsq(fixed, values, rcond=None)[0][0])
        return _Estimate(plain, None, None, 1.0 if abs(plain) < 1e-9 else smallest_p(data.raters, data.items))
    estimate, error, freedom = fit.contrast(np.eye(fixed.shape[1])[0])
    if math.isnan(error):  # a rater or a prompt for each order: the slot is part of how they differ
        return _mean(values, None, data, confidence)
    half = float(student.ppf((1 + confidence) / 2, freedom)) * error
    return _Estimate(estimate, estimate - half, estimate + half, 2 * float(student.sf(abs(estimate) / error, freedom)))


def _outcomes(
    rows: pd.DataFrame, scale: str, protocol: Protocol, systems: tuple[str, ...], anchors: tuple[str, ...]
) -> tuple[tuple[PairOutcome, ...], dict[Pair, float]]:
    """Every pair that was heard, and how far its first is ahead in the declared test."""
    outcomes, leads = {}, {}
    a, b = rows["first"].to_numpy(), rows["second"].to_numpy()
    for first, second in sorted(combinations((*systems, *anchors), 2), key=lambda pair: pair[1] in anchors):
        shared = rows[((a == first) & (b == second)) | ((a == second) & (b == first))]
        if len(shared):
            pair, tested = (first, second), second in systems
            outcomes[pair], leads[pair] = _outcome(shared, first, second, scale, protocol, tested=tested)
    p = {pair: outcome.p if pair[1] in systems else math.nan for pair, outcome in outcomes.items()}
    p_adjusted = adjusted(protocol, p)
    limit = level(protocol)
    return tuple(
        replace(outcome, p_adjusted=p_adjusted[pair], significant=p_adjusted[pair] < limit)
        for pair, outcome in outcomes.items()
    ), leads


def _outcome(
    rows: pd.DataFrame, first: str, second: str, scale: str, protocol: Protocol, *, tested: bool
) -> tuple[PairOutcome, float]:
    straight, ended = rows["first"].to_numpy() == first, rows["outcome"].to_numpy()
    estimate = _Estimate(math.nan, None, None, math.nan)
    data = _signed(rows, (first, second))
    if len(data.value) and tested:
        slot = np.where(data.first == 0, 1.0, -1.0)
        estimate = _mean(data.value * slot, slot, data, protocol.analysis.confidence)
    graded = protocol.form == "ccr" and len(data.value) > 0 and tested
    outcome = PairOutcome(
        first=first,
        second=second,
        scale=scale,
        first_wins=int((ended == np.where(straight, "first", "second")).sum()),
        second_wins=int((ended == np.where(straight, "second", "first")).sum()),
        ties=int((ended == "tie").sum()),
        both_bad=int((ended == "both_bad").sum()),
        mean=estimate.mean if graded else None,
        low=estimate.low if graded else None,
        high=estimate.high if graded else None,
        p=estimate.p,
        p_adjusted=math.nan,
        significant=False,
    )
    return outcome, estimate.mean


def _connected(rows: pd.DataFrame, systems: tuple[str, ...]) -> bool:
    """Whether decided comparisons lead from every system to every other."""
    decided = rows[rows["value"].notna()]
    links = set(zip(decided["first"], decided["second"], strict=True))
    reached, waiting = set(systems[:1]), list(systems[:1])
    while waiting:
        system = waiting.pop()
        near = {b if a == system else a for a, b in links if system in (a, b)} - reached
        reached |= near
        waiting += sorted(near)
    return reached == set(systems)


def _strengths(
    rows: pd.DataFrame, scale: str, protocol: Protocol, systems: tuple[str, ...], connected: bool
) -> dict[str, Strength]:
    strengths = {name: _counted(rows, name, scale) for name in systems}
    data = _signed(rows, systems)
    if not connected or not len(data.value):
        return strengths
    values, influence, errors = _estimated(data, len(systems), protocol.form)
    for place, name in enumerate(systems):
        low, high = _interval(
            float(values[place]), influence[:, place], float(errors[place]), data, protocol.analysis.confidence
        )
        strengths[name] = replace(strengths[name], strength=float(values[place]), low=low, high=high)
    return strengths


def estimated_strengths(pairs: pd.DataFrame, systems: tuple[str, ...], form: str) -> Array:
    """Strengths alone, without intervals, shape (systems,); every system must have been compared."""
    return _estimated(_signed(pairs, systems), len(systems), form)[0]


def _estimated(data: _Signed, systems: int, form: str) -> tuple[Array, Array, Array]:
    """Strengths, what each comparison contributes to them, shape (n, systems), and the smallest errors they can have.

    Comparisons that nearly all end alike contribute next to nothing; that says nothing about how sure a strength is.
    """
    if form == "preference":
        fit = fit_davidson(Comparisons(data.first, data.second, np.sign(data.value), systems))
        return fit.strengths, fit.influence, fit.errors
    return (*mean_over_opponents(data.value, data.first, data.second, systems), np.zeros(systems))


def _interval(
    value: float, influence: Array, least: float, data: _Signed, confidence: float
) -> tuple[float | None, float | None]:
    """None where one rater or prompt, or answers that do not vary, allow no interval; `least` is the smallest error.

    `influence` has shape (n,).
    """
    from scipy.stats import t as student

    if data.raters < 2 or data.items < 2:
        return None, None
    error, freedom = crossed_spread(influence, data.rater, data.item)
    error = max(error, least)
    if error < 1e-9:
        return None, None
    half = float(student.ppf((1 + confidence) / 2, freedom)) * error
    return value - half, value + half


def _counted(rows: pd.DataFrame, name: str, scale: str) -> Strength:
    rows = rows[(rows["first"].to_numpy() == name) | (rows["second"].to_numpy() == name)]
    decided = rows["value"].notna().to_numpy()
    ended = rows["outcome"].to_numpy()[decided]
    won = int((ended == np.where(rows["first"].to_numpy()[decided] == name, "first", "second")).sum())
    ties = int((ended == "tie").sum())
    return Strength(
        system=name,
        scale=scale,
        strength=None,
        low=None,
        high=None,
        win_rate=(won + ties / 2) / len(ended) if len(ended) else None,
        both_bad=float((rows["outcome"].to_numpy() == "both_bad").mean()) if len(rows) else 0.0,
        n=len(rows),
        n_raters=rows["rater"].nunique(),
        n_items=len(rows[["prompt", "take"]].drop_duplicates()),
    )


def _standing(
    outcomes: Sequence[PairOutcome], leads: Mapping[Pair, float], strengths: dict[str, Strength], protocol: Protocol
) -> dict[str, Standing]:
    order = sorted(
        (name for name, row in strengths.items() if row.strength is not None),
        key=lambda name: -(strengths[name].strength or 0.0),
    )
    p_adjusted = {
        (row.first, row.second): row.p_adjusted for row in outcomes if row.first in order and row.second in order
    }
    return standings(order, p_adjusted, leads, level(protocol))


def _anchor_strengths(
    rows: pd.DataFrame, scale: str, protocol: Protocol, systems: tuple[str, ...], anchors: tuple[str, ...]
) -> list[Strength]:
    """Anchors, from a fit of their own with everything in it, on the same zero; they change no system's figure."""
    everyone = (*systems, *anchors)
    if not anchors:
        return []
    rows = rows[rows["first"].isin(everyone) & rows["second"].isin(everyone)]
    strengths = _strengths(rows, scale, protocol, everyone, _connected(rows, everyone))
    zero = float(np.mean([strengths[name].strength or 0.0 for name in systems])) if systems else 0.0

    def shifted(value: float | None) -> float | None:
        return None if value is None else value - zero

    return [
        replace(row, strength=shifted(row.strength), low=shifted(row.low), high=shifted(row.high), competitor=False)
        for row in (strengths[name] for name in anchors)
    ]


def _position(rows: pd.DataFrame, confidence: float) -> Position:
    decided = rows[rows["outcome"].isin(["first", "second"])]
    if decided.empty:
        return Position(None, None, None, 0)
    data = _signed(decided, sorted(set(decided["first"]) | set(decided["second"])))
    share = _mean(np.asarray(decided["outcome"] == "first", dtype=np.float64), None, data, confidence)
    low, high = (None if end is None else min(1.0, max(0.0, end)) for end in (share.low, share.high))
    return Position(min(1.0, max(0.0, share.mean)), low, high, len(decided))
