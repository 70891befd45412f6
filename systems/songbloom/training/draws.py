"""The random numbers of a training step, all drawn before anything is computed.

They come from a generator on the CPU, so that a seed gives the same numbers on every device.

Shapes: B songs, M patches of all songs within their lengths, P frames of a patch, C latent channels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from systems.songbloom.model import SongBloom
from systems.songbloom.training.batch import SongBatch
from systems.songbloom.training.objective import SongBloomObjective


@dataclass(frozen=True, kw_only=True)
class TrainingDraws:
    """The random numbers of one training step.

    Attributes:
        times: diffusion time of each patch, 0 is music and 1 is noise, (M,).
        noise: standard normal, (M, P, C).
        blank_hidden: whether the diffusion transformer reads zeros for the hidden vector, boolean (M,); None: never.
        blank_sketch: whether it reads zeros for the sketch embeddings, boolean (M,); None: never.
        drop_lyrics: whether a song is without lyrics, B of them; empty: none is.
        drop_style: whether a song is without its style prompt, likewise.
    """

    times: Tensor
    noise: Tensor
    blank_hidden: Tensor | None = None
    blank_sketch: Tensor | None = None
    drop_lyrics: tuple[bool, ...] = ()
    drop_style: tuple[bool, ...] = ()

    @classmethod
    def make(
        cls,
        model: SongBloom,
        batch: SongBatch,
        objective: SongBloomObjective,
        generator: torch.Generator | None = None,
    ) -> TrainingDraws:
        """Draw them for a batch; they lie on the model's device.

        Args:
            model: whose sizes and device count.
            batch: of songs.
            objective: what is dropped how often, and how times are drawn.
            generator: on the CPU; None: torch's own.
        """
        sizes, patches, songs = model.config.model, batch.patches(model.config.model.patch), len(batch)

        def chances(share: float, count: int) -> Tensor:
            return torch.rand(count, generator=generator) < share

        def song_chances(share: float) -> Tensor:
            return chances(share, songs) if objective.dropout_by == "song" else chances(share, 1).expand(songs)

        usual = sizes.hidden_dropout
        joint = chances(objective.joint_dropout, patches)
        hidden = chances(usual if objective.hidden_dropout is None else objective.hidden_dropout, patches)
        sketch = chances(usual if objective.sketch_dropout is None else objective.sketch_dropout, patches)
        conditions = song_chances(objective.condition_dropout)
        no_lyrics, no_style = song_chances(objective.lyrics_dropout), song_chances(objective.style_dropout)
        uniform = torch.rand(patches, generator=generator)
        noise = torch.randn(patches, sizes.patch, sizes.latent_channels, generator=generator)
        return cls(
            times=diffusion_times(uniform, objective).to(model.device),
            noise=noise.to(model.device),
            blank_hidden=(hidden | joint).to(model.device),
            blank_sketch=(sketch | joint).to(model.device),
            drop_lyrics=tuple((no_lyrics | conditions).tolist()),
            drop_style=tuple((no_style | conditions).tolist()),
        )

    @classmethod
    def validation(
        cls,
        model: SongBloom,
        batch: SongBatch,
        objective: SongBloomObjective,
        generator: torch.Generator | None = None,
    ) -> TrainingDraws:
        """The same with nothing dropped, and times spread evenly over their distribution so that few songs suffice.

        A generator of the same seed gives the same numbers for the same batch, so that steps can be compared.
        """
        sizes, patches = model.config.model, batch.patches(model.config.model.patch)
        spread = (torch.randperm(patches, generator=generator) + torch.rand(patches, generator=generator)) / patches
        noise = torch.randn(patches, sizes.patch, sizes.latent_channels, generator=generator)
        return cls(times=diffusion_times(spread, objective).to(model.device), noise=noise.to(model.device))


def diffusion_times(uniform: Tensor, objective: SongBloomObjective) -> Tensor:
    """Diffusion times at quantiles of the objective's distribution.

    Args:
        uniform: the quantiles, in 0..1, any shape.
        objective: names the distribution.

    Returns:
        In the shape of `uniform`, 0..1; they rise with it.
    """
    if objective.time_sampler == "uniform":
        return uniform
    mean, deviation = objective.time_mean, objective.time_deviation
    if objective.time_sampler == "logit_normal":
        return torch.sigmoid(mean + deviation * torch.special.ndtri(uniform))
    # Of the times up to 1 - truncation only, stretched to 0..1.
    most = 1 - objective.time_truncation
    logit = torch.logit(torch.tensor(most, dtype=torch.float64))
    share = torch.special.ndtr((logit - mean) / deviation)
    times = torch.sigmoid(mean + deviation * torch.special.ndtri(uniform.double() * share)) / most
    return times.clamp(0, 1).to(uniform.dtype)
