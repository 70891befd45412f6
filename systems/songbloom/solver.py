"""Solvers of the diffusion: from noise (time 1) to latents (time 0)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import torch
from torch import Tensor

Field = Callable[[Tensor, int], Tensor]
"""The model at one grid point: noisy latents and the number of the step in, its prediction out."""


def time_grid(steps: int) -> Tensor:
    """The times of a rectified-flow solve: from 1 to 0, shape (steps + 1,), float32."""
    return torch.linspace(1, 0, steps + 1)


def euler(field: Field, noise: Tensor, steps: int, temperature: float) -> Tensor:
    """Euler's method along a rectified flow, with SongBloom's diffusion temperature.

    Below a temperature of 1 the solve starts from zeros, and the noise is put in at the step that crosses the
    temperature: ``x ← (1 - t')·(x - v) + t'·noise``.

    Args:
        field: the velocity at ``time_grid(steps)[step]``.
        noise: standard normal, any shape.
        steps: number of evaluations.
        temperature: in (0, 1].

    Returns:
        The latents, in the shape of `noise`.
    """
    grid = time_grid(steps).tolist()
    x = noise if temperature >= 1 else torch.zeros_like(noise)
    for step, (current, following) in enumerate(itertools.pairwise(grid)):
        velocity = field(x, step)
        if current > temperature >= following:
            x = (1 - following) * (x - velocity) + following * noise
        else:
            x = x + (following - current) * velocity
    return x


def ddim_grid(steps: int) -> Tensor:
    """The times at which `ddim` evaluates the model: from 1 downwards, shape (steps,), float32."""
    return torch.linspace(1, 0, steps + 1)[:-1]


def ddim(field: Field, noise: Tensor, steps: int) -> Tensor:
    """Deterministic DDIM for models that predict ``v`` on a cosine schedule (no released model does).

    Args:
        field: the prediction at ``ddim_grid(steps)[step]``.
        noise: standard normal, any shape.
        steps: number of evaluations.

    Returns:
        The latents, in the shape of `noise`.
    """
    angles = (ddim_grid(steps) * math.pi / 2).tolist()
    x = noise
    for step, angle in enumerate(angles):
        v = field(x, step)
        clean = x * math.cos(angle) - v * math.sin(angle)
        rest = x * math.sin(angle) + v * math.cos(angle)
        if step == len(angles) - 1:
            return clean
        following = angles[step + 1]
        x = clean * math.cos(following) + rest * math.sin(following)
    return x
