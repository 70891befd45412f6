"""What a model that has learnt next to nothing would score, so that a loss says something.

Shapes: C latent channels, M patches.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from systems.songbloom.config import ModelConfig
from systems.songbloom.training.batch import SongExample


@dataclass(frozen=True, kw_only=True)
class Baselines:
    """Statistics of the training songs, and what follows from them for others.

    Attributes:
        unigrams: how often each sketch token comes, the end included; (V + 1,).
        bigrams: how often a token follows another: ``first · (V + 2) + second`` sorted, and the counts. Before the
            first token stands V + 1.
        variances: of each channel of the latents, (C,).
    """

    unigrams: Tensor
    bigrams: tuple[Tensor, Tensor]
    variances: Tensor

    @classmethod
    def of(cls, songs: Iterable[SongExample], config: ModelConfig) -> Baselines:
        """Of at least one song."""
        unigrams = torch.zeros(config.sketch_vocabulary + 1, dtype=torch.int64)
        pairs, frames = list[Tensor](), 0
        sums, squares = (torch.zeros(config.latent_channels, dtype=torch.float64) for _ in range(2))
        for song in songs:
            _, targets, pair = _sequence(song.sketch, config)
            unigrams += torch.bincount(targets, minlength=len(unigrams))
            pairs.append(pair)
            latents = song.latents.double()
            frames += len(latents)
            sums += latents.sum(dim=0)
            squares += latents.square().sum(dim=0)
        pair_ids, counts = torch.unique(torch.cat(pairs), return_counts=True)
        return cls(
            unigrams=unigrams,
            bigrams=(pair_ids, counts),
            variances=(squares / frames - (sums / frames).square()).float(),
        )

    def cross_entropies(self, songs: Iterable[SongExample], config: ModelConfig) -> tuple[float, float]:
        """Of the next token by how often it comes at all, and by how often it follows the one before, in nats.

        Counts are smoothed so that nothing is impossible: each token is seen once more than it was, and each pair once
        more in all, spread as the tokens are (Dirichlet priors of weight 1 per token, and of 1 per first token).
        """
        unigram = (self.unigrams + 1).double() / (self.unigrams.sum() + len(self.unigrams))
        pair_ids, pair_counts = self.bigrams
        stride = len(unigram) + 1
        firsts = torch.zeros(stride, dtype=torch.int64).index_add(0, pair_ids // stride, pair_counts)
        sums, tokens = torch.zeros(2, dtype=torch.float64), 0
        for song in songs:
            previous, targets, pair = _sequence(song.sketch, config)
            place = torch.searchsorted(pair_ids, pair).clamp(max=len(pair_ids) - 1)
            count = torch.where(pair_ids[place] == pair, pair_counts[place], 0)
            alone = unigram[targets]
            after = (count + alone) / (firsts[previous] + 1)
            sums += torch.stack([-alone.log().sum(), -after.log().sum()])
            tokens += len(targets)
        single, double = (sums / tokens).tolist()
        return single, double

    def velocity_errors(self, times: Tensor, objective: str) -> Tensor:
        """The error of the best guess that knows nothing of latents but that each channel is normal by itself.

        For a rectified flow and variance s² it is ``s² / ((1-t)² s² + t²)``, for ``v`` with the cosine and the sine of
        ``t π/2`` instead of ``1 - t`` and ``t``: the variance of the target that noisy latents leave open.

        Args:
            times: diffusion times, (M,).
            objective: ``rectified_flow`` or ``v``.

        Returns:
            Mean over channels, (M,).
        """
        shares = (1 - times, times)
        if objective == "v":
            shares = ((times * math.pi / 2).cos(), (times * math.pi / 2).sin())
        music, noise = (share[:, None].square() for share in shares)
        variances = self.variances.to(times.device)
        # A channel that never varies is known, and so is the noise on it.
        return (variances / (music * variances + noise).clamp(min=1e-12)).mean(dim=1)


def _sequence(sketch: Tensor, config: ModelConfig) -> tuple[Tensor, Tensor, Tensor]:
    """What comes before each target of a song, the targets with the end, and both as one number."""
    end, before_first = config.sketch_vocabulary, config.sketch_vocabulary + 1
    targets = torch.cat([sketch, sketch.new_tensor([end])])
    previous = torch.cat([sketch.new_tensor([before_first]), sketch])
    return previous, targets, previous * (config.sketch_vocabulary + 2) + targets
