"""What a design can resolve: the smallest difference that a test of this size would find most of the time.

The variance of a difference between two systems follows from the crossed model of `means` (raters, items and both
interactions drawn at random): what a rater or an item adds to both systems cancels, as far as both were heard by the
same raters on the same items; tastes and luck with a prompt do not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from listening_test.analysis.results import Components
from songbench.domain.errors import InputError

TYPICAL = Components(rater=0.6, item=0.4, rater_system=0.3, item_system=0.35, residual=0.8)
"""Standard deviations on a scale of 1 to 5. Rater, item and residual are figures commonly planned with for songs, the
interactions are modest guesses; a pilot of one's own (`Reliability.components`) should replace all of them."""

TYPICAL_SPAN = 4.0
"""Highest minus lowest value of the scale that `TYPICAL` belongs to."""

PREFERENCE_RATER, PREFERENCE_ITEM = 0.13, 0.15
"""Standard deviations, over raters and over prompts, of the chance to prefer one of two systems that are as good as
each other: what the interactions of `TYPICAL` come to when the difference of two opinions is cut at zero."""


@dataclass(frozen=True, kw_only=True)
class PlanRow:
    """What one size of test can resolve.

    Attributes:
        raters: how many take part.
        pages: test pages each of them answers.
        answers_per_song: answers on one scale that each song gets on average; for pairs: each pair of songs.
        mean_half_width: of the interval of a system's mean, in points; None for forms that compare.
        resolvable: the difference in points, or the share above one half, that is found with the power asked for.
    """

    raters: int
    pages: int
    answers_per_song: float
    mean_half_width: float | None
    resolvable: float


def scaled(components: Components, factor: float) -> Components:
    """The same components on a scale that is `factor` times as wide."""
    return Components(
        rater=components.rater * factor,
        item=components.item * factor,
        rater_system=components.rater_system * factor,
        item_system=components.item_system * factor,
        residual=components.residual * factor,
    )


def typical(scale_range: tuple[float, float]) -> Components:
    """`TYPICAL`, stretched to a scale with this lowest and highest value."""
    return scaled(TYPICAL, (scale_range[1] - scale_range[0]) / TYPICAL_SPAN)


def resolvable_difference(
    *,
    raters: int,
    items: int,
    pages: int,
    systems: int,
    scale_range: tuple[float, float],
    components: Components | None = None,
    confidence: float = 0.95,
    power: float = 0.8,
    per_page: int = 1,
) -> float:
    """The true difference of two systems' means that one declared pair would be found significant at.

    Args:
        raters: how many take part, at least 2.
        items: prompts, at least 2.
        pages: test pages per rater, spread evenly over systems and prompts.
        systems: how many, at least 2.
        scale_range: lowest and highest value of the scale.
        components: standard deviations in points of this scale; None: `TYPICAL`, stretched to it.
        confidence: of the test: its level is 1 - confidence, before any correction for several pairs.
        power: chance to find it, in (0, 1).
        per_page: songs judged on one page.

    Returns:
        The difference in points; it may exceed the scale, which says that nothing can be resolved.

    Raises:
        InputError: for sizes that allow no test.
    """
    _check(raters, items, pages, systems)
    parts = _difference_parts(raters, items, pages * per_page, systems, components or typical(scale_range))
    return _detectable(parts, confidence, power)


def resolvable_preference(
    *,
    raters: int,
    items: int,
    pages: int,
    systems: int,
    confidence: float = 0.95,
    power: float = 0.8,
) -> float:
    """How far above one half the share of preferences for a system must be for one declared pair to be found.

    Args:
        raters: how many take part, at least 2.
        items: prompts, at least 2.
        pages: comparisons per rater, spread evenly over the pairs of systems.
        systems: how many, at least 2.
        confidence: of the test, before any correction for several pairs.
        power: chance to find it, in (0, 1).

    Returns:
        The share above one half, at most 0.5 (which says that even unanimity might be missed).

    Raises:
        InputError: for sizes that allow no test.
    """
    _check(raters, items, pages, systems)
    answers = raters * pages / math.comb(systems, 2)
    heard_by, heard_on = min(raters, answers), min(items, answers)
    noise = 0.25 - PREFERENCE_RATER**2 - PREFERENCE_ITEM**2
    parts = [
        (PREFERENCE_RATER**2 / heard_by, max(heard_by - 1, 1)),
        (PREFERENCE_ITEM**2 / heard_on, max(heard_on - 1, 1)),
        (noise / answers, max(answers - heard_by - heard_on + 1, 1)),
    ]
    return min(0.5, _detectable(parts, confidence, power))


def mean_half_width(
    *,
    raters: int,
    items: int,
    pages: int,
    systems: int,
    scale_range: tuple[float, float],
    components: Components | None = None,
    confidence: float = 0.95,
    per_page: int = 1,
) -> float:
    """Half the width of the interval of one system's mean, in points; arguments as in `resolvable_difference`.

    Raises:
        InputError: for sizes that allow no interval.
    """
    _check(raters, items, pages, systems)
    sd = components or typical(scale_range)
    answers = raters * pages * per_page / systems
    heard_by, heard_on = min(raters, answers), min(items, answers)
    parts = [
        ((sd.rater**2 + sd.rater_system**2) / heard_by, max(heard_by - 1, 1)),
        ((sd.item**2 + sd.item_system**2) / heard_on, max(heard_on - 1, 1)),
        (sd.residual**2 / answers, max(answers - heard_by - heard_on + 1, 1)),
    ]
    error, freedom = _combined(parts)
    return _t_quantile(freedom, (1 + confidence) / 2) * error


def plan_table(
    *,
    form: str,
    items: int,
    systems: int,
    scale_range: tuple[float, float],
    raters: Sequence[int] = (8, 12, 16, 24, 32, 48),
    pages: Sequence[int] = (12, 24, 36),
    per_page: int = 1,
    components: Components | None = None,
    confidence: float = 0.95,
    power: float = 0.8,
) -> tuple[PlanRow, ...]:
    """What tests of several sizes can resolve.

    Args:
        form: of the protocol; ``preference`` gives shares above one half, every other form points of its scale. An
            answer of ``ccr`` counts as the difference of two opinions on a scale of 1 to 5, with `TYPICAL`.
        items: prompts.
        systems: how many.
        scale_range: lowest and highest value.
        raters: numbers to try.
        pages: numbers of test pages per rater to try.
        per_page: songs judged on one page.
        components: as in `resolvable_difference`.
        confidence: as in `resolvable_difference`.
        power: as in `resolvable_difference`.

    Returns:
        A row for each number of raters and of pages, in this order.

    Raises:
        InputError: for sizes that allow no test.
    """
    rows = []
    for people in raters:
        for count in pages:
            size = {"raters": people, "items": items, "pages": count, "systems": systems}
            if form == "preference":
                resolved = resolvable_preference(**size, confidence=confidence, power=power)
                width = None
            elif form == "ccr":
                resolved = _resolvable_comparison(
                    people, items, count, systems, components or TYPICAL, confidence, power
                )
                width = None
            else:
                common = {"scale_range": scale_range, "components": components, "per_page": per_page}
                resolved = resolvable_difference(**size, **common, confidence=confidence, power=power)  # type: ignore[arg-type]
                width = mean_half_width(**size, **common, confidence=confidence)  # type: ignore[arg-type]
            judged = items * (math.comb(systems, 2) if form in ("preference", "ccr") else systems)
            rows.append(
                PlanRow(
                    raters=people,
                    pages=count,
                    answers_per_song=people * count * per_page / judged,
                    mean_half_width=width,
                    resolvable=resolved,
                )
            )
    return tuple(rows)


def _resolvable_comparison(
    raters: int, items: int, pages: int, systems: int, sd: Components, confidence: float, power: float
) -> float:
    """For ``ccr``: the mean answer of one pair that differs from 0; everything counts for both songs."""
    _check(raters, items, pages, systems)
    answers = raters * pages / math.comb(systems, 2)
    heard_by, heard_on = min(raters, answers), min(items, answers)
    parts = [
        (2 * sd.rater_system**2 / heard_by, max(heard_by - 1, 1)),
        (2 * sd.item_system**2 / heard_on, max(heard_on - 1, 1)),
        (2 * sd.residual**2 / answers, max(answers - heard_by - heard_on + 1, 1)),
    ]
    return _detectable(parts, confidence, power)


def _difference_parts(
    raters: int, items: int, answers_each: int, systems: int, sd: Components
) -> list[tuple[float, float]]:
    """Parts of the variance of a difference, each with the degrees of freedom it would be estimated with."""
    answers = raters * answers_each / systems
    heard_by, heard_on = min(raters, answers), min(items, answers)
    opponents = systems - 1
    uncancelled = sd.rater**2 * (1 / heard_by - 1 / raters) + sd.item**2 * (1 / heard_on - 1 / items)
    return [
        (2 * sd.rater_system**2 / heard_by, max((heard_by - 1) * opponents, 1)),
        (2 * sd.item_system**2 / heard_on, max((heard_on - 1) * opponents, 1)),
        (2 * (sd.residual**2 / answers + uncancelled), max((answers - heard_by - heard_on) * systems, 1)),
    ]


def _detectable(parts: Sequence[tuple[float, float]], confidence: float, power: float) -> float:
    error, freedom = _combined(parts)
    return error * (_t_quantile(freedom, (1 + confidence) / 2) + _t_quantile(freedom, power))


def _combined(parts: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Standard error of a sum of variances and its degrees of freedom (Satterthwaite 1946)."""
    total = sum(variance for variance, _ in parts)
    spread = sum(variance**2 / freedom for variance, freedom in parts)
    return math.sqrt(total), total**2 / spread if spread else math.inf


def _t_quantile(freedom: float, level: float) -> float:
    from scipy.special import ndtri, stdtrit

    return float(ndtri(level) if math.isinf(freedom) else stdtrit(freedom, level))


def _check(raters: int, items: int, pages: int, systems: int) -> None:
    for name, count, least in (
        ("raters", raters, 2),
        ("items", items, 2),
        ("pages", pages, 1),
        ("systems", systems, 2),
    ):
        if count < least:
            raise InputError(
                f"A test needs at least {least} {name} before anything can be concluded, found {count}.", field=name
            )
