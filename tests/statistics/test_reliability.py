"""Agreement of raters, against published examples."""

import numpy as np
import pytest

from songbench.statistics.reliability import krippendorff_alpha, split_half

THREE_CODERS = (
    ". . . . . 3 4 1 2 1 1 3 3 . 3",
    "1 . 2 1 3 3 4 3 . . . . . . .",
    ". . 2 1 3 4 4 . 2 1 1 3 3 . 4",
)
FOUR_CODERS = (  # the worked example of Krippendorff (2011), section C and on
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
)


def coded(lines):
    ratings = [(float(v), unit) for line in lines for unit, v in enumerate(line.split()) if v != "."]
    return np.array([v for v, _ in ratings]), np.array([unit for _, unit in ratings])


@pytest.mark.parametrize(
    ("lines", "metric", "expected"),
    [
        (THREE_CODERS, "nominal", 0.691),
        (THREE_CODERS, "interval", 0.811),
        (FOUR_CODERS, "nominal", 0.743),
        (FOUR_CODERS, "ordinal", 0.815),
        (FOUR_CODERS, "interval", 0.849),
    ],
)
def test_alpha_of_published_examples(lines, metric, expected):
    assert krippendorff_alpha(*coded(lines), metric) == pytest.approx(expected, abs=5e-4)


def test_alpha_at_its_ends():
    units = np.array([0, 0, 1, 1])
    assert krippendorff_alpha(np.array([1.0, 1, 2, 2]), units, "ordinal") == 1.0
    assert krippendorff_alpha(np.array([1.0, 2, 2, 1]), units, "nominal") == pytest.approx(-0.5)
    assert krippendorff_alpha(np.array([3.0, 3, 3, 3]), units, "interval") is None
    assert krippendorff_alpha(np.array([1.0, 2]), np.array([0, 1]), "nominal") is None


def test_split_half_is_high_for_raters_who_agree_and_near_zero_for_noise():
    rng = np.random.default_rng(0)
    rater, unit = np.repeat(np.arange(12), 30), np.tile(np.arange(30), 12)
    truth, bias = rng.normal(size=30), rng.normal(0, 3, 12)
    agreed = truth[unit] + bias[rater] + rng.normal(0, 0.5, 360)
    assert split_half(agreed, rater, unit) > 0.95
    assert abs(split_half(rng.normal(size=360), rater, unit)) < 0.6
    assert split_half(agreed, rater, unit, seed=3) == split_half(agreed, rater, unit, seed=3)
    few = rater < 3
    assert split_half(agreed[few], rater[few], unit[few]) is None
