"""How SongBloom's loss is put together: weights, dropouts, and where diffusion times are drawn from.

The loss is ``cross entropy + 0.1 · mean squared error`` (SongBloom, arXiv 2506.07634, section 4.3; the weight as two
forks quote it). What is computed from these settings is in `systems.songbloom.training.losses`, what is drawn in
`systems.songbloom.training.draws`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from songbench.domain.errors import InputError

TimeSampler = Literal["logit_normal", "uniform", "truncated_logit_normal"]

DropoutBy = Literal["song", "call"]


@dataclass(frozen=True, kw_only=True)
class SongBloomObjective:
    """What is minimised and what is dropped while training; the defaults are the released ones, but for `dropout_by`.

    Attributes:
        velocity_weight: of the velocity's error in the loss.
        time_sampler: where the diffusion time of a patch comes from: the sigmoid of a normal number (released), evenly
            from 0 to 1, or the sigmoid of a normal number whose largest results are cut off and the rest stretched to
            0..1. Upstream names the third but ships no code for it; here it is that of Stable Audio's training code.
        time_mean: of the normal number.
        time_deviation: of the normal number.
        time_truncation: share of the time, at its noisy end, that the third sampler cuts off.
        hidden_dropout: share of patches whose hidden vector the diffusion transformer reads as zeros; None: what the
            model's configuration says.
        sketch_dropout: share of patches whose sketch embeddings it reads as zeros, drawn apart; None: likewise.
        joint_dropout: share of patches at which both are zeros, drawn apart from these two. The paper has it, the
            released code does not, although guidance compares with exactly this case: by the separate draws alone it
            comes up at ``hidden_dropout · sketch_dropout``.
        condition_dropout: share of songs without lyrics and style prompt, as in the null prefix of guidance.
        style_dropout: share without the style prompt, drawn apart.
        lyrics_dropout: share without lyrics, drawn apart.
        dropout_by: whether the last three are drawn for each song, or once for all songs of a batch as upstream's
            modules do.
    """

    velocity_weight: float = 0.1
    time_sampler: TimeSampler = "logit_normal"
    time_mean: float = 0.0
    time_deviation: float = 1.0
    time_truncation: float = 0.075
    hidden_dropout: float | None = None
    sketch_dropout: float | None = None
    joint_dropout: float = 0.0
    condition_dropout: float = 0.1
    style_dropout: float = 0.1
    lyrics_dropout: float = 0.0
    dropout_by: DropoutBy = "song"

    def __post_init__(self) -> None:
        """Refuse what cannot be computed.

        Raises:
            InputError: naming the field.
        """
        for field, allowed in (("time_sampler", get_args(TimeSampler)), ("dropout_by", get_args(DropoutBy))):
            if (value := getattr(self, field)) not in allowed:
                raise InputError(f"There is no {field} '{value}'.", field=field, value=str(value), allowed=allowed)
        shares = ("hidden_dropout", "sketch_dropout", "joint_dropout")
        for field in (*shares, "condition_dropout", "style_dropout", "lyrics_dropout"):
            value = getattr(self, field)
            if value is not None and not 0 <= value <= 1:
                raise InputError(f"A dropout is a share from 0 to 1, not {value}.", field=field)
        if not 0 <= self.velocity_weight < float("inf"):
            raise InputError(f"A weight is 0 or more, not {self.velocity_weight}.", field="velocity_weight")
        if not 0 < self.time_deviation < float("inf"):
            raise InputError(f"A deviation is above 0, not {self.time_deviation}.", field="time_deviation")
        if not 0 <= self.time_truncation < 1:
            raise InputError(f"A truncation is a share below 1, not {self.time_truncation}.", field="time_truncation")
