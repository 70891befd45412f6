"""Bradley-Terry strengths with ties (Davidson 1970), fitted by penalised maximum likelihood.

With ``eta`` = strength of the song in slot A - strength of the song in slot B + advantage of slot A, the chances of
"A", "B" and "no difference" are as ``exp(eta / 2)`` : ``exp(-eta / 2)`` : ``nu``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from listening_test.analysis.mixed import Codes
from songbench.statistics import Array

PRIOR_SD = 3.0
"""Every parameter is drawn towards 0 as by a normal prior of this standard deviation: so weak that 50 answers drown it,
and enough to keep a system finite that won or lost every comparison. 3 is a chance to win of 95 %."""
_STEPS = 100


@dataclass(frozen=True, eq=False)
class Compared:
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


def fit_davidson(data: Compared) -> DavidsonFit:
    """Fit by Newton's method; the penalised likelihood is concave, so there is one maximum."""
    design = data.design()
    parameters = np.zeros(design.shape[1] + 1)
    best = _likelihood(design, data.outcome, parameters)
    for _ in range(_STEPS):
        gradient, hessian, _ = _derivatives(design, data.outcome, parameters)
        step = np.linalg.solve(hessian, gradient)
        for halving in range(30):
            tried = parameters + step / 2**halving
            value = _likelihood(design, data.outcome, tried)
            if value >= best:
                break
        else:
            break
        done = value - best < 1e-10
        parameters, best = tried, value
        if done:
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
    logs, _ = _chances(design, parameters)
    chosen = np.where(outcome > 0, logs[0], np.where(outcome < 0, logs[1], logs[2]))
    return float(chosen.sum() - 0.5 * np.sum(parameters**2) / PRIOR_SD**2)


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
