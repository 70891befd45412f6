"""From noise to latents along a learned velocity, going on from frames that are known (flow matching in context).

Shapes: N songs, C latent channels, F latent frames, K frames of the prefix, which are known, B latent bins.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

Velocity: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""State, context and condition (N, 3C, F, B) and times (N,) in, velocity (N, C, F, B) out."""

_SIGMA_MIN = 1e-4
"""The share of noise that is left at time 1 on the straight paths of the training."""


def guided(velocity: Velocity, context: Tensor, condition: Tensor, guidance: float) -> Velocity:
    """A velocity of the state alone, led away from what it would be without the condition.

    Args:
        velocity: the estimator.
        context: frames that are known, zero elsewhere, (N, C, F, B); kept on both sides of the guidance.
        condition: (N, C, F, B); zero on the side that is led away from.
        guidance: how far: 0 would be without condition, 1 is with it. At 1 and below nothing is led anywhere, as
            upstream has it.
    """

    def conditional(state: Tensor, times: Tensor) -> Tensor:
        return velocity(torch.cat([state, context, condition], 1), times)

    def led(state: Tensor, times: Tensor) -> Tensor:
        without = torch.cat([state, context, torch.zeros_like(condition)], 1)
        pair = torch.cat([without, torch.cat([state, context, condition], 1)])
        plain, conditioned = velocity(pair, times.repeat(2)).chunk(2)
        return plain + guidance * (conditioned - plain)

    return led if guidance > 1 else conditional


def solve_in_context(velocity: Velocity, noise: Tensor, prefix: Tensor | None, steps: int) -> Tensor:
    """Euler's method from time 0 to 1 in equal steps.

    Before each step the frames that are known are set to where they are on their straight path; at the end, to
    themselves.

    Args:
        velocity: of the state alone, from `guided`.
        noise: standard normal, (N, C, F, B).
        prefix: the first frames, normalised, (N, C, K, B) with K <= F; None: none.
        steps: number of evaluations.

    Returns:
        Shape (N, C, F, B).
    """
    count = 0 if prefix is None else prefix.shape[2]
    state = noise.clone()
    for time, following in itertools.pairwise(torch.linspace(0, 1, steps + 1, device=noise.device)):
        if prefix is not None:
            state[:, :, :count] = (1 - (1 - _SIGMA_MIN) * time) * noise[:, :, :count] + time * prefix
        state = state + (following - time) * velocity(state, time.expand(len(noise)))
    if prefix is not None:
        state[:, :, :count] = prefix
    return state
