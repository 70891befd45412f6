"""Direct preference optimisation (DPO) of sketch tokens and of velocities, as functions of what two models say.

A policy is trained, a reference stays as it was. Both read the winner and the loser of a pair by teacher forcing.

- Tokens: Rafailov et al. 2023 (arXiv 2305.18290): ``-log σ(β [(log p_w - log p_ref,w) - (log p_l - log p_ref,l)])``,
  where log p is that of a song's tokens and its end.
- Velocities: Diffusion-DPO (Wallace et al. 2023, arXiv 2311.12908) for rectified flows as in Flow-DPO (Liu et al. 2025,
  arXiv 2501.13918): ``-log σ(-β/2 [(d_w - d_ref,w) - (d_l - d_ref,l)])`` with d the mean squared error of a song's
  velocities, under the same diffusion times and noise for both songs and both models. With a β that depends on the
  time, it stands inside the mean over patches, each of which has a time of its own.

Both are log 2 where the policy is the reference. That SongBloom's language model gets gradients of the second term,
through its hidden vectors, follows from the model. There is no public recipe for SongBloom; the sum of both, its weight
and the winner's cross entropy beside it are choices of this project.

Shapes: K pairs, M patches of all songs of a batch in order, B songs.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from systems.songbloom.training.losses import Losses
from systems.songbloom.training.preference.objective import FlowSchedule, PreferenceObjective


@dataclass(frozen=True, kw_only=True)
class SongEvidence:
    """What one model says of songs.

    Attributes:
        log_probabilities: of each song's targets, the end included, summed; (B,).
        targets: how many each song has, (B,).
        patch_errors: mean squared error of each patch's velocities, (M,).
        times: diffusion time of each patch, (M,).
        patches: how many each song has, (B,).
    """

    log_probabilities: Tensor
    targets: Tensor
    patch_errors: Tensor
    times: Tensor
    patches: Tensor

    @classmethod
    def of(cls, losses: Losses) -> SongEvidence:
        """Of the losses of a batch."""
        return cls(
            log_probabilities=losses.song_log_probabilities,
            targets=losses.song_targets,
            patch_errors=losses.patch_velocity_errors,
            times=losses.times,
            patches=losses.song_patches,
        )

    def flow_errors(self, schedule: FlowSchedule, most: Tensor | None = None) -> Tensor:
        """Each song's velocity error, weighed by time, mean over its patches; (B,).

        Args:
            schedule: of the weights: 1, or ``(1 - t)²``.
            most: how many patches of each song count, from its beginning, (B,); None: all.
        """
        errors = self.patch_errors
        if schedule == "quadratic":
            errors = errors * (1 - self.times).square()
        counts = self.patches if most is None else torch.minimum(self.patches, most)
        songs = torch.arange(len(self.patches), device=errors.device)
        owners = songs.repeat_interleave(self.patches)
        firsts = self.patches.cumsum(0) - self.patches
        places = torch.arange(len(errors), device=errors.device) - firsts[owners]
        counted = errors * (places < counts[owners])
        return errors.new_zeros(len(songs)).index_add(0, owners, counted) / counts


@dataclass(frozen=True, kw_only=True)
class PreferenceLosses:
    """The terms of each pair.

    Attributes:
        token_win: reward of the winner's tokens, β (log p - log p_ref), of their mean where that is asked for; (K,).
        token_lose: of the loser's.
        flow_win: reward of the winner's velocities, -β/2 (d - d_ref), (K,).
        flow_lose: of the loser's.
        sft: cross entropy of the winner's tokens, mean over them, (K,).
        objective: weighs the terms.
    """

    token_win: Tensor
    token_lose: Tensor
    flow_win: Tensor
    flow_lose: Tensor
    sft: Tensor
    objective: PreferenceObjective

    @property
    def token_margin(self) -> Tensor:
        """By how much the winner's reward is the larger one, (K,)."""
        return self.token_win - self.token_lose

    @property
    def flow_margin(self) -> Tensor:
        """Likewise, (K,)."""
        return self.flow_win - self.flow_lose

    @property
    def token(self) -> Tensor:
        """The token term, mean over pairs, a scalar."""
        return -F.logsigmoid(self.token_margin).mean()

    @property
    def flow(self) -> Tensor:
        """The flow term, mean over pairs, a scalar."""
        return -F.logsigmoid(self.flow_margin).mean()

    @property
    def total(self) -> Tensor:
        """What is minimised, a scalar."""
        return self.token + self.objective.flow_weight * self.flow + self.objective.sft_weight * self.sft.mean()


def preference_losses(
    policy: SongEvidence, reference: SongEvidence, objective: PreferenceObjective
) -> PreferenceLosses:
    """The losses of pairs.

    Args:
        policy: what the model that is trained says of 2 K songs, all winners before all losers.
        reference: what the other says of the same songs under the same times and noise, without a gradient.
        objective: how they are put together.

    Raises:
        ValueError: the songs are no pairs.
    """
    songs = len(policy.patches)
    if songs % 2:
        raise ValueError(f"{songs} songs are no pairs")
    gains = policy.log_probabilities - reference.log_probabilities
    if objective.token_scale == "mean":
        gains = gains / policy.targets
    most = None
    if objective.flow_patches == "common":
        most = torch.minimum(*policy.patches.chunk(2)).repeat(2)
    schedule = objective.flow_schedule
    excess = policy.flow_errors(schedule, most) - reference.flow_errors(schedule, most)
    token_win, token_lose = (objective.beta * gains).chunk(2)
    flow_win, flow_lose = (-objective.flow_beta / 2 * excess).chunk(2)
    surprise = -policy.log_probabilities / policy.targets
    return PreferenceLosses(
        token_win=token_win,
        token_lose=token_lose,
        flow_win=flow_win,
        flow_lose=flow_lose,
        sft=surprise[: songs // 2],
        objective=objective,
    )
