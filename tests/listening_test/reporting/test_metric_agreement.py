"""Metrics beside people: coefficients against scipy, intervals, ceilings, published examples, invariances."""

import dataclasses
from functools import cache

import numpy as np
import pandas as pd
import pytest
from made_up_answers import SYSTEMS, make_answers, make_run
from scipy import optimize, stats

from listening_test.reporting import correlation
from listening_test.reporting.agreement import agreement
from listening_test.reporting.breakdown import breakdowns
from listening_test.reporting.ceiling import human_ceiling
from listening_test.reporting.resampling import multiplicities, two_way_mean
from listening_test.reporting.songs import song_means, win_shares
from songbench.domain.score import Scores


def by_column(result):
    return {metric.column: metric for metric in result.metrics}


def one_scale(data, results=None, **more):
    return agreement(data, results or make_run(), confidence=0.95, strengths=more.pop("strengths", {}), **more)[0]


@cache
def rated_songs():
    """What a run says of songs that were rated; nobody changes it."""
    return one_scale(make_answers("acr"))


@pytest.mark.parametrize("seed", range(5))
def test_weighted_coefficients_are_those_of_the_drawn_songs(seed):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 8, 30).astype(float)
    y = x + rng.integers(0, 6, 30)
    weights = multiplicities(6, replicates=8, seed=seed)[:, rng.integers(0, 6, 30)]
    result = correlation.weighted(x, y, weights)
    for b, weight in enumerate(weights.astype(int)):
        draws = np.repeat(x, weight), np.repeat(y, weight)
        assert result.pearson[b] == pytest.approx(stats.pearsonr(*draws)[0])
        assert result.spearman[b] == pytest.approx(stats.spearmanr(*draws)[0])
        assert result.kendall[b] == pytest.approx(stats.kendalltau(*draws)[0])


def test_rowwise_coefficients_leave_out_absent_points():
    rng = np.random.default_rng(3)
    x, y = rng.integers(0, 5, (6, 9)).astype(float), rng.normal(size=(6, 9))
    x[2, 4] = np.nan
    result = correlation.rowwise(x, y)
    for b in range(6):
        complete = np.isfinite(x[b])
        assert result.pearson[b] == pytest.approx(stats.pearsonr(x[b, complete], y[b, complete])[0])
        assert result.spearman[b] == pytest.approx(stats.spearmanr(x[b, complete], y[b, complete])[0])
        assert result.kendall[b] == pytest.approx(stats.kendalltau(x[b, complete], y[b, complete])[0])


def test_a_side_that_does_not_vary_has_no_correlation():
    result = correlation.weighted(np.full(5, 0.1), np.arange(5.0), np.ones((1, 5)))
    assert all(np.isnan(item[0]) for item in result)


def test_williams_test_gives_steigers_textbook_value():
    t, p = correlation.williams(0.4, 0.5, 0.1, 103)
    assert (round(t, 2), round(p, 2)) == (-0.89, 0.37)
    assert np.isnan(correlation.williams(0.5, 0.5, 1.0, 50)[1])


def test_williams_test_keeps_its_level():
    rng = np.random.default_rng(1)
    rejected = 0
    for _ in range(400):
        human, shared = rng.normal(size=40), rng.normal(size=40)
        first, second = (human + shared + rng.normal(size=40) for _ in range(2))
        r = np.corrcoef([human, first, second])
        rejected += correlation.williams(r[0, 1], r[0, 2], r[1, 2], 40)[1] < 0.05
    assert 0.02 < rejected / 400 < 0.09


def test_the_mapping_never_decreases_and_is_the_best_of_its_kind():
    x = np.linspace(0, 1, 25)
    y = np.where(x < 0.5, x, 0.9 - 0.6 * x) + 0.05 * np.sin(30 * x)
    fitted = correlation.monotone_cubic(x, y)
    assert np.diff(fitted).min() > -1e-4  # the slope is held at 41 places
    grid, powers = np.linspace(0, 1, 60), np.vander(x, 4, increasing=True)
    slope = np.stack([0 * grid, 1 + 0 * grid, 2 * grid, 3 * grid**2], axis=1)
    best = optimize.minimize(
        lambda b: ((powers @ b - y) ** 2).sum(),
        [0, 0.1, 0, 0],
        method="trust-constr",
        constraints=optimize.LinearConstraint(slope, 0, np.inf),
    )
    assert ((fitted - y) ** 2).sum() <= best.fun * 1.01 + 1e-9
    straight = correlation.monotone_cubic(x, 2 * x**3)
    assert straight == pytest.approx(2 * x**3)


def test_mapped_errors_follow_their_definition():
    x = np.arange(8.0)
    y = x.copy()
    y[3] += 1.0
    error = correlation.mapped_error(x, y, np.full(8, 0.2))
    residual = np.abs(y - correlation.monotone_cubic(x, y))
    assert error.rmse == pytest.approx(np.sqrt((residual**2).sum() / 4))
    assert error.rmse_star == pytest.approx(np.sqrt((np.maximum(residual - 0.2, 0) ** 2).sum() / 4))
    assert error.outliers == pytest.approx((residual > 0.2).mean())
    assert correlation.mapped_error(x[:4], y[:4], np.full(4, 0.2)).rmse is None


def test_the_two_way_interval_holds_the_mean_about_as_often_as_it_says():
    hits = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        rater, prompt = np.repeat(np.arange(15), 12), np.tile(np.arange(12), 15)
        values = rng.normal(0, 0.5, 15)[rater] + rng.normal(0, 0.5, 12)[prompt] + rng.normal(0, 0.7, 180)
        result = two_way_mean(rater, prompt, values, confidence=0.95)
        hits += result.low <= 0 <= result.high
    assert 0.88 <= hits / 150 <= 0.99


class TestRatings:
    def test_a_good_metric_agrees_whichever_way_it_runs(self):
        result = by_column(rated_songs())
        good, poor = result["per@whisper-base-stem"], result["similarity@musicnn"]
        assert good.direction == "lower" and good.items.pearson.low > 0.6 > poor.items.pearson.high
        assert good.accuracy.value > 0.75 and abs(poor.accuracy.value - 0.5) < 0.25
        assert good.items.kendall.value < good.items.spearman.value
        assert 0 < good.within.value < good.items.pearson.value  # part of it is between systems
        assert good.conflicts == ("songbloom: its sketch tokens come from MuQ",)
        assert good.n_songs == 40 and good.n_prompts == 10 and good.n_systems == 4

    def test_item_level_is_the_correlation_with_the_mean_rating(self):
        data = make_answers("acr")
        result = by_column(one_scale(data))["per@whisper-base-stem"]
        means = song_means(data, "OVL").set_index(["system", "prompt"])["value"]
        per = {k[:2]: v.values["per"] for k, v in make_run().metrics[0].songs.items()}
        x, y = [-per[key] for key in means.index], means.to_list()
        assert result.items.pearson.value == pytest.approx(stats.pearsonr(x, y)[0])
        assert result.items.kendall.value == pytest.approx(stats.kendalltau(x, y)[0])
        systems = pd.DataFrame({"x": x, "y": y}, index=means.index).groupby("system").mean()
        assert result.systems.pearson.value == pytest.approx(stats.pearsonr(systems["x"], systems["y"])[0])
        inside = [
            stats.pearsonr(g["x"], g["y"])[0] for _, g in pd.DataFrame({"x": x, "y": y}, means.index).groupby("system")
        ]
        assert result.within.value == pytest.approx(np.tanh(np.mean(np.arctanh(inside))))

    def test_turning_a_metric_round_changes_nothing(self):
        run = make_run()
        per = run.metrics[0]
        field = dataclasses.replace(per.card.fields[0], direction="higher")
        turned = dataclasses.replace(
            per,
            card=dataclasses.replace(per.card, fields=(field,)),
            songs={k: Scores(values={"per": -v.values["per"]}, weights=v.weights) for k, v in per.songs.items()},
        )
        reversed_run = dataclasses.replace(run, metrics=(turned, *run.metrics[1:]))
        runs = (run, reversed_run)
        before, after = (by_column(one_scale(make_answers("acr"), r))["per@whisper-base-stem"] for r in runs)
        assert before.items == after.items and before.accuracy == after.accuracy and before.error == after.error

    def test_a_set_metric_has_a_system_level_only(self):
        result = by_column(rated_songs())["fad@musicnn"]
        assert result.systems.pearson.value > 0.9
        assert result.items.pearson.value is None and result.accuracy.value is None and result.n_songs == 0

    def test_songs_that_failed_are_left_out(self):
        run = make_run(systems=("songbloom", "yue_7b"))
        result = by_column(one_scale(make_answers("acr"), run))["per@whisper-base-stem"]
        assert result.n_songs == 20 and result.n_systems == 2
        assert result.systems.pearson.value is None  # two points make a line, always

    def test_the_difference_of_two_metrics_is_tested(self):
        pairs = rated_songs().comparisons
        assert [(p.first, p.second) for p in pairs] == [("per@whisper-base-stem", "similarity@musicnn")]
        assert pairs[0].p < 0.01 and pairs[0].p_adjusted == pairs[0].p and pairs[0].n == 40

    def test_ties_of_people_count_half_when_they_count(self):
        data = make_answers("acr")
        ratings = data.ratings.assign(value=3.0)
        ratings.loc[ratings["system"] == "songbloom", "value"] = 4.0
        result = by_column(one_scale(dataclasses.replace(data, ratings=ratings)))["per@whisper-base-stem"]
        assert result.n_pairs == 30 and result.n_ties == 30
        assert result.accuracy_with_ties.value == pytest.approx((result.accuracy.value + 0.5) / 2)


class TestPairs:
    def test_votes_are_compared_with_differences_of_scores(self):
        data = make_answers("preference")
        result = one_scale(data, strengths={"OVERALL": SYSTEMS})
        good = by_column(result)["per@whisper-base-stem"]
        assert good.items.pearson.value is None and good.error is None
        assert good.systems.pearson.value > 0.9
        decided = data.pairs["outcome"].isin(["first", "second"])
        assert good.n_pairs == decided.sum() and good.n_ties == (data.pairs["outcome"] == "tie").sum()
        per = {k[:2]: v.values["per"] for k, v in make_run().metrics[0].songs.items()}
        right = [
            (per[row["first"], row["prompt"]] < per[row["second"], row["prompt"]]) == (row["outcome"] == "first")
            for _, row in data.pairs[decided].iterrows()
        ]
        assert good.accuracy.value == pytest.approx(np.mean(right))
        assert 0.6 < result.ceiling.accuracy < 1

    def test_a_comparison_is_a_win_on_one_side_and_a_loss_on_the_other(self):
        shares = win_shares(make_answers("preference"), "OVERALL")
        assert shares["value"].mean() == pytest.approx(0.5)
        assert "both_bad" not in set(shares["outcome"])


class TestCeiling:
    def test_raters_who_agree_have_a_high_ceiling_and_noise_has_none(self):
        data = make_answers("multistimulus", careless=0)
        good = human_ceiling(data, "OVERALL")
        assert good.one_rater < good.split_half < good.perfect < 1
        rng = np.random.default_rng(0)
        noise = data.ratings.assign(value=rng.uniform(0, 100, len(data.ratings)))
        bad = human_ceiling(dataclasses.replace(data, ratings=noise), "OVERALL")
        assert bad.split_half < 0.5 and abs(bad.one_rater) < 0.4

    def test_raters_who_contradict_each_other_do_not_leave_the_range_of_a_correlation(self):
        data = make_answers("multistimulus", careless=0)
        answers = data.ratings[data.ratings["rater"] == "r00"]
        against = answers.assign(rater="r01", value=100 - answers["value"] + np.arange(len(answers)) % 3)
        result = human_ceiling(dataclasses.replace(data, ratings=pd.concat([answers, against])), "OVERALL")
        assert -1 <= result.split_half < 0 and result.perfect is None

    def test_one_answer_per_song_says_nothing(self):
        data = make_answers("multistimulus")
        alone = dataclasses.replace(data, ratings=data.ratings[data.ratings["rater"] == "r00"])
        assert human_ceiling(alone, "OVERALL").split_half is None


class TestBreakdown:
    def test_every_part_says_its_mean_and_n(self):
        data = make_answers("acr")
        result = {breakdown.by: breakdown for breakdown in breakdowns(data, ["OVL"], confidence=0.95)}
        assert set(result) == {"prompt_language", "language", "tag_genre"}
        rows = data.ratings[(data.ratings["system"] == "yue_7b") & (data.ratings["scale"] == "OVL")]
        for item in result["prompt_language"].means:
            if item.system == "yue_7b":
                part = rows[rows["prompt_language"] == item.part]
                assert item.mean.value == pytest.approx(part["value"].mean()) and item.n == len(part)
                assert item.mean.low < item.mean.value < item.mean.high

    def test_few_answers_have_no_interval(self):
        data = make_answers("acr").of(["r00", "r01"])
        means = breakdowns(data, ["OVL"], confidence=0.95)[0].means
        assert all(item.mean.low is None for item in means) and all(item.n for item in means)
