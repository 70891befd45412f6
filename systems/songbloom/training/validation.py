"""How well a model does on songs it is not trained on, always under the same noise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor

from systems.songbloom.model import SongBloom
from systems.songbloom.training.baselines import Baselines
from systems.songbloom.training.batch import SongBatch, SongExample
from systems.songbloom.training.draws import TrainingDraws
from systems.songbloom.training.losses import batch_losses
from systems.songbloom.training.objective import SongBloomObjective
from systems.songbloom.training.song_steps import target_count
from systems.training.seeds import derived_generator

Compute = Callable[[Callable[[SongBloom], Mapping[str, Tensor]]], dict[str, Tensor]]
"""`systems.songbloom.training.loop.TrainingLoop.compute`."""


class SongValidation:
    """Losses of fixed songs; nothing is dropped, and times and noise of a song are the same at every step.

    Args:
        songs: at least one.
        objective: weighs the parts of the loss.
        baselines: of the training songs.
        bins: of the diffusion time, of equal width.
    """

    def __init__(
        self, songs: Sequence[SongExample], objective: SongBloomObjective, baselines: Baselines, bins: int
    ) -> None:
        self.songs, self.objective, self.baselines, self.bins = tuple(songs), objective, baselines, bins

    def __call__(self, compute: Compute) -> dict[str, float]:
        """Numbers by name.

        Returns:
            ``loss``; ``sketch``, its cross entropy in nats per token; ``accuracy``, 0 to 1; ``velocity``, the mean
            squared error; ``velocity_t0.0-0.2`` and on, the same by diffusion time (1 is noise).
        """

        def song_sums(model: SongBloom, number: int) -> dict[str, Tensor]:
            return {"sums": self._sums(model, number, self.songs[number])}

        rows = [compute(partial(song_sums, number=number))["sums"].double() for number in range(len(self.songs))]
        surprise, right, tokens, *by_time = torch.stack(rows).sum(dim=0).tolist()
        errors, patches = by_time[: self.bins], by_time[self.bins :]
        sketch, velocity = surprise / tokens, sum(errors) / sum(patches)
        numbers = {
            "loss": sketch + self.objective.velocity_weight * velocity,
            "sketch": sketch,
            "accuracy": right / tokens,
            "velocity": velocity,
        }
        return numbers | self._binned(errors, patches)

    def baseline(self, model: SongBloom) -> dict[str, float]:
        """The same numbers of guesses from statistics of the training songs, see `Baselines`.

        Returns:
            ``unigram`` and ``bigram`` cross entropy where there is a sketch; ``velocity`` and by diffusion time.
        """
        sizes = model.config.model
        errors, patches = (torch.zeros(self.bins) for _ in range(2))
        for number, song in enumerate(self.songs):
            times = self._draws(model, number, SongBatch.of([song], sizes)).times.cpu()
            places = (times * self.bins).long().clamp(max=self.bins - 1)
            errors.index_add_(0, places, self.baselines.velocity_errors(times, sizes.objective))
            patches += torch.bincount(places, minlength=self.bins)
        numbers = {"velocity": float(errors.sum() / patches.sum())} | self._binned(errors.tolist(), patches.tolist())
        if not sizes.sketch:
            return numbers
        unigram, bigram = self.baselines.cross_entropies(self.songs, sizes)
        return {"unigram": unigram, "bigram": bigram} | numbers

    def _sums(self, model: SongBloom, number: int, song: SongExample) -> Tensor:
        """A song's cross entropy, right tokens, tokens, then velocity errors and patches by time; (3 + 2 bins,)."""
        batch = SongBatch.of([song], model.config.model)
        losses = batch_losses(model, batch.to(model.device), self._draws(model, number, batch), self.objective)
        tokens = target_count(song, model.config.model)
        token_count = losses.sketch.new_tensor([tokens])
        head = torch.cat([(losses.sketch * tokens)[None], (losses.accuracy * tokens)[None], token_count])
        errors, patches = losses.velocity_by_time(self.bins)
        return torch.cat([head, errors, patches])

    def _draws(self, model: SongBloom, number: int, batch: SongBatch) -> TrainingDraws:
        return TrainingDraws.validation(model, batch, self.objective, derived_generator("validation", number))

    def _binned(self, errors: Sequence[float], patches: Sequence[float]) -> dict[str, float]:
        """Means by bin; those that no patch fell into are left out."""
        edges = [number / self.bins for number in range(self.bins + 1)]
        return {
            f"velocity_t{low:.2g}-{high:.2g}": error / count
            for low, high, error, count in zip(edges, edges[1:], errors, patches, strict=False)
            if count
        }
