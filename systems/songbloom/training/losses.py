"""What SongBloom is trained on: the next sketch token, and the velocity of each patch's latents.

Gradients of the second term reach the language model through its hidden vectors (SongBloom, arXiv 2506.07634, section
4.3).

Shapes: B songs, T frames (a multiple of the patch P), N = T / P patches, M patches of all songs within their lengths,
C latent channels, D model width, V = sketch vocabulary + 1. A model without a sketch, an ablation, has N + 1 targets
per song instead of T + 1, which say whether another patch follows, and V = 2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from systems.songbloom.config import ModelConfig
from systems.songbloom.model import SongBloom
from systems.songbloom.training.batch import SongBatch
from systems.songbloom.training.conditions import prefixes
from systems.songbloom.training.draws import TrainingDraws
from systems.songbloom.training.objective import SongBloomObjective


@dataclass(frozen=True, kw_only=True)
class Losses:
    """Losses of one step and what they were computed from.

    Attributes:
        sketch: cross entropy of the sketch tokens, mean over all targets of the batch.
        velocity: mean squared error of the velocities over all patches.
        velocity_weight: of that in the total.
        logits: (B, T + 1, V).
        targets: (B, T + 1); ``config.ignored`` where nothing is asked for.
        predicted_velocities: (M, P, C), songs in order.
        target_velocities: (M, P, C).
        times: diffusion times, (M,).
        song_patches: patches of each song, (B,).
        ignored: the id of targets that do not count.
    """

    sketch: Tensor
    velocity: Tensor
    velocity_weight: float
    logits: Tensor
    targets: Tensor
    predicted_velocities: Tensor
    target_velocities: Tensor
    times: Tensor
    song_patches: Tensor
    ignored: int

    @property
    def total(self) -> Tensor:
        """What is minimised, a scalar."""
        return self.sketch + self.velocity_weight * self.velocity

    @cached_property
    def accuracy(self) -> Tensor:
        """Share of the targets that the likeliest token hits, a scalar without a gradient."""
        counted = self.targets != self.ignored
        return ((self.logits.argmax(dim=-1) == self.targets) & counted).sum() / counted.sum()

    @cached_property
    def song_targets(self) -> Tensor:
        """How many targets each song has, (B,)."""
        return (self.targets != self.ignored).sum(dim=1)

    @cached_property
    def song_log_probabilities(self) -> Tensor:
        """Log probability of each song's targets, the end included, summed; (B,), with a gradient."""
        flat = self.logits.flatten(0, 1)
        surprise = F.cross_entropy(flat, self.targets.flatten(), ignore_index=self.ignored, reduction="none")
        return -surprise.view(self.targets.shape).sum(dim=1)

    @cached_property
    def patch_velocity_errors(self) -> Tensor:
        """Mean squared error of each patch's velocities, (M,), with a gradient."""
        return (self.predicted_velocities - self.target_velocities).square().mean(dim=(1, 2))

    @cached_property
    def song_velocity_errors(self) -> Tensor:
        """The same, mean over each song's patches, (B,), with a gradient."""
        songs = torch.arange(len(self.song_patches), device=self.times.device)
        owners = songs.repeat_interleave(self.song_patches, output_size=len(self.times))
        sums = self.patch_velocity_errors.new_zeros(len(songs)).index_add(0, owners, self.patch_velocity_errors)
        return sums / self.song_patches

    def velocity_by_time(self, bins: int) -> tuple[Tensor, Tensor]:
        """Velocity errors by diffusion time.

        Args:
            bins: how many, of equal width from 0 (music) to 1 (noise).

        Returns:
            Sums of the patches' mean squared errors and numbers of patches, (bins,) each, without a gradient; sums
            rather than means, so that batches can be added up.
        """
        places = (self.times * bins).long().clamp(max=bins - 1)
        errors = self.patch_velocity_errors.detach()
        sums = errors.new_zeros(bins).index_add(0, places, errors)
        return sums, torch.bincount(places, minlength=bins)


def batch_losses(model: SongBloom, batch: SongBatch, draws: TrainingDraws, objective: SongBloomObjective) -> Losses:
    """The losses of a batch, conditions included in the graph.

    Args:
        model: with plain weights (not prepared for decoding).
        batch: on the model's device.
        draws: made for this batch.
        objective: weighs the parts.
    """
    prefix = prefixes(model.conditioning, batch, draws)
    return losses(model, prefix, batch.sketch, batch.latents, batch.lengths, draws, objective.velocity_weight)


def losses(
    model: SongBloom,
    prefix: Tensor,
    sketch: Tensor,
    latents: Tensor,
    lengths: Tensor,
    draws: TrainingDraws,
    velocity_weight: float = SongBloomObjective.velocity_weight,
) -> Losses:
    """The losses of songs whose conditions are embedded already.

    Args:
        model: with plain weights (not prepared for decoding).
        prefix: prompt and lyrics, (B, positions, D), from `systems.songbloom.training.conditions.prefixes`.
        sketch: tokens, (B, T); what lies beyond a song's length does not matter.
        latents: (B, T, C).
        lengths: frames of each song, multiples of the patch, (B,).
        draws: random numbers for all patches within the lengths.
        velocity_weight: see `Losses`.
    """
    sizes, lm = model.config.model, model.sketch_lm
    patches = latents.unflatten(1, (-1, sizes.patch))  # (B, N, P, C)
    tokens = model.sketch_embedding(sketch.unflatten(1, (-1, sizes.patch))[..., : sizes.sketch_tokens])  # (B, N, P, D)
    acoustic = model.acoustic_encoder(patches.to(tokens.dtype))  # (B, N, D)
    sequence = torch.cat([tokens, acoustic[:, :, None]], dim=2).flatten(1, 2)
    sequence = torch.cat([lm.bos.expand(len(sketch), 1, -1), sequence], dim=1)  # (B, 1 + (P + 1)·N, D)
    hidden = lm(torch.cat([prefix, sequence], dim=1))[:, prefix.shape[1] :]

    song_patches = lengths // sizes.patch
    if sizes.sketch:
        # After a patch's last token comes its latents' embedding, so that position predicts no token but serves the
        # patch.
        serves = torch.arange(sequence.shape[1], device=sketch.device) % sizes.steps == sizes.patch
        logits, of_patches = lm.logits(hidden[:, ~serves]), hidden[:, serves]  # (B, T + 1, V), (B, N, D)
        targets = _targets(sketch, lengths, sizes)
    else:
        logits, of_patches = lm.logits(hidden), hidden[:, :-1]  # (B, N + 1, 2), (B, N, D)
        targets = _targets(torch.zeros_like(sketch[:, :: sizes.patch]), song_patches, sizes)
    cross_entropy = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=sizes.ignored)

    within = torch.arange(patches.shape[1], device=sketch.device) < song_patches[:, None]  # (B, N)
    previous = F.pad(patches, (0, 0, 0, 0, 1, 0))[:, :-1][within]
    clean, hidden_vectors, sketch_embeddings = patches[within], of_patches[within], tokens[within]
    if draws.blank_hidden is not None:
        hidden_vectors = hidden_vectors.masked_fill(draws.blank_hidden[:, None], 0)
    if draws.blank_sketch is not None:
        sketch_embeddings = sketch_embeddings.masked_fill(draws.blank_sketch[:, None, None], 0)
    noisy, target_velocities = noised(clean, draws, sizes.objective)
    predicted_velocities = model.acoustic_dit(noisy, draws.times, hidden_vectors, sketch_embeddings, previous)
    return Losses(
        sketch=cross_entropy,
        velocity=F.mse_loss(predicted_velocities, target_velocities),
        velocity_weight=velocity_weight,
        logits=logits,
        targets=targets,
        predicted_velocities=predicted_velocities,
        target_velocities=target_velocities,
        times=draws.times,
        song_patches=song_patches,
        ignored=sizes.ignored,
    )


def _targets(choices: Tensor, counts: Tensor, sizes: ModelConfig) -> Tensor:
    """What the language model is to choose: a song's choices, the end, and nothing in the padding.

    Args:
        choices: of each song, (B, T).
        counts: how many of them each song has, (B,).
        sizes: of the model.

    Returns:
        Shape (B, T + 1).
    """
    places = torch.arange(choices.shape[1] + 1, device=choices.device)
    targets = F.pad(choices, (0, 1), value=sizes.end)
    targets = targets.masked_fill(places == counts[:, None], sizes.end)
    return targets.masked_fill(places > counts[:, None], sizes.ignored)


def noised(clean: Tensor, draws: TrainingDraws, objective: str) -> tuple[Tensor, Tensor]:
    """Noisy latents, and what the diffusion transformer is to say of them.

    A rectified flow goes straight from music to noise and its velocity is their difference. For ``v`` both turn into
    each other along a quarter of a circle, whose tangent is asked for; `systems.songbloom.solver.ddim` follows it back.

    Args:
        clean: latents, (M, P, C).
        draws: times and noise.
        objective: ``rectified_flow`` or ``v``.

    Returns:
        Noisy latents and targets, (M, P, C) each.
    """
    times = draws.times[:, None, None]
    if objective == "rectified_flow":
        return (1 - times) * clean + times * draws.noise, draws.noise - clean
    angles = times * (math.pi / 2)
    return angles.cos() * clean + angles.sin() * draws.noise, angles.cos() * draws.noise - angles.sin() * clean
