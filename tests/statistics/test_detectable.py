"""What a comparison can find, against noncentral t, published sample sizes and simulation."""

import numpy as np
import pytest
from scipy import stats

from songbench import statistics
from songbench.statistics import Takes


@pytest.mark.parametrize(("effect", "n"), [(0.2, 199), (0.5, 34), (0.8, 15), (1.0, 10)])
def test_it_asks_for_the_pairs_that_tables_of_the_paired_t_list(effect, n):
    """Level 0.05, power 0.8, two-sided: as G*Power and Cohen (1988) give them."""
    assert statistics.prompts_needed(effect, 1.0) == statistics.prompts_needed(-3 * effect, 3.0) == n
    assert (
        statistics.minimal_detectable_difference(1.0, n) <= effect < statistics.minimal_detectable_difference(1, n - 1)
    )


@pytest.mark.parametrize(("n", "level", "power"), [(2, 0.05, 0.8), (6, 0.05 / 6, 0.8), (50, 0.05, 0.95)])
def test_the_power_at_the_detectable_difference_is_the_one_asked_for(n, level, power):
    difference = statistics.minimal_detectable_difference(2.0, n, level=level, power=power)
    critical = stats.t.ppf(1 - level / 2, n - 1)
    assert stats.nct.sf(critical, n - 1, difference * n**0.5 / 2) == pytest.approx(power, abs=1e-5)


def test_so_many_simulated_comparisons_find_it():
    n, rng = 8, np.random.default_rng(3)
    difference = statistics.minimal_detectable_difference(1.0, n, level=0.01)
    samples = rng.normal(difference, 1.0, (4000, n))
    p = stats.ttest_1samp(samples, 0.0, axis=1).pvalue
    assert np.mean(p < 0.01) == pytest.approx(0.8, abs=0.03)


def test_a_pair_that_is_not_significant_needs_more_prompts_than_it_has():
    """However skewed: the test reaches further than Student's, and what it needs is said of the same test."""
    rng, undecided = np.random.default_rng(7), 0
    for n in (5, 8, 12) * 4:
        first, second = rng.lognormal(0.6, 1.0, n), rng.lognormal(0.0, 1.0, n)
        prompts = [str(number) for number in range(n)]
        test = statistics.compare_takes(Takes.of(prompts, first), Takes.of(prompts, second), replicates=200)
        assert test.deviation == pytest.approx(np.std(first - second, ddof=1)) and test.stretch >= 1
        if test.p > 0.05:
            count = statistics.prompts_needed(test.difference, test.deviation, stretch=test.stretch)
            assert count is None or count > n
            undecided += 1
    assert undecided >= 3


def test_the_tests_of_a_leaderboard_find_it_about_as_often():
    """With the reach of their intervals in it; Student's t alone would promise too much on few prompts."""
    n, rng = 6, np.random.default_rng(5)
    prompts, zeros = [str(number) for number in range(n)], Takes.of([str(number) for number in range(n)], np.zeros(n))

    def compared(difference):
        first = Takes.of(prompts, rng.normal(difference, 1.0, n))
        return statistics.compare_takes(first, zeros, replicates=100)

    claims = [
        statistics.minimal_detectable_difference(test.deviation, n, stretch=test.stretch)
        for test in (compared(1.5) for _ in range(150))
    ]
    power = np.mean([compared(np.median(claims)).p < 0.05 for _ in range(150)])
    of_student = np.mean([compared(statistics.minimal_detectable_difference(1.0, n)).p < 0.05 for _ in range(150)])
    assert 0.6 < power < 0.9 and of_student < power


def test_there_are_questions_without_an_answer():
    assert statistics.minimal_detectable_difference(1.0, 1) is None
    assert statistics.minimal_detectable_difference(0.0, 9) is None
    assert statistics.prompts_needed(0.0, 1.0) is statistics.prompts_needed(1.0, 0.0) is None
    assert statistics.prompts_needed(1e-3, 1.0) is None, "no number of prompts that anybody would make"
