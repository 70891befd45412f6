"""Statistics against analytic answers, textbook examples and simulation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from songbench import statistics
from songbench.statistics import Takes


def takes(values, weights=None, per_prompt=1):
    prompts = [f"p{i // per_prompt:03d}" for i in range(len(values))]
    return Takes.of(prompts, values, weights)


def width(interval):
    return interval.high - interval.low


class TestFigure:
    def test_weights_make_the_micro_average(self):
        errors, phonemes = np.array([1, 30, 4]), np.array([10, 100, 5])
        assert takes(errors / phonemes, phonemes).figure == pytest.approx(errors.sum() / phonemes.sum())

    def test_without_weights_it_is_the_mean(self):
        assert takes([1, 2, 6]).figure == 3

    @pytest.mark.parametrize(
        ("prompts", "values", "weights"),
        [
            ([], [], None),
            (["a"], [1.0, 2.0], None),
            (["a"], [float("nan")], None),
            (["a"], [1.0], [0.0]),
            (["a"], [1.0], [float("inf")]),
        ],
    )
    def test_refuses_what_would_hide_a_failure(self, prompts, values, weights):
        with pytest.raises(ValueError):
            Takes.of(prompts, values, weights)

    def test_on_keeps_the_prompts_asked_for(self):
        kept = takes([1, 2, 3, 4], per_prompt=2).on({"p001", "elsewhere"})
        assert kept is not None and kept.values.tolist() == [3, 4]
        assert takes([1.0]).on({"elsewhere"}) is None


class TestBootstrap:
    @pytest.mark.parametrize("prompts", [6, 30])
    def test_covers_the_truth_as_often_as_it_says(self, prompts):
        rng = np.random.default_rng(1)
        hits = 0
        for trial in range(400):
            values = np.repeat(rng.normal(3, 1, prompts), 2) + rng.normal(0, 0.3, 2 * prompts)
            interval = statistics.bootstrap_interval(takes(values, per_prompt=2), replicates=400, seed=trial)
            hits += interval.low <= 3 <= interval.high
        assert 0.92 <= hits / 400 <= 0.98

    def test_covers_a_micro_average(self):
        rng = np.random.default_rng(2)
        hits = 0
        for trial in range(300):
            phonemes = rng.integers(50, 400, 25)
            rate = rng.beta(2, 8, 25)
            interval = statistics.bootstrap_interval(takes(rate, phonemes), replicates=400, seed=trial)
            hits += interval.low <= 0.2 <= interval.high
        assert 0.91 <= hits / 300 <= 0.98

    @pytest.mark.parametrize("n", [5, 20, 200])
    def test_is_as_wide_as_student_t_for_normal_values(self, n):
        values = stats.norm.ppf((np.arange(n) + 0.5) / n)
        classic = 2 * stats.t.ppf(0.975, n - 1) * np.std(values, ddof=1) / np.sqrt(n)
        assert width(statistics.bootstrap_interval(takes(values), replicates=20000)) == pytest.approx(classic, rel=0.12)

    def test_identical_takes_add_nothing(self):
        values = np.random.default_rng(3).normal(size=20)
        once = statistics.bootstrap_interval(takes(values))
        four = statistics.bootstrap_interval(takes(np.repeat(values, 4), per_prompt=4))
        assert width(four) == pytest.approx(width(once), rel=0.1)

    def test_takes_as_different_as_prompts_narrow_it(self):
        values = np.random.default_rng(4).normal(size=80)
        few = statistics.bootstrap_interval(takes(values[::4]))
        nested = statistics.bootstrap_interval(takes(values, per_prompt=4))
        as_prompts = statistics.bootstrap_interval(takes(values))
        assert width(as_prompts) < width(nested) < width(few)

    def test_prompts_alone_make_it_wide_when_takes_agree(self):
        values = np.repeat(np.random.default_rng(5).normal(size=10), 10)
        nested = statistics.bootstrap_interval(takes(values, per_prompt=10))
        assert width(nested) > 2.5 * width(statistics.bootstrap_interval(takes(values)))

    def test_same_seed_same_interval_in_any_order_of_prompts(self):
        values = np.random.default_rng(6).normal(size=12)
        one = takes(values, per_prompt=2)
        back = Takes.of([*one.prompts[6:], *one.prompts[:6]], [*values[6:], *values[:6]])
        assert statistics.bootstrap_interval(one, seed=7) == statistics.bootstrap_interval(back, seed=7)
        assert statistics.bootstrap_interval(one, seed=7) != statistics.bootstrap_interval(one, seed=8)

    def test_resampling_in_pieces_is_the_same_resampling(self, monkeypatch):
        some = takes(np.random.default_rng(18).normal(size=30), per_prompt=3)
        whole = statistics.bootstrap_interval(some, replicates=5000)
        monkeypatch.setattr(statistics, "_DRAWS_AT_ONCE", 1000)
        assert statistics.bootstrap_interval(some, replicates=5000) == pytest.approx(whole, abs=0.1 * width(whole))

    def test_unequal_takes_keep_every_figure_inside_the_values(self):
        low, high = statistics.bootstrap_interval(Takes.of(["a", "b", "b", "b"], [1.0, 2.0, 3.0, 4.0]))
        assert 1 <= low < high <= 4

    def test_one_prompt_has_no_interval_whatever_its_takes(self):
        assert statistics.bootstrap_interval(takes([1, 2, 3], per_prompt=3)) is None

    def test_constant_values_have_an_interval_of_no_width(self):
        assert statistics.bootstrap_interval(takes([2.0] * 5)) == (2, 2)


class TestJackknife:
    def test_of_a_mean_is_the_classic_t_interval(self):
        values = np.random.default_rng(8).normal(size=9)
        without = {f"p{i}": float(np.delete(values, i).mean()) for i in range(9)}
        classic = stats.t.interval(0.9, 8, loc=values.mean(), scale=stats.sem(values))
        assert statistics.jackknife_interval(float(values.mean()), without, confidence=0.9) == pytest.approx(classic)
        assert list(statistics.pseudo_values(float(values.mean()), without).values()) == pytest.approx(values)

    def test_pseudo_values_remove_the_bias_of_the_plain_variance(self):
        values = np.random.default_rng(9).normal(size=12)
        without = {f"p{i}": float(np.var(np.delete(values, i))) for i in range(12)}
        corrected = np.mean(list(statistics.pseudo_values(float(np.var(values)), without).values()))
        assert corrected == pytest.approx(np.var(values, ddof=1))

    def test_needs_two_prompts(self):
        assert statistics.jackknife_interval(1.0, {"p": 1.0}) is None
        assert statistics.jackknife_interval(1.0, {}) is None


class TestPaired:
    def test_is_the_paired_t_test(self):
        rng = np.random.default_rng(10)
        first, second = rng.normal(1, 1, 12), rng.normal(0, 1, 12)
        test = statistics.compare_takes(takes(first), takes(second))
        classic = stats.ttest_rel(first, second)
        interval = classic.confidence_interval(0.95)
        assert (test.n, test.difference, test.p) == pytest.approx((12, np.mean(first - second), classic.pvalue))
        assert (test.low, test.high) == pytest.approx((interval.low, interval.high))

    def test_is_the_exact_sign_flip_test(self):
        rng = np.random.default_rng(11)
        first, second = rng.normal(0.6, 1, 9), rng.normal(0, 1, 9)
        d = first - second
        flips = [abs(np.dot(signs, d)) >= abs(d.sum()) - 1e-9 for signs in itertools.product([1, -1], repeat=9)]
        assert statistics.compare_takes(takes(first), takes(second)).p_flip == np.mean(flips)

    def test_draws_signs_where_there_are_too_many(self):
        first, second = np.random.default_rng(12).normal([[0.35], [0]], 1, (2, 40))
        test = statistics.compare_takes(takes(first), takes(second), seed=3)
        assert test.p_flip == pytest.approx(test.p, abs=0.02)
        assert test == statistics.compare_takes(takes(first), takes(second), seed=3)

    def test_p_is_uniform_when_nothing_differs(self):
        rng = np.random.default_rng(13)
        tests = [statistics.compare_takes(takes(rng.normal(size=8)), takes(rng.normal(size=8))) for _ in range(600)]
        assert 0.03 <= np.mean([test.p < 0.05 for test in tests]) <= 0.07
        assert 0.03 <= np.mean([test.p_flip < 0.05 for test in tests]) <= 0.07

    def test_tests_the_difference_of_the_micro_averages(self):
        rng = np.random.default_rng(14)
        weights = rng.integers(10, 500, 15)
        first, second = takes(rng.random(15), weights), takes(rng.random(15), weights)
        test = statistics.compare_takes(first, second)
        assert test.difference == pytest.approx(first.figure - second.figure)

    def test_linearised_values_have_the_micro_average_as_mean_and_are_plain_under_equal_weights(self):
        rng = np.random.default_rng(15)
        unequal = takes(rng.random(12), rng.integers(1, 50, 12), per_prompt=3)
        assert np.mean(list(statistics.prompt_values(unequal).values())) == pytest.approx(unequal.figure)
        equal = takes([1, 2, 3, 5], per_prompt=2)
        assert statistics.prompt_values(equal) == pytest.approx({"p000": 1.5, "p001": 4.0})

    def test_linearised_spread_is_the_bootstrap_spread(self):
        rng = np.random.default_rng(16)
        some = takes(rng.random(80), rng.integers(50, 150, 80))
        error = np.std(list(statistics.prompt_values(some).values()), ddof=1) / np.sqrt(80)
        assert width(statistics.bootstrap_interval(some)) / (2 * 1.99) == pytest.approx(error, rel=0.1)

    def test_uses_common_prompts_only(self):
        first = Takes.of(["a", "b", "c", "only"], [1.0, 2.0, 3.0, 1000.0])
        second = Takes.of(["c", "b", "a"], [2.0, 1.5, 0.0])
        test = statistics.compare_takes(first, second)
        assert (test.n, test.difference) == (3, pytest.approx((1 + 0.5 + 1) / 3))

    def test_fewer_than_two_common_prompts_is_no_test(self):
        assert statistics.compare_takes(Takes.of(["a", "b"], [1, 2]), Takes.of(["b", "c"], [1, 2])) is None
        assert statistics.compare_takes(Takes.of(["a"], [1]), Takes.of(["b"], [1])) is None

    @pytest.mark.parametrize(("shift", "p"), [(0.0, 1.0), (0.1, 2 / 2**6)])
    def test_differences_without_variance_have_the_sign_flip_p(self, shift, p):
        values = np.array([0.1, 0.7, 0.3, 0.9, 0.2, 0.5])
        test = statistics.compare_takes(takes(values + shift), takes(values))
        assert test.p == test.p_flip == p
        assert test.low == test.high == pytest.approx(shift)

    def test_p_is_never_zero(self):
        rng = np.random.default_rng(17)
        first, second = rng.normal(1e6, 1e-3, 100), rng.normal(0, 1e-3, 100)
        assert 0 < statistics.compare_takes(takes(first), takes(second)).p < 1e-200


class TestHolm:
    def test_textbook(self):
        # Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1 gives 0.02, 0.03, 0.06, 0.04; the last is raised to 0.06.
        assert statistics.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])

    def test_edges(self):
        assert statistics.holm([]).tolist() == []
        assert statistics.holm([0.2]).tolist() == [0.2]
        assert statistics.holm([0.9, 0.8]).tolist() == [1, 1]

    @pytest.mark.parametrize("bad", [[float("nan")], [1.1], [-0.1]])
    def test_refuses_what_is_no_p(self, bad):
        with pytest.raises(ValueError):
            statistics.holm(bad)

    @given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
    def test_is_monotone_and_never_smaller(self, p):
        adjusted = statistics.holm(p)
        order = np.argsort(p, kind="stable")
        assert (adjusted >= p).all() and (np.diff(adjusted[order]) >= 0).all() and adjusted.max() <= 1


def symmetric(k, pairs):
    matrix = np.ones((k, k))
    for i, j in pairs:
        matrix[i, j] = matrix[j, i] = 0.001
    return matrix


class TestLetters:
    @pytest.mark.parametrize(
        ("k", "different", "letters"),
        [
            (0, [], []),
            (1, [], ["a"]),
            (3, [], ["a", "a", "a"]),
            (2, [(0, 1)], ["a", "b"]),
            (3, [(0, 2)], ["a", "ab", "b"]),
            (3, [(0, 1), (0, 2), (1, 2)], ["a", "b", "c"]),
            (4, [(0, 2), (0, 3), (1, 3)], ["a", "ab", "bc", "c"]),
            # Piepho's point: groups need not be neighbours in the order of the means.
            (3, [(0, 1)], ["a", "b", "ab"]),
            (4, [(0, 1), (2, 3)], ["ab", "cd", "ac", "bd"]),
        ],
    )
    def test_known_displays(self, k, different, letters):
        assert statistics.compact_letters(symmetric(k, different)) == letters

    def test_untested_pairs_are_not_told_apart(self):
        matrix = np.full((2, 2), np.nan)
        assert statistics.compact_letters(matrix) == ["a", "a"]

    @settings(max_examples=60)
    @given(hnp.arrays(bool, (7, 7)))
    def test_share_a_letter_exactly_when_not_different(self, drawn):
        pairs = [(i, j) for i in range(7) for j in range(i + 1, 7) if drawn[i, j]]
        letters = statistics.compact_letters(symmetric(7, pairs))
        for i, j in itertools.combinations(range(7), 2):
            assert bool(set(letters[i]) & set(letters[j])) == ((i, j) not in pairs)

    def test_more_groups_than_letters(self):
        k = 60
        letters = statistics.compact_letters(symmetric(k, itertools.combinations(range(k), 2)))
        assert len(set(letters)) == k and letters[52] == "a2"


class TestRankRanges:
    def test_counts_only_what_is_significant(self):
        better = np.zeros((4, 4), bool)
        better[0, 2] = better[0, 3] = better[1, 3] = True
        assert statistics.rank_ranges(better) == [(1, 2), (1, 3), (2, 4), (3, 4)]

    def test_nothing_known(self):
        assert statistics.rank_ranges(np.zeros((3, 3), bool)) == [(1, 3)] * 3
