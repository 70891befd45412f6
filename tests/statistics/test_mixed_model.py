"""The mixed model: what it must equal in data where the answer is known."""

import numpy as np
import pytest

from songbench.statistics import mixed, pair_codes
from songbench.statistics.mixed import ModelError, fit_crossed


def crossed(raters=6, items=5, systems=3, seed=0):
    """A balanced table (raters, items, systems) with effects so large that no component is estimated as zero."""
    rng = np.random.default_rng(seed)
    table = np.array([0.0, 0.5, 1.5])[None, None, :systems] + rng.normal(0, 0.7, (raters, items, systems))
    table = table + rng.normal(0, 2, (raters, 1, 1)) + rng.normal(0, 2, (1, items, 1))
    return table + rng.normal(0, 1, (raters, 1, systems)) + rng.normal(0, 1, (1, items, systems))


def fitted(table, keep=None):
    rater, item, system = (axis.ravel() for axis in np.indices(table.shape))
    keep = slice(None) if keep is None else keep
    rater, item, system = rater[keep], item[keep], system[keep]
    groupings = {
        "rater": rater,
        "item": item,
        "rater_system": pair_codes(rater, system),
        "item_system": pair_codes(item, system),
    }
    return fit_crossed(table.ravel()[keep], np.eye(table.shape[2])[system], groupings)


def mean_squares(table):
    """The mean squares of the balanced three-way table without the rater:item interaction."""
    r, i, s = table.shape
    m = table.mean()
    by = {axes: table.mean(axis=axes, keepdims=True) for axes in ((1, 2), (0, 2), (0, 1), (1,), (0,))}
    rater, item, system = by[1, 2] - m, by[0, 2] - m, by[0, 1] - m
    rater_system = by[(1,)] - by[1, 2] - by[0, 1] + m
    item_system = by[(0,)] - by[0, 2] - by[0, 1] + m
    left = table - m - rater - item - system - rater_system - item_system
    residual = r * i * s - s - (r - 1) * s - (i - 1) * s
    return {
        "rater": i * s * np.sum(rater**2) / (r - 1),
        "item": r * s * np.sum(item**2) / (i - 1),
        "rater_system": i * np.sum(rater_system**2) / ((r - 1) * (s - 1)),
        "item_system": r * np.sum(item_system**2) / ((i - 1) * (s - 1)),
        "residual": np.sum(left**2) / residual,
    }


def test_balanced_data_give_the_analysis_of_variance():
    table = crossed()
    (r, i, s), square = table.shape, mean_squares(table)
    fit = fitted(table)
    expected = {
        "rater": (square["rater"] - square["rater_system"]) / (i * s),
        "item": (square["item"] - square["item_system"]) / (r * s),
        "rater_system": (square["rater_system"] - square["residual"]) / i,
        "item_system": (square["item_system"] - square["residual"]) / r,
        "residual": square["residual"],
    }
    assert min(expected.values()) > 0
    assert {name: fit.variance(name) for name in expected} == pytest.approx(expected, rel=1e-4)
    assert fit.coefficients == pytest.approx(table.mean(axis=(0, 1)))


def test_a_difference_in_balanced_data_has_the_classic_error_and_freedom():
    table = crossed()
    (r, i, s), square = table.shape, mean_squares(table)
    contrast = fitted(table).contrast(np.array([1.0, -1.0, 0.0]))
    a, b, c = square["rater_system"], square["item_system"], square["residual"]
    assert contrast.error**2 == pytest.approx(2 * (a + b - c) / (r * i), rel=1e-4)
    residual = r * i * s - s - (r - 1) * s - (i - 1) * s
    freedom = (a + b - c) ** 2 / (
        a**2 / ((r - 1) * (s - 1)) + b**2 / ((i - 1) * (s - 1)) + c**2 / residual
    )  # Satterthwaite by hand
    assert contrast.freedom == pytest.approx(freedom, rel=1e-3)


def test_one_grouping_is_the_one_way_analysis_of_variance():
    values = np.array([7.0, 9, 4, 6, 1, 3])  # three raters, two answers each: group means 8, 5, 2
    fit = fit_crossed(values, np.ones((6, 1)), {"rater": np.array([0, 0, 1, 1, 2, 2])})
    assert fit.variance("residual") == pytest.approx(2.0, rel=1e-4)
    assert fit.variance("rater") == pytest.approx((18 - 2) / 2, rel=1e-4)
    contrast = fit.contrast(np.ones(1))
    assert (contrast.estimate, contrast.error**2) == pytest.approx((5.0, 18 / 6), rel=1e-4)
    assert contrast.freedom == pytest.approx(2.0, rel=1e-3)


def test_a_variance_that_would_be_negative_is_zero_and_its_uncertainty_still_counts():
    values = np.array([1.0, 3, 3, 1, 2, 2.5, 2.5, 2])  # groups alike, spread within
    fit = fit_crossed(values, np.ones((8, 1)), {"rater": np.repeat(np.arange(4), 2)})
    assert fit.variance("rater") == 0.0
    assert fit.contrast(np.ones(1)).freedom < 7


def test_the_likelihood_is_at_its_maximum_in_unbalanced_data():
    rng = np.random.default_rng(3)
    keep = rng.random(6 * 5 * 3) < 0.6
    fit = fitted(crossed(seed=4), keep)
    table = crossed(seed=4)
    rater, item, system = (axis.ravel()[keep] for axis in np.indices(table.shape))
    y, x = table.ravel()[keep], np.eye(3)[system]
    parts = [rater, item, pair_codes(rater, system), pair_codes(item, system), np.arange(len(y))]

    def likelihood(variances):
        v = sum(s * (code[:, None] == code[None, :]) for s, code in zip(variances, parts, strict=True))
        inverse = np.linalg.inv(v)
        inner = x.T @ inverse @ x
        left = y - x @ np.linalg.solve(inner, x.T @ inverse @ y)
        return -0.5 * (np.linalg.slogdet(v)[1] + np.linalg.slogdet(inner)[1] + left @ inverse @ left)

    best = likelihood(fit.variances)
    for place in range(5):
        for factor in (0.9, 1.1):
            moved = fit.variances.copy()
            moved[place] = moved[place] * factor + (0.01 if fit.variances[place] == 0 else 0)
            assert likelihood(moved) <= best + 1e-6
    v = sum(s * (code[:, None] == code[None, :]) for s, code in zip(fit.variances, parts, strict=True))
    assert fit.covariance == pytest.approx(np.linalg.inv(x.T @ np.linalg.inv(v) @ x), rel=1e-6)


def test_groupings_that_cannot_be_told_apart_are_left_out():
    rater = np.array([0, 0, 1, 1])
    fit = fit_crossed(
        np.array([1.0, 2, 4, 6]),
        np.ones((4, 1)),
        {"rater": rater, "same": 1 - rater, "one": np.zeros(4, dtype=int), "each": np.arange(4)},
    )
    assert fit.groupings == ("rater", "residual")
    assert fit.variance("same") is None


@pytest.mark.parametrize(
    ("values", "fixed", "reason"),
    [([3.0, 3.0, 3.0], [[1.0]] * 3, "do not vary"), ([3.0], [[1.0]], "as many systems as answers")],
)
def test_what_cannot_be_fitted_says_why(values, fixed, reason):
    with pytest.raises(ModelError, match=reason):
        fit_crossed(np.array(values), np.array(fixed), {"rater": np.arange(len(values))})


def test_without_any_grouping_it_is_the_plain_mean():
    values = np.array([1.0, 2, 3, 6])
    contrast = fit_crossed(values, np.ones((4, 1)), {}).contrast(np.ones(1))
    assert (contrast.estimate, contrast.error) == pytest.approx((3.0, np.std(values, ddof=1) / 2), rel=1e-4)
    assert contrast.freedom == pytest.approx(3.0, rel=1e-3)


def test_taking_effects_out_rater_by_rater_gives_what_the_whole_covariance_gives():
    """Score, information, coefficients and covariance at given variances, against matrices as large as the answers."""
    rng = np.random.default_rng(3)
    rater, item, system = rng.integers(0, 7, 90), rng.integers(0, 6, 90), rng.integers(0, 3, 90)
    values, fixed = rng.normal(0, 1, 90) + system, np.eye(3)[system]
    for groupings in (
        [rater, item, pair_codes(rater, system), pair_codes(item, system)],
        [item, pair_codes(item, rater), rater],
        [rater],
        [],
    ):
        codes = [np.unique(grouping, return_inverse=True)[1] for grouping in groupings]
        variances = np.array([*[0.4, 0.3, 0.0, 0.2][: len(codes)], 0.8])
        products = mixed._CrossProducts.of(values, fixed, codes, mixed._inside(codes))
        state = mixed._evaluated(products, variances)
        shapes = [np.eye(grouping.max() + 1)[grouping] for grouping in codes] + [np.eye(90)]
        parts = [z @ z.T for z in shapes]
        inverse = np.linalg.inv(sum(v * part for v, part in zip(variances, parts, strict=True)))
        covariance = np.linalg.inv(fixed.T @ inverse @ fixed)
        projection = inverse - inverse @ fixed @ covariance @ fixed.T @ inverse
        score = [0.5 * (values @ projection @ q @ projection @ values - np.trace(projection @ q)) for q in parts]
        information = [[0.5 * np.trace(projection @ a @ projection @ b) for b in parts] for a in parts]
        slopes = [covariance @ fixed.T @ inverse @ q @ inverse @ fixed @ covariance for q in parts]
        assert state.score == pytest.approx(np.array(score), rel=1e-8, abs=1e-8)
        assert state.information == pytest.approx(np.array(information), rel=1e-8)
        assert state.covariance == pytest.approx(covariance, rel=1e-8)
        assert state.slopes == pytest.approx(np.array(slopes), rel=1e-8, abs=1e-12)
        assert state.coefficients == pytest.approx(covariance @ fixed.T @ inverse @ values, rel=1e-8)


def test_thousands_of_raters_are_no_obstacle_thousands_on_both_sides_are():
    rng = np.random.default_rng(4)
    rater, system = np.repeat(np.arange(1500), 4), np.tile(np.arange(4) % 2, 1500)
    item = rng.integers(0, 8, 6000)
    values = rng.normal(0, 1, 1500)[rater] + rng.normal(0, 0.5, 8)[item] + rng.normal(0, 1, 6000) + system
    fit = fit_crossed(
        values, np.eye(2)[system], {"rater": rater, "item": item, "rater_system": pair_codes(rater, system)}
    )
    assert fit.contrast(np.array([-1.0, 1.0])).estimate == pytest.approx(1.0, abs=0.15)
    assert fit.variance("rater") == pytest.approx(1.0, abs=0.15)
    wide = {"rater": np.arange(6400) // 2, "item": np.arange(6400) % 3100}
    with pytest.raises(ModelError, match="random effects are more"):
        fit_crossed(rng.normal(0, 1, 6400), np.ones((6400, 1)), wide)
