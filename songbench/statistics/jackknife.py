"""Figures that exist for a whole set only (FAD, KAD): what each prompt adds to them, and their interval."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from songbench.statistics.means import Interval, standard_errors
from songbench.statistics.student import t_quantile


def pseudo_values(whole_set: float, leave_one_out: Mapping[str, float]) -> dict[str, float]:
    """The jackknife's stand-in for "the value of one prompt" of a figure that exists for a set only.

    Args:
        whole_set: the figure of all n prompts.
        leave_one_out: for each prompt, the figure without it.

    Returns:
        For each prompt n * figure of all - (n - 1) * figure without it (Tukey 1958). Their mean is the figure with its
        first-order bias in 1/n removed; for a plain mean they are the values themselves.

    >>> pseudo_values(2.0, {"a": 2.5, "b": 2.0, "c": 1.5})
    {'a': 1.0, 'b': 2.0, 'c': 3.0}
    """
    n = len(leave_one_out)
    return {prompt: n * whole_set - (n - 1) * leave_one_out[prompt] for prompt in sorted(leave_one_out)}


def jackknife_interval(
    whole_set: float, leave_one_out: Mapping[str, float], *, confidence: float = 0.95
) -> Interval | None:
    """Student t interval around a set figure, with the jackknife's standard error and n - 1 degrees of freedom.

    It is centred on the figure itself, not on its bias-corrected version, so that it always holds the number printed
    beside it.

    Args:
        whole_set: the figure of all n prompts.
        leave_one_out: for each prompt, the figure without it.
        confidence: in (0, 1).

    Returns:
        The interval, or None with fewer than 2 prompts. For a plain mean it is the classic t interval exactly.

    >>> interval = jackknife_interval(2.0, {"a": 2.5, "b": 2.0, "c": 1.5})
    >>> round(interval.low, 2), round(interval.high, 2)
    (-0.48, 4.48)
    """
    n = len(leave_one_out)
    if n < 2:
        return None
    error = float(standard_errors(np.array(list(pseudo_values(whole_set, leave_one_out).values()))))
    half = t_quantile(n - 1, confidence) * error
    return Interval(whole_set - half, whole_set + half)
