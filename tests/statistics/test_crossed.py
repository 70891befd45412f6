"""Standard errors of estimates whose data share raters and items."""

import numpy as np
import pytest

from songbench.statistics.crossed import crossed_spread


def test_crossed_spread_of_known_parts():
    """Contributions by rater only: the variance is that of the raters' sums; prompts add what both share."""
    contributions = np.repeat([1.0, -1.0, 2.0, -2.0], 5)
    rater, item = np.repeat(np.arange(4), 5), np.tile(np.arange(5), 4)
    spread = crossed_spread(contributions, rater, item)
    assert spread.error**2 == pytest.approx(25 * (1 + 1 + 4 + 4) * 4 / 3)
    assert spread.freedom == 3
    with_both = contributions + np.tile([1.0, -1, 1, -1, 0], 4)
    assert crossed_spread(with_both, rater, item).error > spread.error
