"""Student's t: its quantiles and tail probabilities."""

from __future__ import annotations

import numpy as np


def t_quantile(freedom: int, confidence: float) -> float:
    """How many standard errors Student's interval goes to either side, > 0."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + confidence) / 2))


def t_p(freedom: int, t: float) -> float:
    """The two-sided p of t, in (0, 1]."""
    from scipy.special import stdtr

    return max(2 * float(stdtr(freedom, -abs(t))), float(np.finfo(np.float64).tiny))
