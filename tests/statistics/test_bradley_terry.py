"""Davidson's model against closed forms."""

import math

import numpy as np
import pytest

from songbench.statistics.bradley_terry import Comparisons, fit_davidson


def fitted(decisions, systems=2):
    """From (first, second, outcome, how often)."""
    rows = [(a, b, o) for a, b, o, times in decisions for _ in range(times)]
    first, second, outcome = (np.array(column) for column in zip(*rows, strict=True))
    return fit_davidson(Comparisons(first, second, outcome.astype(float), systems))


def test_two_systems_have_the_log_odds_of_their_wins():
    """Without ties the maximum is closed: log(wins / losses); with very many answers the prior is nothing."""
    fit = fitted([(0, 1, 1, 15000), (0, 1, -1, 5000), (1, 0, -1, 15000), (1, 0, 1, 5000)])
    assert fit.strengths[0] - fit.strengths[1] == pytest.approx(math.log(3), abs=1e-3)
    assert fit.slot == pytest.approx(0.0, abs=1e-3)


def test_ties_give_nu_and_leave_the_odds_alone():
    """Davidson (1970): for one pair, nu = ties / sqrt(wins * losses), and the odds are wins / losses."""
    fit = fitted(
        [(0, 1, 1, 8000), (0, 1, -1, 2000), (0, 1, 0, 4000), (1, 0, -1, 8000), (1, 0, 1, 2000), (1, 0, 0, 4000)]
    )
    assert fit.strengths[0] - fit.strengths[1] == pytest.approx(math.log(4), abs=1e-3)
    assert fit.tie == pytest.approx(math.log(1.0), abs=1e-3)


def test_an_advantage_of_the_slot_is_not_credited_to_a_system():
    """True odds 2, slot odds 3: first in A wins 6 : 1, first in B loses 2 : 3."""
    fit = fitted([(0, 1, 1, 18000), (0, 1, -1, 3000), (1, 0, 1, 9000), (1, 0, -1, 6000)])
    assert fit.strengths[0] - fit.strengths[1] == pytest.approx(math.log(2), abs=1e-3)
    assert fit.slot == pytest.approx(math.log(3), abs=1e-3)


def test_three_systems_recover_the_strengths_that_made_the_expected_counts():
    strengths, nu = np.array([0.8, 0.1, -0.9]), 0.5
    decisions = []
    for a in range(3):
        for b in range(3):
            if a != b:
                eta = strengths[a] - strengths[b]
                weights = np.array([math.exp(eta / 2), nu, math.exp(-eta / 2)])
                for outcome, share in zip((1, 0, -1), weights / weights.sum(), strict=True):
                    decisions.append((a, b, outcome, round(20000 * share)))
    fit = fitted(decisions, 3)
    assert fit.strengths == pytest.approx(strengths, abs=2e-3)
    assert fit.tie == pytest.approx(math.log(nu), abs=2e-3)


def test_separation_and_nothing_but_ties_stay_finite():
    always = fitted([(0, 1, 1, 40), (1, 0, -1, 40)])
    assert 2 < always.strengths[0] - always.strengths[1] < 12
    ties = fitted([(0, 1, 0, 40), (1, 0, 0, 40)])
    assert ties.strengths == pytest.approx([0, 0], abs=1e-9) and np.isfinite(ties.tie)


def test_influence_is_what_an_answer_more_changes():
    """The contributions behind the intervals agree with really adding an answer, in large data."""
    base = [
        (0, 1, 1, 300),
        (0, 1, -1, 200),
        (1, 0, 1, 250),
        (1, 0, -1, 250),
        (1, 2, 1, 300),
        (2, 1, 1, 200),
        (2, 0, -1, 400),
    ]
    before = fitted(base, 3)
    after = fitted([*base, (0, 1, 1, 1)], 3)
    assert after.strengths - before.strengths == pytest.approx(before.influence[0], rel=0.02, abs=1e-6)
