"""Learning rates as shares of the peak, by step: a linear warm-up, then a cosine to zero."""

from __future__ import annotations

import math
from dataclasses import dataclass

from songbench.domain.errors import InputError

SMALLEST = 1e-8
"""What the schedule with a hold gives at step 0, where the plain cosine gives 0."""


@dataclass(frozen=True, kw_only=True)
class CosineSchedule:
    """Warm-up, an optional hold at the peak, and half a cosine down to zero at the last step.

    Attributes:
        total: the step at which zero is reached; it stays there.
        warm_up: steps of the linear rise.
        hold: steps at the peak, or None for the plain cosine, which begins at exactly 0 instead of `SMALLEST`.
    """

    total: int
    warm_up: int = 0
    hold: int | None = None

    def __post_init__(self) -> None:
        """Refuse a schedule that never comes down."""
        if self.warm_up < 0 or (self.hold or 0) < 0 or self.warm_up + (self.hold or 0) >= self.total:
            raise InputError(
                f"A schedule of {self.total} steps has no room for {self.warm_up} steps of warm-up and"
                f" {self.hold or 0} of hold.",
                field="warm_up",
            )

    def __call__(self, step: int) -> float:
        """The share of the peak rate that step `step` (from 0) is taken with, 0 to 1."""
        if step < self.warm_up:
            share = step / self.warm_up
            return share if self.hold is None else max(SMALLEST, share)
        peak_end = self.warm_up + (self.hold or 0)
        if step < peak_end:
            return 1.0
        progress = min(1.0, (step - peak_end) / (self.total - peak_end))
        return 0.5 * (1 + math.cos(math.pi * progress))
