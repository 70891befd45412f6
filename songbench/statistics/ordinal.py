"""Answers as ranks only: the proportional-odds model (McCullagh 1980).

The chance that an answer is at most point k is logistic(c_k - system - rater), with ordered cuts c_k. Whether steps of
the scale are equally wide does not matter to it. It is meant for the order of systems alone; raters are fixed effects
held near 0 by a weak prior, so its standard errors would not speak for other raters.
"""

from __future__ import annotations

import numpy as np

from songbench.statistics.arrays import Array, Codes

PRIOR_SD = 3.0
"""Of systems and raters, in logits: finite even when somebody only ever gave the top answer."""


def proportional_odds(values: Array, system: Codes, rater: Codes) -> Array | None:
    """The effects of systems, in logits; the higher, the better the answers.

    Args:
        values: answers, of which only the order matters, shape (n,).
        system: codes, shape (n,).
        rater: codes, shape (n,).

    Returns:
        Shape (systems,); None below two systems or two different answers, or without convergence.

    >>> values, system = np.array([1.0, 2.0, 2.0, 4.0, 2.0, 5.0]), np.array([0, 1, 0, 1, 0, 1])
    >>> effects = proportional_odds(values, system, rater=np.array([0, 0, 1, 1, 2, 2]))
    >>> bool(effects[1] > effects[0])
    True
    """
    from scipy.optimize import minimize

    levels, answer = np.unique(values, return_inverse=True)
    systems, raters = int(system.max(initial=-1)) + 1, int(rater.max(initial=-1)) + 1
    if systems < 2 or len(levels) < 2:
        return None
    shares = np.cumsum(np.bincount(answer))[:-1] / len(answer)
    cuts = np.log(shares / (1 - shares))
    start = np.concatenate([[cuts[0]], np.log(np.maximum(np.diff(cuts), 1e-3)), np.zeros(systems + raters)])
    optimum = minimize(_loss, start, args=(answer, system, rater, systems, raters), jac=True, method="L-BFGS-B")
    if not np.isfinite(optimum.fun):
        return None
    effects: Array = optimum.x[len(levels) - 1 : len(levels) - 1 + systems]
    return effects


def _loss(
    parameters: Array, answer: Codes, system: Codes, rater: Codes, systems: int, raters: int
) -> tuple[float, Array]:
    """Penalised negative log-likelihood and its gradient. Cuts are the first one and logarithms of the gaps.

    Answers, systems and raters are codes of shape (n,); parameters and gradient have one shape.
    """
    many = len(parameters) - systems - raters
    gaps = np.exp(parameters[1:many])
    cuts = np.concatenate([[-np.inf], parameters[0] + np.concatenate([[0.0], np.cumsum(gaps)]), [np.inf]])
    effects = parameters[many : many + systems][system] + parameters[many + systems :][rater]
    upper, lower = _logistic(cuts[answer + 1] - effects), _logistic(cuts[answer] - effects)
    chance = np.maximum(upper - lower, 1e-12)
    slope_up, slope_low = upper * (1 - upper) / chance, lower * (1 - lower) / chance
    of_cuts = np.bincount(answer + 1, slope_up, many + 2) - np.bincount(answer, slope_low, many + 2)
    of_cuts = of_cuts[1:-1]
    of_effects = slope_low - slope_up
    from_here = np.cumsum(of_cuts[::-1])[::-1]  # a gap moves every cut above it
    gradient = np.concatenate(
        [
            [from_here[0]],
            gaps * from_here[1:],
            np.bincount(system, of_effects, systems),
            np.bincount(rater, of_effects, raters),
        ]
    )
    penalty = np.concatenate([np.zeros(many), parameters[many:]]) / PRIOR_SD**2
    loss = -float(np.log(chance).sum()) + 0.5 * float(penalty @ parameters)
    return loss, penalty - gradient


def _logistic(x: Array) -> Array:
    """1 / (1 + exp(-x)), any shape."""
    from scipy.special import expit

    result: Array = expit(x)
    return result
