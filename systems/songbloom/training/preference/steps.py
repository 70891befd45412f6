"""Training on pairs: which pairs a step sees, what is drawn for each, and their losses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from songbench.domain.errors import InputError
from songbench.domain.hashing import Json, derived_seed
from systems.songbloom.config import ModelConfig
from systems.songbloom.model import SongBloom
from systems.songbloom.training.batch import SongBatch
from systems.songbloom.training.draws import TrainingDraws, diffusion_times
from systems.songbloom.training.losses import batch_losses
from systems.songbloom.training.objective import SongBloomObjective
from systems.songbloom.training.preference.losses import PreferenceLosses, SongEvidence, preference_losses
from systems.songbloom.training.preference.objective import PreferenceObjective
from systems.songbloom.training.preference.pair_songs import PairExample
from systems.songbloom.training.preference.reference import PreferenceReference

NUMBERS = (
    *("token", "flow", "sft", "token_accuracy", "flow_accuracy"),
    *("token_margin", "flow_margin", "token_win", "token_lose"),
)
"""Of pairs, see `pair_numbers`."""


@dataclass(frozen=True)
class DrawnPairs:
    """One pass: pairs, and the seed of what is drawn for each.

    Attributes:
        pairs: at least one.
        seeds: one for each.
    """

    pairs: tuple[PairExample, ...]
    seeds: tuple[int, ...]


class PairTerms:
    """The losses of pairs by a model and its reference.

    Args:
        config: of the model.
        objective: how they are put together.
        reference: the model to stay close to.
    """

    def __init__(self, config: ModelConfig, objective: PreferenceObjective, reference: PreferenceReference) -> None:
        self.config, self.objective, self.reference = config, objective, reference

    def losses(self, policy: SongBloom, batch: DrawnPairs) -> PreferenceLosses:
        """Of one pass; nothing is dropped.

        Args:
            policy: the model that is trained.
            batch: pairs and their seeds.
        """
        songs = [*(pair.winner for pair in batch.pairs), *(pair.loser for pair in batch.pairs)]
        together = SongBatch.of(songs, self.config).to(policy.device)
        draws = self.draws(batch, policy.device)
        with torch.no_grad(), self.reference(policy) as model:
            reference = self._evidence(model, together, draws)
        return preference_losses(self._evidence(policy, together, draws), reference, self.objective)

    def draws(self, batch: DrawnPairs, device: torch.device) -> TrainingDraws:
        """Times and noise: the n-th patch of the winner and of the loser have the same."""
        patch, channels = self.config.patch, self.config.latent_channels
        times: list[list[Tensor]] = [[], []]
        noise: list[list[Tensor]] = [[], []]
        for pair, seed in zip(batch.pairs, batch.seeds, strict=True):
            counts = [len(song.sketch) // patch for song in (pair.winner, pair.loser)]
            generator = torch.Generator().manual_seed(seed)
            uniform = torch.rand(max(counts), generator=generator)
            normal = torch.randn(max(counts), patch, channels, generator=generator)
            for side, count in enumerate(counts):
                times[side].append(uniform[:count])
                noise[side].append(normal[:count])
        quantiles = torch.cat([*times[0], *times[1]])
        return TrainingDraws(
            times=diffusion_times(quantiles, self.objective.times).to(device),
            noise=torch.cat([*noise[0], *noise[1]]).to(device),
        )

    @staticmethod
    def _evidence(model: SongBloom, batch: SongBatch, draws: TrainingDraws) -> SongEvidence:
        return SongEvidence.of(batch_losses(model, batch, draws, SongBloomObjective()))


def pair_numbers(losses: PreferenceLosses) -> dict[str, Tensor]:
    """What is told of pairs, means over them, scalars.

    Returns:
        ``token``, ``flow`` and ``sft``: the terms of the loss. ``token_accuracy`` and ``flow_accuracy``: the share of
        pairs whose winner gained more over the reference than its loser did. ``token_margin`` and ``flow_margin``: by
        how much, in rewards. ``token_win`` and ``token_lose``: the rewards themselves, which are below 0 where a song
        became less likely than it was.
    """
    margins = {"token": losses.token_margin, "flow": losses.flow_margin}
    rewards = {"token_win": losses.token_win, "token_lose": losses.token_lose}
    return {
        "token": losses.token,
        "flow": losses.flow,
        "sft": losses.sft.mean(),
        **{f"{name}_accuracy": (margin > 0).float().mean() for name, margin in margins.items()},
        **{f"{name}_margin": margin.detach().mean() for name, margin in margins.items()},
        **{name: reward.detach().mean() for name, reward in rewards.items()},
    }


class PreferenceSteps:
    """A `systems.songbloom.training.step_objective.StepObjective` over pairs, in another order in each round.

    Args:
        numbers: of the pairs to train on, at least one.
        pair: gives a pair by its number.
        terms: their losses.
        size: pairs of a pass.
        passes: of a step of one process.
        processes: that share a step.
        seed: everything random follows from it.

    Raises:
        InputError: there is no pair.
    """

    units: Mapping[str, str] = dict.fromkeys(NUMBERS, "pairs")

    def __init__(
        self,
        numbers: Sequence[int],
        pair: Callable[[int], PairExample],
        terms: PairTerms,
        *,
        size: int = 1,
        passes: int = 1,
        processes: int = 1,
        seed: int = 0,
    ) -> None:
        if not numbers:
            raise InputError("There are no pairs to train on.", cure="Make some: songbench train pairs.")
        self.numbers, self.pair, self.terms, self.seed = list(numbers), pair, terms, seed
        self._size, self._passes, self._processes = size, passes, processes
        objective = terms.objective
        self.weights: Mapping[str, float] = {"token": 1.0, "flow": objective.flow_weight, "sft": objective.sft_weight}

    def batches(self, step: int, rank: int) -> Sequence[DrawnPairs]:
        """See `StepObjective.batches`."""
        first = (step * self._processes + rank) * self._passes * self._size
        starts = range(first, first + self._passes * self._size, self._size)
        return [self._batch(range(start, start + self._size)) for start in starts]

    def counts(self, batch: DrawnPairs) -> Mapping[str, int]:
        """See `StepObjective.counts`; the end of each song is a token, too."""
        songs = [song for pair in batch.pairs for song in (pair.winner, pair.loser)]
        return {"pairs": len(batch.pairs), "tokens": sum(len(song.sketch) + 1 for song in songs)}

    def losses(self, model: SongBloom, batch: DrawnPairs) -> Mapping[str, Tensor]:
        """See `pair_numbers`."""
        return pair_numbers(self.terms.losses(model, batch))

    def _batch(self, places: range) -> DrawnPairs:
        numbers = [self._number(place) for place in places]
        return drawn_pairs(map(self.pair, numbers), [("pair", self.seed, place) for place in places])

    def _number(self, place: int) -> int:
        turn, position = divmod(place, len(self.numbers))
        return self.numbers[_order(len(self.numbers), self.seed, turn)[position]]


@lru_cache(maxsize=4)
def _order(pairs: int, seed: int, turn: int) -> tuple[int, ...]:
    """The order of all pairs in one round through them."""
    generator = torch.Generator().manual_seed(derived_seed("order of pairs", seed, turn))
    return tuple(torch.randperm(pairs, generator=generator).tolist())


def drawn_pairs(pairs: Iterable[PairExample], seeds: Iterable[Sequence[Json]]) -> DrawnPairs:
    """Pairs, each with the seed that follows from its parts."""
    return DrawnPairs(tuple(pairs), tuple(derived_seed(*parts) for parts in seeds))


class PreferenceValidation:
    """How pairs that are not trained on come out, always under the same times and noise.

    Args:
        numbers: of these pairs, at least one.
        pair: gives a pair by its number.
        terms: their losses.
    """

    def __init__(self, numbers: Sequence[int], pair: Callable[[int], PairExample], terms: PairTerms) -> None:
        self.numbers, self.pair, self.terms = list(numbers), pair, terms

    def __call__(
        self, compute: Callable[[Callable[[SongBloom], Mapping[str, Tensor]]], Mapping[str, Tensor]]
    ) -> dict[str, float]:
        """Means over the pairs: those of `pair_numbers`, and ``loss``.

        Args:
            compute: `systems.songbloom.training.loop.TrainingLoop.compute`.
        """
        sums: dict[str, float] = {}
        for number in self.numbers:
            batch = drawn_pairs([self.pair(number)], [("validation of pairs", number)])

            def numbers_of(model: SongBloom, batch: DrawnPairs = batch) -> dict[str, Tensor]:
                losses = self.terms.losses(model, batch)
                return {"loss": losses.total, **pair_numbers(losses)}

            for name, value in compute(numbers_of).items():
                sums[name] = sums.get(name, 0.0) + float(value) / len(self.numbers)
        return sums
