"""Means, differences and their tests, from answers written by hand."""

import math

import numpy as np
import pytest
from answered import collected, protocol, rating

from listening_test.analysis import inference, means
from listening_test.analysis.analyse import analyse
from songbench.statistics.mixed import ModelError


def table(systems=("a", "b", "c"), raters=6, items=5, seed=0, gap=1.0):
    """Everybody rates everything; neighbours differ by `gap`."""
    rng = np.random.default_rng(seed)
    bias, luck = rng.normal(0, 0.6, raters), rng.normal(0, 0.4, items)
    return [
        rating(
            f"r{r}", name, f"p{i}", float(np.clip(round(2 + gap * n + bias[r] + luck[i] + rng.normal(0, 0.6)), 1, 5))
        )
        for r in range(raters)
        for i in range(items)
        for n, name in enumerate(systems)
    ]


def scale_of(data, seed=0):
    return analyse(data, seed=seed).everyone[0]


def by_name(result):
    return {mean.system: mean for mean in result.means}


def test_all_by_all_means_are_the_plain_means_and_differences_are_paired():
    rows = table()
    result = scale_of(collected(rows))
    for name, mean in by_name(result).items():
        values = [row["value"] for row in rows if row["system"] == name]
        assert mean.mean == pytest.approx(np.mean(values))
        assert mean.sd == pytest.approx(np.std(values, ddof=1))
        assert (mean.n, mean.n_raters, mean.n_items) == (30, 6, 5)
        assert 1 <= mean.low < mean.mean < mean.high <= 5
    widths = {mean.system: mean.high - mean.low for mean in result.means}
    for pair in result.differences:
        means = by_name(result)
        assert pair.difference == pytest.approx(means[pair.first].mean - means[pair.second].mean)
        assert pair.low < pair.difference < pair.high
        assert pair.high - pair.low < max(widths.values())  # raters and items cancel
        assert (pair.n_items, pair.n_raters) == (5, 6)
    assert [(pair.first, pair.second) for pair in result.differences] == [("a", "b"), ("a", "c"), ("b", "c")]


def test_holm_letters_and_ranks_follow_from_the_declared_pairs():
    rows = table(gap=1.2, raters=10, items=8)
    result = scale_of(collected(rows))
    assert all(pair.significant for pair in result.differences)
    assert {name: (mean.rank, mean.group) for name, mean in by_name(result).items()} == {
        "a": ((3, 3), "c"),
        "b": ((2, 2), "b"),
        "c": ((1, 1), "a"),
    }
    declared = scale_of(collected(rows, analysis={"pairs": [["c", "a"]]}))
    pairs = {(pair.first, pair.second): pair for pair in declared.differences}
    assert pairs["a", "c"].significant and pairs["a", "c"].p_adjusted == pairs["a", "c"].p
    assert math.isnan(pairs["a", "b"].p_adjusted) and not pairs["a", "b"].significant
    assert by_name(declared)["b"].rank == (1, 3)


def test_equality_is_claimed_only_within_the_declared_margin():
    rows = table(gap=0.0, raters=12, items=10)
    wide = scale_of(collected(rows, analysis={"margin": 1.0})).differences[0]
    narrow = scale_of(collected(rows, analysis={"margin": 0.01})).differences[0]
    assert wide.p_equal < 0.05 < narrow.p_equal
    assert math.isnan(scale_of(collected(rows)).differences[0].p_equal)


def test_checks_of_a_pair_by_hand():
    rows = [
        rating(rater, system, f"p{n}", value)
        for rater in ("r1", "r2")
        for n, (first, second) in enumerate([(4, 3), (5, 3), (4, 1)])
        for system, value in (("a", first), ("b", second))
    ]
    pair = scale_of(collected(rows)).differences[0]
    assert pair.difference == pytest.approx(2.0)  # 1, 2, 3 on three items
    assert pair.effect == pytest.approx(2.0 / 1.0)
    assert pair.p_flip == pytest.approx(2 / 2**3)
    assert pair.p_wilcoxon == pytest.approx(2 / 2**3)
    assert pair.wins == pytest.approx(1.0)  # not one answer about b reaches one about a


def test_wins_count_ties_half_and_each_rater_alike():
    rows = [rating("r1", "a", "p1", 3), rating("r1", "b", "p1", 3), rating("r1", "b", "p2", 2)]
    rows += [rating("r2", "a", "p1", 2), rating("r2", "b", "p2", 4)]
    assert scale_of(collected(rows)).differences[0].wins == pytest.approx((0.75 + 0.0) / 2)


@pytest.mark.parametrize(("raters", "items", "note"), [(1, 4, "one rater"), (4, 1, "one prompt")])
def test_one_rater_or_one_item_gives_means_without_intervals(raters, items, note):
    result = scale_of(collected(table(raters=raters, items=items)))
    assert all(mean.mean is not None and mean.low is None and mean.high is None for mean in result.means)
    assert all(math.isnan(pair.p) and math.isnan(pair.low) and not pair.significant for pair in result.differences)
    assert all(mean.group == "" and mean.rank is None for mean in result.means)
    assert note in " ".join(result.notes)


def test_answers_that_do_not_vary_are_not_taken_for_certainty():
    rows = [rating(f"r{r}", s, f"p{i}", v) for r in range(3) for i in range(4) for s, v in (("a", 4), ("b", 2))]
    result = scale_of(collected(rows))
    pair = result.differences[0]
    assert pair.difference == 2.0 and math.isnan(pair.low) and math.isnan(pair.high)
    assert all(mean.low is None and mean.high is None for mean in result.means)
    assert pair.p == 0.25  # what flipping the signs of three raters can give at best
    assert "no certainty" in " ".join(result.notes)
    equal_rows = [rating(f"r{r}", s, f"p{i}", 3) for r in range(3) for i in range(4) for s in ("a", "b")]
    equal = scale_of(collected(equal_rows, analysis={"margin": 0.5})).differences[0]
    assert (equal.p, equal.p_equal) == (1.0, 0.125)


@pytest.mark.parametrize("apart", ["prompt", "rater"])
def test_systems_that_share_no_prompt_or_no_rater_are_not_tested_where_each_has_one(apart):
    """What the only prompt (or rater) of a system adds to its answers cannot be told from the system."""
    rng = np.random.default_rng(0)
    places = [(r, n, n) if apart == "prompt" else (n, r, n) for r in range(8) for n in range(2)]
    rows = [rating(f"r{r}", "ab"[n], f"p{i}", 2 + n + rng.integers(2)) for r, i, n in places]
    result = scale_of(collected(rows))
    assert math.isnan(result.differences[0].p) and math.isnan(result.differences[0].low)
    assert all(mean.mean is not None and mean.low is None and mean.rank is None for mean in result.means)
    assert "no interval and no test" in " ".join(result.notes)


def test_the_order_of_ranks_is_reported_only_where_it_contradicts_the_means_of_the_same_songs():
    rows = [row for row in table(systems=("a", "b", "c")) if row["system"] != "c" or row["prompt"] == "p0"]
    counts = {"song_counts": dict.fromkeys("abc", 5), "failed": {"c": 4}, "items": {"failures": "worst"}}
    result = scale_of(collected(rows, **counts))
    assert by_name(result)["c"].mean < by_name(result)["a"].mean and result.ordinal_order[0] == "c"
    assert "ranks only" not in " ".join(result.notes)  # c is best where it made a song
    level = [
        rating(f"r{r}", s, f"p{i}", 3 + (r + i + (s == "a")) % 2) for r in range(4) for i in range(4) for s in "ab"
    ]
    assert "ranks only" not in " ".join(scale_of(collected(level)).notes)
    split = [rating(f"r{r}", "a", f"p{i}", 5 if (r + i) % 4 else 1) for r in range(4) for i in range(8)]
    split += [rating(f"r{r}", "b", f"p{i}", 5 if (r, i) in ((0, 0), (2, 5)) else 4) for r in range(4) for i in range(8)]
    assert "another: a, b instead of b, a." in " ".join(scale_of(collected(split)).notes)


def test_one_rater_is_not_said_to_have_intervals():
    notes = " ".join(analyse(collected(table(raters=1))).notes)
    assert "raters:" not in notes


def test_a_system_without_answers_and_one_that_never_applies():
    rows = table(systems=("a", "b")) + [rating(f"r{n}", "na", "p0", None) for n in range(6)]
    result = scale_of(collected(rows, systems=("a", "b", "na", "silent")))
    means = by_name(result)
    assert means["silent"].mean is None and means["silent"].n == 0
    assert means["na"].mean is None and means["na"].not_applicable == 6
    assert [(pair.first, pair.second) for pair in result.differences] == [("a", "b")]
    assert "na, silent" in " ".join(result.notes)
    not_applicable = scale_of(collected([rating("r0", "a", "p0", None)]))
    assert not_applicable.means[0].mean is None and not_applicable.means[0].not_applicable == 1


def test_not_applicable_is_not_a_zero():
    rows = table(systems=("a", "b"))
    extra = [rating("r0", "a", "p9", None), rating("r1", "b", "p9", None)]
    with_them, without = scale_of(collected([*rows, *extra])), scale_of(collected(rows))
    assert [one.mean for one in with_them.means] == [one.mean for one in without.means]
    assert [one.not_applicable for one in with_them.means] == [1, 1]


def test_failures_count_as_the_worst_answer_only_when_declared():
    rows = table(systems=("a", "b"), gap=0.5)
    counts = {"song_counts": {"a": 10, "b": 10}, "failed": {"b": 4}}
    left_out = by_name(scale_of(collected(rows, **counts)))
    result = scale_of(collected(rows, **counts, items={"failures": "worst"}))
    counted = by_name(result)
    assert counted["a"] == left_out["a"].__class__(
        **{**vars(left_out["a"]), "rank": counted["a"].rank, "group": counted["a"].group}
    )
    assert counted["b"].mean == pytest.approx(0.6 * left_out["b"].mean + 0.4 * 1.0)
    assert counted["b"].low < counted["b"].mean < counted["b"].high
    assert counted["b"].low >= 1.0
    assert result.differences[0].difference == pytest.approx(counted["a"].mean - counted["b"].mean)
    assert "b 4 of 10" in " ".join(result.notes)
    failure_counts = {"song_counts": {"a": 5, "c": 5}, "failed": {"c": 5}}
    none_made = by_name(
        scale_of(collected(table(("a",)), systems=("a", "c"), **failure_counts, items={"failures": "worst"}))
    )
    assert none_made["c"].mean == 1.0 and none_made["c"].low is None


def test_anchors_have_means_but_are_not_compared_and_change_nothing():
    rows = table(systems=("a", "b"))
    low = [
        rating(f"r{r}", "lowpass-3500", f"p{i}", 1 + (r + i) % 2, role="anchor", kind="anchor")
        for r in range(6)
        for i in range(2)
    ]
    result = scale_of(collected([*rows, *low], systems=("a", "b")))
    anchor = result.means[-1]
    assert anchor.system == "lowpass-3500" and not anchor.competitor and anchor.rank is None and anchor.group == ""
    assert anchor.mean == pytest.approx(1.5) and anchor.low < 1.5 < anchor.high
    assert result.means[:2] == scale_of(collected(rows)).means


def test_repetitions_are_not_counted_twice():
    rows = table(systems=("a", "b"))
    again = [{**row, "kind": "repeat", "repeats": row["trial"], "value": 1.0} for row in rows[:8]]
    assert scale_of(collected([*rows, *again])).means == scale_of(collected(rows)).means


def test_takes_of_a_prompt_are_not_other_prompts():
    """The same answers four times, as takes, must not look like four times the prompts."""
    rows = table(systems=("a", "b"))
    takes = [{**row, "take": take, "stimulus": f"{row['stimulus']}-{take}"} for row in rows for take in range(4)]
    once, often = scale_of(collected(rows)).differences[0], scale_of(collected(takes)).differences[0]
    assert often.n_items == once.n_items
    assert often.high - often.low > 0.7 * (once.high - once.low)


def test_where_the_model_fails_a_bootstrap_stands_in_and_says_so(monkeypatch):
    rows = table(raters=10, items=8)
    model = scale_of(collected(rows))

    def refuse(answers):
        raise ModelError("refused for this test")

    monkeypatch.setattr(inference, "crossed_model", refuse)
    result = scale_of(collected(rows))
    assert "refused for this test" in result.notes[0] and "bootstrap" in result.notes[0]
    for pair, model_pair in zip(result.differences, model.differences, strict=True):
        assert pair.difference == pytest.approx(model_pair.difference)
        assert pair.low < pair.difference < pair.high
        assert 0.7 < (pair.high - pair.low) / (model_pair.high - model_pair.low) < 2.0
    assert scale_of(collected(rows)) == result


def test_row_order_names_and_seeds_do_not_matter():
    rows = table()
    result = scale_of(collected(rows))
    shuffled = [rows[n] for n in np.random.default_rng(1).permutation(len(rows))]
    assert scale_of(collected(shuffled)) == result
    renamed = [
        {**row, "rater": f"x{9 - int(row['rater'][1])}", "prompt": f"q{9 - int(row['prompt'][1])}"} for row in rows
    ]
    renamed_result = scale_of(collected(renamed))
    assert [mean.mean for mean in renamed_result.means] == pytest.approx([mean.mean for mean in result.means])
    assert [pair.p for pair in renamed_result.differences] == pytest.approx(
        [pair.p for pair in result.differences], rel=1e-4
    )
    assert scale_of(collected(rows), seed=5).means == result.means


def test_a_lower_confidence_gives_narrower_intervals():
    rows = table()
    wide, narrow = scale_of(collected(rows)), scale_of(collected(rows, analysis={"confidence": 0.8}))
    assert narrow.means[0].high - narrow.means[0].low < wide.means[0].high - wide.means[0].low


def test_the_limits_of_the_scale_cut_intervals_not_means():
    rows = [rating(f"r{r}", s, f"p{i}", 5 if (r + i) % 5 else 4) for r in range(4) for i in range(4) for s in "ab"]
    assert all(one.high == 5.0 for one in scale_of(collected(rows)).means)
    assert protocol().range("Q") == (1.0, 5.0)


def test_many_large_tables_are_fitted():
    """50 raters, 60 items, 8 systems: the largest size that has to be possible."""
    rng = np.random.default_rng(0)
    rows = [
        rating(f"r{r:02d}", f"s{s}", f"p{i:02d}", int(np.clip(round(2.5 + 0.2 * s + rng.normal()), 1, 5)))
        for r in range(50)
        for i in range(60)
        for s in range(8)
        if rng.random() < 0.3
    ]
    systems = tuple(f"s{n}" for n in range(8))
    result = means.analyse_ratings(collected(rows).ratings, "Q", protocol(), systems, song_counts={}, failed={})
    assert len(result.differences) == 28 and all(mean.low < mean.high for mean in result.means)
    assert result.components.residual == pytest.approx(1.0, abs=0.05)
