"""What SongBloom is trained on: the next sketch token, and the velocity of each patch's latents.

The loss is ``cross entropy + 0.1 · mean squared error`` (SongBloom, arXiv 2506.07634, section 4.3; the weight as two
forks quote it). Gradients of the second term reach the language model through its hidden vectors.

Shapes: B songs, T frames (a multiple of the patch P), N = T / P patches, M patches of all songs within their lengths,
C latent channels, D model width, V = sketch vocabulary + 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from systems.songbloom.model import SongBloom

VELOCITY_WEIGHT = 0.1
"""Of the velocity's error in the loss."""


@dataclass(frozen=True)
class TrainingDraws:
    """The random numbers of one training step.

    Attributes:
        time: standard normal, (M,); the diffusion time is its sigmoid.
        noise: standard normal, (M, P, C).
        blank_hidden: whether to blank the hidden vector, boolean (M,); None: never.
        blank_sketch: whether to blank the sketch embeddings, boolean (M,); None: never.
    """

    time: Tensor
    noise: Tensor
    blank_hidden: Tensor | None = None
    blank_sketch: Tensor | None = None

    @classmethod
    def make(cls, model: SongBloom, patches: int, generator: torch.Generator | None = None) -> TrainingDraws:
        """Draw them for so many patches on the model's device; blanking is drawn apart for hidden vector and sketch."""
        sizes, device = model.config.model, model.device

        def blanked() -> Tensor:
            return torch.rand(patches, generator=generator, device=device) < sizes.hidden_dropout

        hidden, sketch = blanked(), blanked()
        time = torch.randn(patches, generator=generator, device=device)
        shape = (patches, sizes.patch, sizes.latent_channels)
        return cls(time, torch.randn(shape, generator=generator, device=device), hidden, sketch)


@dataclass(frozen=True, kw_only=True)
class Losses:
    """Losses of one step and what they were computed from.

    Attributes:
        sketch: cross entropy of the sketch tokens.
        velocity: mean squared error of the velocities.
        logits: (B, T + 1, V).
        targets: (B, T + 1); ``config.ignored`` where nothing is asked for.
        predicted_velocities: (M, P, C).
        target_velocities: (M, P, C).
    """

    sketch: Tensor
    velocity: Tensor
    logits: Tensor
    targets: Tensor
    predicted_velocities: Tensor
    target_velocities: Tensor

    @property
    def total(self) -> Tensor:
        """What is minimised, a scalar."""
        return self.sketch + VELOCITY_WEIGHT * self.velocity


def losses(
    model: SongBloom, prefix: Tensor, sketch: Tensor, latents: Tensor, lengths: Tensor, draws: TrainingDraws
) -> Losses:
    """The losses of a batch of songs.

    Args:
        model: with plain weights (not prepared for decoding).
        prefix: prompt and lyrics, (B, positions, D), from `systems.songbloom.conditioning.Conditioning.prefix`.
        sketch: tokens, (B, T); what lies beyond a song's length does not matter.
        latents: (B, T, C).
        lengths: frames of each song, multiples of the patch, (B,).
        draws: random numbers for all patches within the lengths.
    """
    sizes, lm = model.config.model, model.sketch_lm
    batch, frames = sketch.shape
    tokens = model.sketch_embedding(sketch).unflatten(1, (-1, sizes.patch))  # (B, N, P, D)
    patches = latents.unflatten(1, (-1, sizes.patch))  # (B, N, P, C)
    acoustic = model.acoustic_encoder(patches.to(tokens.dtype))  # (B, N, D)
    sequence = torch.cat([tokens, acoustic[:, :, None]], dim=2).flatten(1, 2)
    sequence = torch.cat([lm.bos.expand(batch, 1, -1), sequence], dim=1)  # (B, 1 + (P + 1)·N, D)
    hidden = lm(torch.cat([prefix, sequence], dim=1))[:, prefix.shape[1] :]

    # After a patch's last token comes its latents' embedding, so that position predicts no token but serves the patch.
    serves = torch.arange(sequence.shape[1], device=sketch.device) % sizes.steps == sizes.patch
    logits = lm.logits(hidden[:, ~serves])
    targets = F.pad(sketch, (0, 1), value=sizes.end)
    places = torch.arange(frames + 1, device=sketch.device)
    targets = targets.masked_fill(places == lengths[:, None], sizes.end)
    targets = targets.masked_fill(places > lengths[:, None], sizes.ignored)
    cross_entropy = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=sizes.ignored)

    within = torch.arange(frames // sizes.patch, device=sketch.device) < (lengths // sizes.patch)[:, None]  # (B, N)
    previous = F.pad(patches, (0, 0, 0, 0, 1, 0))[:, :-1][within]
    clean, hidden_vectors, sketch_embeddings = patches[within], hidden[:, serves][within], tokens[within]
    if draws.blank_hidden is not None:
        hidden_vectors = hidden_vectors.masked_fill(draws.blank_hidden[:, None], 0)
    if draws.blank_sketch is not None:
        sketch_embeddings = sketch_embeddings.masked_fill(draws.blank_sketch[:, None, None], 0)
    time = torch.sigmoid(draws.time)
    share = time[:, None, None]
    noisy = (1 - share) * clean + share * draws.noise
    predicted_velocities = model.acoustic_dit(noisy, time, hidden_vectors, sketch_embeddings, previous)
    target_velocities = draws.noise - clean
    return Losses(
        sketch=cross_entropy,
        velocity=F.mse_loss(predicted_velocities, target_velocities),
        logits=logits,
        targets=targets,
        predicted_velocities=predicted_velocities,
        target_velocities=target_velocities,
    )
