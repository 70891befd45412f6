"""Strengths of systems from comparisons of two songs.

`fit_davidson`: Bradley-Terry with ties (Davidson 1970), fitted by penalised maximum likelihood.
With ``eta`` = strength of the song in slot A - strength of the song in slot B + advantage of slot A, the chances of
"A", "B" and "no difference" are as ``exp(eta / 2)`` : ``exp(-eta / 2)`` : ``nu``.

`mean_over_opponents`: for graded answers, the mean lead over each opponent, averaged.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from songbench.statistics.arrays import Array, Codes

PRIOR_SD = 3.0
"""Every parameter is drawn towards 0 as by a normal prior of this standard deviation: so weak that 50 answers drown it,
and enough to keep a system finite that won or lost every comparison. 3 is a chance to win of 95 %."""
_STEPS = 100


@dataclass(frozen=True, eq=False)
class Comparisons:
    """Comparisons with a decision.

    Attributes:
        first: code of the system in slot A, shape (n,).
        second: code of the system in slot B, shape (n,).
        outcome: 1: A was better; -1: B was; 0: no difference; shape (n,).
        systems: how many there are.
    """

    first: Codes
    second: Codes
    outcome: Array
    systems: int

    def design(self) -> Array:
        """+1 for the first, -1 for the second, 1 for slot A; shape (n, systems + 1)."""
        rows = np.arange(len(self.first))
        matrix = np.zeros((len(rows), self.systems + 1))
        np.add.at(matrix, (rows, self.first), 1.0)
        np.add.at(matrix, (rows, self.second), -1.0)
        matrix[:, -1] = 1.0
        return matrix


@dataclass(frozen=True, eq=False, kw_only=True)
class DavidsonFit:
    """The fitted model.

    Attributes:
        strengths: log-strengths with mean 0, shape (systems,).
        slot: advantage of slot A, in the same units.
        tie: logarithm of ``nu``.
        errors: standard errors of the strengths, were all comparisons independent, shape (systems,).
        influence: what each comparison adds to the strengths (its score times the inverse information); sums to what
            the prior takes away, shape (n, systems).
    """

    strengths: Array
    slot: float
    tie: float
    errors: Array
    influence: Array


def fit_davidson(data: Comparisons) -> DavidsonFit:
    """Fit by Newton's method; the penalised likelihood is concave, so there is one maximum.

    >>> win, first, second = np.array([1.0]), np.array([0]), np.array([1])
    >>> fit = fit_davidson(Comparisons(*(np.tile(part, 300) for part in (first, second, win)), systems=2))
    >>> bool(fit.strengths[0] > 0 > fit.strengths[1])
    True
    """
    design = data.design()
    parameters = np.zeros(design.shape[1] + 1)
    best = _likelihood(design, data.outcome, parameters)
    for _ in range(_STEPS):
        gradient, hessian, _ = _derivatives(design, data.outcome, parameters)
        step = np.linalg.solve(hessian, gradient)
        for halving in range(30):
            proposal = parameters + step / 2**halving
            value = _likelihood(design, data.outcome, proposal)
            if value >= best:
                break
        else:
            break
        converged = value - best < 1e-10
        parameters, best = proposal, value
        if converged:
            break
    _, hessian, scores = _derivatives(design, data.outcome, parameters)
    influence = np.linalg.solve(hessian, scores.T).T[:, : data.systems]
    centred = (np.eye(data.systems) - 1 / data.systems) @ np.eye(data.systems, len(parameters))
    variances = np.diag(centred @ np.linalg.solve(hessian, centred.T))
    strengths = parameters[: data.systems]
    return DavidsonFit(
        strengths=strengths - strengths.mean(),
        slot=float(parameters[-2]),
        tie=float(parameters[-1]),
        errors=np.sqrt(variances),
        influence=influence - influence.mean(axis=1, keepdims=True),
    )


def _chances(design: Array, parameters: Array) -> tuple[Array, Array]:
    """Logarithms of the chances of A, B and no difference, shape (3, n), and ``eta``."""
    eta = design @ parameters[:-1]
    logits = np.stack([eta / 2, -eta / 2, np.full_like(eta, parameters[-1])])
    top = logits.max(axis=0)
    return logits - (top + np.log(np.exp(logits - top).sum(axis=0))), eta


def _likelihood(design: Array, outcome: Array, parameters: Array) -> float:
    """The penalised log-likelihood; design (n, systems + 1), outcome (n,), parameters (systems + 2,)."""
    logs, _ = _chances(design, parameters)
    decided = np.where(outcome > 0, logs[0], np.where(outcome < 0, logs[1], logs[2]))
    return float(decided.sum() - 0.5 * np.sum(parameters**2) / PRIOR_SD**2)


def _derivatives(design: Array, outcome: Array, parameters: Array) -> tuple[Array, Array, Array]:
    """Gradient, negative Hessian, and the score of every comparison, shape (n, parameters)."""
    logs, _ = _chances(design, parameters)
    a, b, tie = np.exp(logs)
    lean = (a - b) / 2
    scores = np.column_stack([(outcome / 2 - lean)[:, None] * design, (outcome == 0) - tie])
    prior = 1 / PRIOR_SD**2
    size = design.shape[1]
    hessian = np.eye(size + 1) * prior
    hessian[:size, :size] += (design * ((a + b) / 4 - lean**2)[:, None]).T @ design
    mixed = -(design * (tie * lean)[:, None]).sum(axis=0)
    hessian[:size, -1] += mixed
    hessian[-1, :size] += mixed
    hessian[-1, -1] += float(np.sum(tie * (1 - tie)))
    return scores.sum(axis=0) - prior * parameters, hessian, scores


def mean_over_opponents(leads: Array, first: Codes, second: Codes, systems: int) -> tuple[Array, Array]:
    """Each system's mean lead over each opponent, averaged over the opponents it met, less the mean of all systems.

    The mean lead of a pair is that at equal shares of both orders (least squares with the order as a covariate).

    Args:
        leads: how far the system in slot A was ahead, shape (n,).
        first: code of the system in slot A, shape (n,).
        second: code of the system in slot B, shape (n,).
        systems: how many there are.

    Returns:
        The strengths, shape (systems,), and what each comparison adds to them, shape (n, systems).

    >>> strengths, _ = mean_over_opponents(np.array([2.0, -2.0]), np.array([0, 1]), np.array([1, 0]), systems=2)
    >>> strengths.round(6)
    array([ 2., -2.])
    """
    low, high = np.minimum(first, second), np.maximum(first, second)
    sign = np.where(first == low, 1.0, -1.0)
    pairs, pair = np.unique(low * systems + high, return_inverse=True)
    design = np.column_stack([np.eye(len(pairs))[pair], sign])
    solved = np.linalg.pinv(design.T @ design)
    means = solved @ design.T @ (leads * sign)
    parts = (leads * sign - design @ means)[:, None] * (design @ solved)
    average = np.zeros((systems, len(pairs)))
    for number, code in enumerate(pairs):
        average[code // systems, number], average[code % systems, number] = 1.0, -1.0
    average /= np.maximum(np.abs(average).sum(axis=1, keepdims=True), 1)
    average -= average.mean(axis=0)
    return average @ means[:-1], parts[:, :-1] @ average.T
