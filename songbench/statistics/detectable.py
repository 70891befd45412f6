"""What a paired comparison can find: the smallest difference it would not miss, and the prompts that one would take.

Student's paired t of n prompts whose differences have the standard deviation s finds a true difference d with the
probability that a noncentral t of n - 1 degrees of freedom and noncentrality d sqrt(n) / s lies beyond the two-sided
critical value. Both functions solve that for the difference and for n. The other tail, where the wrong sign would be
found, is left out: at a power of 0.5 or more it holds next to nothing.

Where a test reaches further than Student's, as `compare_takes` does on few prompts and skewed differences, its critical
value is larger by that factor, the `stretch`. The factor shrinks as prompts are added, so `prompts_needed`, which
leaves it as it is, says rather too many. The standard deviation is an estimate, on few prompts a rough one.
"""

from __future__ import annotations

import math

from songbench.statistics.student import t_quantile

POWER = 0.8
"""In how many of such experiments the difference would be found, unless said otherwise."""
MOST_PROMPTS = 100_000
"""More prompts than that are no answer."""


def minimal_detectable_difference(
    deviation: float, n: int, *, level: float = 0.05, power: float = POWER, stretch: float = 1.0
) -> float | None:
    """The true difference of two systems that is found significant with a probability of `power`.

    Args:
        deviation: standard deviation of the differences over prompts, >= 0, in the units of the scores.
        n: prompts.
        level: of the two-sided test, in (0, 1); for one of many pairs, the level that its correction leaves it.
        power: in [0.5, 1).
        stretch: of the critical value, >= 1: `PairedTest.stretch`; 1: Student's test as it is.

    Returns:
        Above 0; None with fewer than 2 prompts, and where the differences do not vary, which leaves nothing to go by.

    >>> round(minimal_detectable_difference(1.0, 34), 2)
    0.5
    """
    if n < 2 or deviation <= 0:
        return None
    from scipy.special import nctdtrinc

    critical = t_quantile(n - 1, 1 - level) * stretch
    return float(nctdtrinc(n - 1, 1 - power, critical)) * deviation / math.sqrt(n)


def prompts_needed(
    difference: float, deviation: float, *, level: float = 0.05, power: float = POWER, stretch: float = 1.0
) -> int | None:
    """How many prompts find a difference with a probability of `power`, if it is in truth as large as it looks.

    Args:
        difference: between two systems, of either sign.
        deviation: as for `minimal_detectable_difference`.
        level: as there.
        power: as there.
        stretch: as there.

    Returns:
        At least 2; None for a difference of 0, one that does not vary, and one that takes more than `MOST_PROMPTS`.

    >>> prompts_needed(0.5, 1.0)
    34
    """
    from scipy.special import ndtri

    if deviation <= 0 or not difference:
        return None
    # 1. by the normal distribution, which Student's never undercuts
    quantiles = float(stretch * ndtri(1 - level / 2) + ndtri(power))
    by_normal = (quantiles * deviation / abs(difference)) ** 2
    if by_normal > MOST_PROMPTS:
        return None
    # 2. by Student's, a few more
    for n in range(max(2, math.ceil(by_normal)), MOST_PROMPTS + 1):
        least = minimal_detectable_difference(deviation, n, level=level, power=power, stretch=stretch)
        if least is not None and least <= abs(difference):
            return n
    return None
