"""What an analysis says of the agreement of raters."""

import numpy as np
import pytest
from answered import collected, comparison, rating

from listening_test.analysis.analyse import analyse

SHROUT_FLEISS = ((9, 2, 5, 8), (6, 1, 3, 2), (8, 4, 6, 8), (7, 1, 2, 6), (10, 5, 6, 9), (6, 2, 4, 7))
"""Six targets by four judges (Shrout and Fleiss 1979, table 2)."""


def reliability(rows, form="acr", **more):
    return analyse(collected(rows, form, **more)).everyone[0].reliability


def test_intraclass_correlations_of_the_published_example():
    rows = [
        rating(f"judge{j}", "s", f"p{t}", value) for t, row in enumerate(SHROUT_FLEISS) for j, value in enumerate(row)
    ]
    result = reliability(rows)
    assert result.icc_single == pytest.approx(0.29, abs=0.005)
    assert result.icc_average == pytest.approx(0.62, abs=0.005)


def test_repetitions_by_hand():
    first = [rating("r", "a", f"p{n}", value, trial=f"t{n}") for n, value in enumerate((1, 3, 5))]
    second = [
        rating("r", "a", f"p{n}", value, trial=f"t{n}-again", kind="repeat", repeats=f"t{n}")
        for n, value in enumerate((2, 3, 4))
    ]
    result = reliability([*first, *second])
    assert result.repeats == 3
    assert result.repeat_deviation == pytest.approx(2 / 3)
    assert result.repeat_correlation == pytest.approx(1.0)


def test_a_reversed_pair_that_is_answered_alike_is_consistent():
    first = comparison("r", "a", "b", "p", -1, trial="t")
    consistent_repeat = comparison("r", "b", "a", "p", 1, trial="u", kind="repeat", repeats="t")
    opposite_repeat = comparison("r", "b", "a", "p", -1, trial="u", kind="repeat", repeats="t")
    assert reliability([first, consistent_repeat], "preference").repeat_deviation == 0.0
    assert reliability([first, opposite_repeat], "preference").repeat_deviation == 2.0


def test_preferences_have_a_nominal_alpha_with_both_bad_as_an_answer_of_its_own():
    rows = [
        comparison(f"r{r}", *(("a", "b") if r % 2 else ("b", "a")), f"p{p}", value * (1 if r % 2 else -1))
        for r in range(4)
        for p, value in enumerate((-1, 1, -1, 0))
    ]
    assert reliability(rows, "preference").alpha == 1.0
    bad = [comparison(f"r{r}", "a", "b", "p9", None) for r in range(4)]
    assert reliability([*rows, *bad], "preference").alpha == 1.0
    assert reliability(rows, "preference").icc_single is None


def test_components_are_passed_on_and_nothing_is_claimed_of_one_rater():
    rng = np.random.default_rng(0)
    rows = [rating(f"r{r}", s, f"p{p}", rng.integers(1, 6)) for r in range(5) for p in range(4) for s in "ab"]
    assert reliability(rows).components.residual > 0
    alone = reliability([row for row in rows if row["rater"] == "r0"])
    assert (alone.alpha, alone.icc_single, alone.split_half, alone.components) == (None, None, None, None)
