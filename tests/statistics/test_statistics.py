"""Statistics against analytic answers, textbook examples and simulation."""

from __future__ import annotations

import importlib.util
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from songbench import statistics
from songbench.statistics import SetFigure, Takes, resampling, sign_flips

ROOT = Path(__file__).parents[2]


def _benchmark(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / f"benchmarks/{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


calibration = _benchmark("leaderboard_calibration")


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
        part = takes([1, 2, 3, 4], per_prompt=2).on({"p001", "elsewhere"})
        assert part is not None and part.values.tolist() == [3, 4]
        assert takes([1.0]).on({"elsewhere"}) is None


class TestBootstrap:
    @pytest.mark.parametrize("n", [20, 200])
    def test_is_about_as_wide_as_student_t_for_normal_values(self, n):
        values = stats.norm.ppf((np.arange(n) + 0.5) / n)
        classic = 2 * stats.t.ppf(0.975, n - 1) * np.std(values, ddof=1) / np.sqrt(n)
        assert classic <= width(statistics.bootstrap_interval(takes(values))) <= 1.2 * classic

    def test_without_resampling_it_is_student_t(self):
        values = np.random.default_rng(1).normal(size=9)
        classic = stats.t.interval(0.9, 8, values.mean(), stats.sem(values))
        assert statistics.bootstrap_interval(takes(values), confidence=0.9, replicates=0) == pytest.approx(classic)

    @pytest.mark.parametrize("sign", [1, -1])
    def test_reaches_further_to_the_side_of_the_long_tail(self, sign):
        values = sign * np.exp(np.random.default_rng(2).normal(size=25))
        low, high = statistics.bootstrap_interval(takes(values))
        below, above = values.mean() - low, high - values.mean()
        student = stats.t.ppf(0.975, 24) * stats.sem(values)
        longer, shorter = (above, below) if sign > 0 else (below, above)
        assert longer > 1.3 * student and shorter == pytest.approx(student, rel=0.1)

    def test_of_a_micro_average_lies_around_it_and_not_around_the_mean(self):
        phonemes = np.array([400, 30, 40, 35, 50, 45, 38, 41])
        rates = np.array([0.5, 0.01, 0.02, 0.0, 0.03, 0.01, 0.02, 0.01])
        sample = takes(rates, phonemes)
        low, high = statistics.bootstrap_interval(sample)
        assert low < sample.figure < high and sample.figure > 4 * rates.mean()
        assert statistics.bootstrap_interval(takes(rates, 3 * phonemes)) == pytest.approx((low, high))

    def test_scale_and_shift_carry_over(self):
        values = np.random.default_rng(7).gamma(1, size=12)
        low, high = statistics.bootstrap_interval(takes(values))
        assert statistics.bootstrap_interval(takes(5 + 100 * values)) == pytest.approx((5 + 100 * low, 5 + 100 * high))

    def test_identical_takes_add_nothing(self):
        values = np.random.default_rng(3).normal(size=20)
        once = statistics.bootstrap_interval(takes(values))
        assert statistics.bootstrap_interval(takes(np.repeat(values, 4), per_prompt=4)) == pytest.approx(once)

    def test_takes_as_different_as_prompts_narrow_it(self):
        values = np.random.default_rng(4).normal(size=80)
        few = statistics.bootstrap_interval(takes(values[::4]))
        nested = statistics.bootstrap_interval(takes(values, per_prompt=4))
        assert width(nested) < 0.8 * width(few)

    def test_prompts_alone_make_it_wide_when_takes_agree(self):
        values = np.repeat(np.random.default_rng(5).normal(size=10), 10)
        nested = statistics.bootstrap_interval(takes(values, per_prompt=10))
        assert width(nested) > 2.5 * width(statistics.bootstrap_interval(takes(values)))

    def test_same_seed_same_interval_in_any_order(self):
        rng = np.random.default_rng(6)
        values, weights = rng.normal(size=24), rng.integers(1, 9, 24).astype(float)
        straight = takes(values, weights, per_prompt=2)
        names = np.repeat([f"p{i:03d}" for i in range(12)], 2)
        order = rng.permutation(24)
        mixed = Takes.of(names[order].tolist(), values[order], weights[order])
        assert mixed.figure == straight.figure
        assert statistics.bootstrap_interval(straight, seed=7) == statistics.bootstrap_interval(mixed, seed=7)
        assert statistics.bootstrap_interval(straight, seed=7) != statistics.bootstrap_interval(straight, seed=8)

    def test_resampling_in_pieces_is_the_same_resampling(self, monkeypatch):
        sample = takes(np.random.default_rng(18).normal(size=30), per_prompt=3)
        interval = statistics.bootstrap_interval(sample, replicates=5000)
        monkeypatch.setattr(resampling, "NUMBERS_AT_ONCE", 1000)
        assert statistics.bootstrap_interval(sample, replicates=5000) == pytest.approx(interval)

    @given(
        st.lists(st.tuples(st.integers(0, 5), st.sampled_from([0.0, 1.0, 50.0, 100.0, 1e6])), min_size=2, max_size=30)
    )
    @settings(max_examples=60, deadline=None)
    def test_few_or_alike_values_have_a_finite_interval_that_holds_the_figure(self, songs):
        sample = Takes.of([f"p{prompt}" for prompt, _ in songs], [value for _, value in songs])
        interval = statistics.bootstrap_interval(sample, replicates=200)
        if len({prompt for prompt, _ in songs}) == 1:
            assert interval is None
            return
        assert np.isfinite(interval).all() and interval.low <= sample.figure <= interval.high

    @pytest.mark.parametrize("n", [2, 3])
    def test_two_or_three_prompts_reach_at_least_as_far_as_student_t(self, n):
        values = np.array([1.0, 2.0, 4.0])[:n]
        low, high = statistics.bootstrap_interval(takes(values))
        student = stats.t.ppf(0.975, n - 1) * stats.sem(values)
        assert low <= values.mean() - student * (1 - 1e-9) and high >= values.mean() + student * (1 - 1e-9)

    def test_one_prompt_has_no_interval_whatever_its_takes(self):
        assert statistics.bootstrap_interval(takes([1, 2, 3], per_prompt=3)) is None

    @pytest.mark.parametrize("value", [0.0, 2.0, 100.0, 0.1])
    def test_constant_values_have_an_interval_of_no_width(self, value):
        low, high = statistics.bootstrap_interval(takes([value] * 5, [1, 2, 3, 4, 5]))
        assert low == high == pytest.approx(value)

    def test_a_small_spread_on_a_high_level_is_a_spread(self):
        values = np.random.default_rng(8).normal(1e6, 1e-2, 30)
        assert width(statistics.bootstrap_interval(takes(values))) == pytest.approx(
            width(statistics.bootstrap_interval(takes(values - 1e6))), rel=1e-3
        )


def least(share, n):
    """The smallest count of n that chance alone leaves, at one in ten thousand, where the true share is this."""
    return int(stats.binom.ppf(1e-4, n, share))


class TestCalibration:
    """The committed benchmark on fewer sets; what it says on all of them is in results/leaderboard_calibration.md."""

    @pytest.mark.parametrize("design", sorted(calibration.INTERVALS))
    @pytest.mark.parametrize(("prompts", "takes"), [(20, 1), (30, 3)])
    def test_intervals_hold_the_truth_of_skewed_scores(self, design, prompts, takes):
        below, above, _ = calibration.coverage(design, prompts, takes, range(250))
        assert 250 - below - above >= least(calibration.LEAST_COVERAGE, 250)

    def test_student_t_would_not(self):
        truth, misses = np.exp(0.5), 0
        for seed in range(400):
            values = np.exp(np.random.default_rng(seed).normal(size=20))
            low, high = statistics.bootstrap_interval(takes(values), replicates=0)
            misses += not low <= truth <= high
        assert 400 - misses < least(calibration.LEAST_COVERAGE, 400)

    @pytest.mark.parametrize("design", sorted(set(calibration.FAMILIES) - set(calibration.STRESS)))
    def test_equal_systems_are_rarely_told_apart(self, design):
        families, _ = calibration.family_errors(design, 20, 1, range(80))
        assert families <= 80 - least(1 - calibration.MOST_FAMILY_ERROR, 80)

    def test_the_committed_results_keep_the_promises(self):
        results = json.loads((ROOT / "results/leaderboard_calibration.json").read_text(encoding="utf-8"))
        assert results["sets"] >= 1000
        assert all(row["coverage"] >= row["wanted"] for row in results["intervals"] if row["wanted"])
        assert all(row["family_error"] <= row["wanted"] for row in results["families"] if row["wanted"])
        held_to = {(row["design"], row["prompts"]) for row in results["intervals"] if row["wanted"]}
        assert held_to == {(design, n) for design in calibration.INTERVALS for n in (20, 50, 100)}


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
    def test_without_resampling_it_is_the_paired_t_test(self):
        rng = np.random.default_rng(10)
        first, second = rng.normal(1, 1, 12), rng.normal(0, 1, 12)
        test = statistics.compare_takes(takes(first), takes(second), replicates=0)
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
        assert test.p_flip == pytest.approx(stats.ttest_rel(first, second).pvalue, abs=0.02)
        assert test == statistics.compare_takes(takes(first), takes(second), seed=3)

    def test_sign_flip_p_is_uniform_when_nothing_differs_and_p_errs_less(self):
        rng = np.random.default_rng(13)
        tests = [statistics.compare_takes(takes(rng.normal(size=8)), takes(rng.normal(size=8))) for _ in range(600)]
        assert 0.03 <= np.mean([test.p_flip < 0.05 for test in tests]) <= 0.07
        assert np.mean([test.p < 0.05 for test in tests]) <= 0.05

    @pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
    def test_p_is_below_the_level_exactly_when_the_interval_leaves_out_0(self, confidence):
        rng = np.random.default_rng(20)
        decided = set()
        for shift in rng.uniform(-1.5, 1.5, 60):
            differences = np.exp(rng.normal(size=12)) - np.exp(0.5) + shift
            test = statistics.compare_takes(takes(differences), takes(np.zeros(12)), confidence=confidence)
            outside = test.low > 0 or test.high < 0
            decided.add(outside)
            assert outside == (test.p < 1 - confidence)
            assert test.low <= test.difference <= test.high
        assert decided == {True, False}

    def test_no_p_is_smaller_than_that_of_student_t(self):
        rng = np.random.default_rng(21)
        for _ in range(40):
            first, second = takes(rng.gamma(1, size=9)), takes(rng.gamma(2, size=9))
            student = statistics.compare_takes(first, second, replicates=0)
            assert statistics.compare_takes(first, second).p >= student.p * (1 - 1e-9)

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
        sample = takes(rng.random(80), rng.integers(50, 150, 80))
        means, weights = sample.values, sample.weights
        draws = rng.integers(80, size=(4000, 80))
        figures = (means * weights)[draws].sum(axis=1) / weights[draws].sum(axis=1)
        error = np.std(list(statistics.prompt_values(sample).values()), ddof=1) / np.sqrt(80)
        assert np.std(figures) == pytest.approx(error, rel=0.05)

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


def system(rng, prompts, share=1.0, weighted=False, per_prompt=2):
    """A system that misses some prompts, each at random."""
    names = [f"p{number:03d}" for number in range(prompts) if rng.random() < share] or ["p000"]
    weights = rng.integers(50, 400, len(names) * per_prompt) if weighted else None
    return Takes.of(np.repeat(names, per_prompt), np.exp(rng.normal(size=len(names) * per_prompt)), weights)


def alike(test, single):
    return test == single if test is None else test == pytest.approx(single, rel=1e-9, abs=1e-12)


class TestTogether:
    """Many at once are what each is by itself."""

    @settings(max_examples=12, deadline=None)
    @given(st.integers(0, 10**6), st.sampled_from([3, 14, 40]), st.sampled_from([0.3, 0.9, 1.0]), st.booleans())
    def test_pairs_with_other_prompts_and_weights(self, seed, prompts, share, weighted):
        rng = np.random.default_rng(seed)
        systems = [system(rng, prompts, share, weighted and place % 2) for place in range(4)]
        pairs = list(itertools.combinations(systems, 2))
        together = statistics.compare_all_takes(pairs, replicates=200, seed=seed)
        for pair, test in zip(pairs, together, strict=True):
            assert alike(test, statistics.compare_takes(*pair, replicates=200, seed=seed))
            common = set(pair[0].prompts) & set(pair[1].prompts)
            values = [statistics.prompt_values(takes.on(common)) if common else {} for takes in pair]
            assert alike(test, statistics.compare_prompts(*values, replicates=200, seed=seed))
        intervals = statistics.bootstrap_intervals(systems, replicates=200, seed=seed)
        for takes, interval in zip(systems, intervals, strict=True):
            assert alike(interval, statistics.bootstrap_interval(takes, replicates=200, seed=seed))

    def test_pairs_without_variance_or_prompts_in_common_stand_among_others(self):
        rng = np.random.default_rng(24)
        usual, second, strange = system(rng, 20), system(rng, 20), Takes.of(["x", "y"], [1.0, 2.0])
        shifted = Takes.of(usual.prompts.tolist(), usual.values + 1)
        pairs = [(usual, second), (usual, strange), (usual, shifted), (shifted, second)]
        first, untested, constant, last = statistics.compare_all_takes(pairs)
        assert untested is None
        assert constant.low == constant.high == pytest.approx(-1) and constant.deviation == 0
        assert alike(first, statistics.compare_takes(usual, second))
        assert alike(last, statistics.compare_takes(shifted, second))

    def test_sets(self):
        rng = np.random.default_rng(25)
        figures = [
            SetFigure(float(rng.normal()), {f"p{i}": float(rng.normal()) for i in range(size)})
            for size in (20, 20, 1, 17)
        ]
        pairs = list(itertools.combinations(figures, 2))
        for pair, test in zip(pairs, statistics.compare_all_sets(pairs), strict=True):
            assert alike(test, statistics.compare_sets(*pair))

    def test_in_pieces(self, monkeypatch):
        rng = np.random.default_rng(26)
        systems = [system(rng, 40, 0.9, weighted=True) for _ in range(4)]
        pairs = list(itertools.combinations(systems, 2))
        tests, intervals = statistics.compare_all_takes(pairs), statistics.bootstrap_intervals(systems)
        monkeypatch.setattr(resampling, "NUMBERS_AT_ONCE", 5000)
        monkeypatch.setattr(sign_flips, "NUMBERS_AT_ONCE", 5000)
        sign_flips._drawn_signs.cache_clear()
        assert all(map(alike, statistics.compare_all_takes(pairs), tests))
        assert all(map(alike, statistics.bootstrap_intervals(systems), intervals))

    def test_nothing_is_nothing(self):
        assert statistics.compare_all_takes([]) == statistics.compare_all_sets([]) == []
        assert statistics.bootstrap_intervals([]) == []

    @pytest.mark.parametrize("n", [15, 100, 101, 257])
    def test_signs_are_those_of_the_generator_of_numpy(self, n):
        """However many are drawn at a time, and for however many prompts: p values of earlier versions stand."""
        expected = np.random.default_rng(5).choice([-1.0, 1.0], size=(sign_flips.RANDOM_FLIPS, n))
        assert np.array_equal(np.concatenate(list(sign_flips._patterns(n, 5))), expected)


class TestSets:
    """Figures that exist for a set only."""

    @staticmethod
    def figure(values, bias):
        """A variance-like figure: the mean and a part that shrinks with the number of prompts."""

        def of(sample):
            return float(np.mean(sample) + bias / len(sample))

        return SetFigure(of(values), {f"p{i}": of(np.delete(values, i)) for i in range(len(values))})

    def test_the_difference_is_that_of_the_figures_whatever_their_bias(self):
        rng = np.random.default_rng(22)
        first, second = self.figure(rng.normal(3, 1, 6), 10.0), self.figure(rng.normal(5, 1, 6), -40.0)
        assert first.figure > second.figure, "the bias turns the figures round"
        corrected = np.mean(list(statistics.pseudo_values(*first).values())) - np.mean(
            list(statistics.pseudo_values(*second).values())
        )
        test = statistics.compare_sets(first, second)
        assert corrected < 0 < test.difference == pytest.approx(first.figure - second.figure)
        assert test.low <= test.difference <= test.high
        assert (test.low > 0) == (test.p < 0.05)

    def test_without_bias_it_is_the_paired_test_of_the_values(self):
        rng = np.random.default_rng(23)
        first, second = rng.normal(size=8), rng.normal(1, 1, 8)
        test = statistics.compare_sets(self.figure(first, 0), self.figure(second, 0), replicates=0)
        classic = stats.ttest_rel(first, second)
        assert (test.difference, test.p) == pytest.approx((np.mean(first - second), classic.pvalue))

    def test_only_common_prompts_tell_how_it_varies(self):
        first, second = SetFigure(3.0, {"a": 2.0, "b": 3.5, "c": 3.4}), SetFigure(1.0, {"b": 1.1, "c": 0.8, "d": 9.0})
        test = statistics.compare_sets(first, second)
        assert (test.n, test.difference) == (2, pytest.approx(2.0))
        assert statistics.compare_sets(first, SetFigure(1.0, {"a": 1.0})) is None
        assert statistics.compare_sets(first, SetFigure(1.0, {})) is None

    def test_equal_figures_without_variation_are_equal(self):
        alike = SetFigure(157.5, {"a": 157.5, "b": 157.5, "c": 157.5})
        assert statistics.compare_sets(alike, alike)[1:5] == (0, 0, 0, 1.0)


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
    def test_share_a_letter_exactly_when_not_different(self, different):
        pairs = [(i, j) for i in range(7) for j in range(i + 1, 7) if different[i, j]]
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
