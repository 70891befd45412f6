"""From tokens to latents: what a token conditions, the flow between noise and latents, and their statistics.

`LatentFlow` is what ``mucodec.pt`` holds, under its names. Shapes: N songs, T tokens, F = T / 2 latent frames, C latent
channels (of both audio channels), B latent bins.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from systems.ladaband.codec.estimator import VelocityEstimator
from systems.ladaband.codec.quantizer import CodebookQuantizer
from systems.ladaband.codec.solver import guided, solve_in_context
from systems.ladaband.config import CodecConfig


class LatentStatistics(nn.Module):
    """Mean and deviation of each channel and bin, kept as the sums that training ran up."""

    def __init__(self, channels: int, bins: int) -> None:
        super().__init__()
        self.register_buffer("counts", torch.ones(1))
        self.register_buffer("sum_x", torch.zeros(channels, bins))
        self.register_buffer("sum_x2", torch.ones(channels, bins))
        self.counts: Tensor
        self.sum_x: Tensor
        self.sum_x2: Tensor

    def moments(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation, each (C, 1, B)."""
        mean = self.sum_x / self.counts
        deviation = (self.sum_x2 / self.counts - mean.square()).clamp(min=0).sqrt()
        return mean[:, None], deviation[:, None]

    def normalised(self, latents: Tensor) -> Tensor:
        """Latents (N, C, F, B) with mean 0 and deviation 1."""
        mean, deviation = self.moments()
        return (latents - mean) / deviation.clamp(min=1e-12)

    def restored(self, normalised: Tensor) -> Tensor:
        """What `normalised` was made of."""
        mean, deviation = self.moments()
        return normalised * deviation + mean


class LatentFlow(nn.Module):
    """Quantiser, conditioning, estimator and statistics."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.config = config
        quantizer = CodebookQuantizer(config.feature_dim, config.vocabulary, config.code_dim)
        self.rvq_muencoder_emb = nn.ModuleDict({"quantizers": nn.ModuleList([quantizer])})
        self.cond_muencoder_emb = nn.Linear(config.feature_dim, config.condition_dim)
        self.normfeat = LatentStatistics(config.latent_channels, config.latent_bins)
        self.cfm_wrapper = nn.ModuleDict({"estimator": VelocityEstimator(config)})

    @property
    def quantizer(self) -> CodebookQuantizer:
        """The one codebook."""
        return cast(CodebookQuantizer, cast(nn.ModuleList, self.rvq_muencoder_emb["quantizers"])[0])

    @property
    def estimator(self) -> VelocityEstimator:
        """The transformer."""
        return cast(VelocityEstimator, self.cfm_wrapper["estimator"])

    def condition(self, ids: Tensor) -> Tensor:
        """What tokens ask of the latents: two of them per frame, the even one in the first half of the channels.

        Args:
            ids: shape (N, T), T even.

        Returns:
            Shape (N, C, F, B).
        """
        vectors = self.cond_muencoder_emb(self.quantizer.features(ids))
        maps = vectors.unflatten(-1, (self.config.latent_channels // 2, self.config.latent_bins))
        condition: Tensor = maps.unflatten(1, (-1, 2)).flatten(2, 3).transpose(1, 2).contiguous()
        return condition

    def latents(self, ids: Tensor, prefix: Tensor | None, noise: Tensor, *, steps: int, guidance: float) -> Tensor:
        """The latents of one window of every song.

        Args:
            ids: shape (N, T).
            prefix: the first frames, as they ended the window before, (N, C, K, B); None: none.
            noise: standard normal, (N, C, F, B).
            steps: of the solver.
            guidance: see `guided`.

        Returns:
            Shape (N, C, F, B), float32.
        """
        condition = self.condition(ids)
        context = torch.zeros_like(condition)
        if prefix is not None:
            prefix = self.normfeat.normalised(prefix)
            context[:, :, : prefix.shape[2]] = prefix
        velocity = guided(self.estimator, context, condition, guidance)
        return self.normfeat.restored(solve_in_context(velocity, noise, prefix, steps))
