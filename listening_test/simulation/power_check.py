"""How often simulated tests find the difference that planning calls resolvable: ``listen simulate --plan --check``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

from listening_test.analysis.means import analyse_ratings
from listening_test.analysis.power import plan_table, typical
from listening_test.analysis.preferences import analyse_comparisons
from listening_test.analysis.results import Difference, PairOutcome
from listening_test.collected import CollectedAnswers
from listening_test.simulation.population import Population
from listening_test.simulation.ratings import SimulatedDesign, draw


def power_of(design: SimulatedDesign, *, tests: int, seed: int = 0) -> tuple[float, float]:
    """How often a pair that differs by what `power` calls resolvable is told apart, before any correction.

    Args:
        design: the test; its first two systems differ, the others lie between them.
        tests: how many to simulate.
        seed: of the first.

    Returns:
        The share of tests, and the difference (``preference``: the share above one half).
    """
    aimed, population = _resolvable(design)
    significant = [_p_of_first_pair(draw(design, population, number)) < 0.05 for number in range(seed, seed + tests)]
    return sum(significant) / tests if tests else math.nan, aimed


def _p_of_first_pair(data: CollectedAnswers) -> float:
    """Of the declared test of the first two systems, before any correction."""
    pairs: Sequence[PairOutcome | Difference]
    if data.protocol.pairwise:
        pairs = analyse_comparisons(data.pairs, "Q0", data.protocol, data.systems).outcomes
    else:
        pairs = analyse_ratings(data.ratings, "Q0", data.protocol, data.systems, song_counts={}, failed={}).differences
    return next(pair.p for pair in pairs if (pair.first, pair.second) == data.systems[:2])


def _resolvable(design: SimulatedDesign) -> tuple[float, Population]:
    """The planned difference, and a population in which the first two systems really differ by as much."""
    pairwise = design.form in ("preference", "ccr")
    limits = (1.0, 5.0) if pairwise else design.scale_range
    middle, sd = sum(limits) / 2, typical(limits)
    aimed = plan_table(
        form=design.form,
        items=design.prompts,
        systems=design.systems,
        scale_range=design.scale_range,
        raters=[design.raters],
        pages=[design.pages],
        per_page=design.systems if design.form in ("multistimulus", "mushra") else 1,
    )[0].resolvable
    apart = aimed
    if design.form == "preference":  # the distance of two opinions that gives this share
        spread = math.hypot(sd.rater_system, sd.item_system, sd.residual) * math.sqrt(2)
        apart = NormalDist().inv_cdf(min(0.5 + aimed, 0.999)) * spread
    effects = dict.fromkeys(design.names, middle)
    effects |= {design.names[0]: middle + apart / 2, design.names[1]: middle - apart / 2}
    return aimed, Population(effects=effects, scale_range=limits, components=sd, slope=0.0, fatigue=0.0, tie=0.0)
