"""The order of systems when points are ranks only, and the sorting of whole analyses."""

import numpy as np
import pytest
from answered import collected, rating

from listening_test.analysis.analyse import analyse, ordinal_order
from listening_test.analysis.coded_ratings import CodedRatings


def answers(rows):
    data = collected(rows)
    return CodedRatings.of(data.ratings, data.systems)


def table(seed=0, raters=8, prompts=10):
    rng = np.random.default_rng(seed)
    bias = rng.normal(0, 1, raters)
    return [
        rating(f"r{r}", s, f"p{p}", int(np.clip(round(2.2 + 0.7 * n + bias[r] + rng.normal(0, 0.8)), 1, 5)))
        for r in range(raters)
        for p in range(prompts)
        for n, s in enumerate("abc")
    ]


def test_the_order_is_found_whatever_the_raters_strictness():
    assert ordinal_order(answers(table())) == ("c", "b", "a")
    assert analyse(collected(table())).everyone[0].ordinal_order == ("c", "b", "a")


def test_stretching_the_scale_changes_nothing():
    rows = [{**row, "value": {1: 1, 2: 2, 3: 3, 4: 4, 5: 5}[row["value"]] ** 2} for row in table()]
    assert ordinal_order(answers(rows)) == ("c", "b", "a")


def test_rank_and_mean_order_that_differ_are_told():
    """a is mostly a little better, and now and then much worse."""
    rows = []
    for r in range(6):
        for p in range(10):
            rows += [rating(f"r{r}", "a", f"p{p}", 1 if p >= 7 else 4), rating(f"r{r}", "b", f"p{p}", 3)]
    result = analyse(collected(rows)).everyone[0]
    assert result.means[0].mean == pytest.approx(3.1)
    worse = [{**row, "value": 1.0} if row["system"] == "a" and row["prompt"] in ("p6", "p7") else row for row in rows]
    worse_result = analyse(collected(worse)).everyone[0]
    assert worse_result.means[0].mean < worse_result.means[1].mean and worse_result.ordinal_order == ("a", "b")
    assert "taken as ranks only" in " ".join(worse_result.notes)


def test_without_two_systems_or_two_answers_there_is_no_order():
    assert ordinal_order(answers([row for row in table() if row["system"] == "a"])) == ()
    assert ordinal_order(answers([rating("r", s, "p", 3) for s in "ab"])) == ()
