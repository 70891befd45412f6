"""How the loss of preference training is put together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from songbench.domain.errors import InputError
from systems.songbloom.training.objective import SongBloomObjective, TimeSampler

TokenScale = Literal["sum", "mean"]
FlowSchedule = Literal["constant", "quadratic"]
FlowPatches = Literal["each", "common"]

USUAL_BETA: dict[TokenScale, float] = {"sum": 0.1, "mean": 1.0}
"""Of the token term: 0.1 as in Rafailov et al.; 1 for means, which are smaller by the length of a song."""


@dataclass(frozen=True, kw_only=True)
class PreferenceObjective:
    """What is minimised; nothing is dropped, as both models must read the same.

    Attributes:
        token_scale: whether a song's log probability is summed over its tokens, or their mean, for songs of different
            length: of two songs the longer one has the lower sum.
        token_beta: how strongly the token term holds to the reference; None: `USUAL_BETA`.
        flow_weight: of the flow term in the loss.
        flow_beta: how strongly that one holds to the reference. Velocity errors are means here; the 2000 to 5000 of
            Diffusion-DPO belong to sums over a picture.
        flow_schedule: the same for all diffusion times, or times ``(1 - t)²``, which is small near noise.
        flow_patches: whether a song's error is that of each of its patches, or of as many as both songs have, so that
            the two are compared under exactly the same noise.
        sft_weight: of the winner's cross entropy (supervised fine-tuning) in the loss; without it both songs may become
            less likely, the loser only faster.
        time_sampler: as in `systems.songbloom.training.objective.SongBloomObjective`.
        time_mean: likewise.
        time_deviation: likewise.
    """

    token_scale: TokenScale = "sum"
    token_beta: float | None = None
    flow_weight: float = 0.1
    flow_beta: float = 1000.0
    flow_schedule: FlowSchedule = "constant"
    flow_patches: FlowPatches = "each"
    sft_weight: float = 0.1
    time_sampler: TimeSampler = "logit_normal"
    time_mean: float = 0.0
    time_deviation: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what cannot be computed.

        Raises:
            InputError: naming the field.
        """
        choices = (("token_scale", TokenScale), ("flow_schedule", FlowSchedule), ("flow_patches", FlowPatches))
        for field, choice in choices:
            if (value := getattr(self, field)) not in get_args(choice):
                allowed = get_args(choice)
                raise InputError(f"There is no {field} '{value}'.", field=field, value=str(value), allowed=allowed)
        for field in ("flow_weight", "sft_weight"):
            if not 0 <= getattr(self, field) < math.inf:
                raise InputError(f"A weight is 0 or more, not {getattr(self, field)}.", field=field)
        for field, beta in (("token_beta", self.beta), ("flow_beta", self.flow_beta)):
            if not 0 < beta < math.inf:
                raise InputError(f"A beta is above 0, not {beta}.", field=field)
        self.times.__post_init__()

    @property
    def beta(self) -> float:
        """Of the token term."""
        return USUAL_BETA[self.token_scale] if self.token_beta is None else self.token_beta

    @property
    def times(self) -> SongBloomObjective:
        """Where diffusion times are drawn from."""
        return SongBloomObjective(
            time_sampler=self.time_sampler, time_mean=self.time_mean, time_deviation=self.time_deviation
        )
