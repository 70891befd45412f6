"""The proportional-odds model."""

import numpy as np
from scipy.optimize import check_grad

from songbench.statistics.ordinal import _loss


def test_the_gradient_is_that_of_the_likelihood():
    rng = np.random.default_rng(0)
    answer, system, rater = rng.integers(0, 5, 60), rng.integers(0, 3, 60), rng.integers(0, 4, 60)
    point = np.concatenate([[-1.0, 0.1, -0.2, 0.3], rng.normal(size=7)])
    error = check_grad(
        lambda x: _loss(x, answer, system, rater, 3, 4)[0], lambda x: _loss(x, answer, system, rater, 3, 4)[1], point
    )
    assert error < 1e-4
