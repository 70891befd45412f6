"""Training on songs: which songs a step sees, what is drawn for each, and their losses.

A song's place in its step decides everything random about it (the piece that is cut, diffusion times, noise, what is
dropped), so that a step is the same however its songs are spread over passes and processes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, Protocol

import torch
from torch import Tensor

from songbench.domain.errors import InputError
from systems.songbloom.config import ModelConfig
from systems.songbloom.model import SongBloom
from systems.songbloom.training.batch import SongBatch, SongExample
from systems.songbloom.training.draws import TrainingDraws
from systems.songbloom.training.losses import batch_losses
from systems.songbloom.training.objective import SongBloomObjective
from systems.songbloom.training.settings import BatchSettings
from systems.training.seeds import derived_generator


class ExampleSource(Protocol):
    """Songs to train on or to compare with."""

    def __len__(self) -> int:
        """How many there are."""

    def example(self, index: int, generator: torch.Generator) -> SongExample:
        """A song, or a piece of it where the generator says."""


class MemorySongs:
    """Songs that are in memory, each shown as it is."""

    def __init__(self, examples: Sequence[SongExample]) -> None:
        self._examples = tuple(examples)

    def __len__(self) -> int:
        return len(self._examples)

    def example(self, index: int, generator: torch.Generator) -> SongExample:
        """See `ExampleSource`; nothing is drawn."""
        return self._examples[index]


@dataclass(frozen=True)
class DrawnSongs:
    """One pass: songs, and their places among all songs of the training in the order they are shown."""

    songs: tuple[SongExample, ...]
    places: tuple[int, ...]


class SongSteps:
    """A `StepObjective` over songs, in another order in each round through them.

    Args:
        source: at least one song.
        config: of the model.
        objective: how the loss is put together.
        batch: songs per pass and passes per step of one process.
        processes: that share a step.
        seed: everything random follows from it.

    Raises:
        InputError: there are no songs.
    """

    units: Mapping[str, str] = {"sketch": "tokens", "velocity": "patches", "accuracy": "tokens"}

    def __init__(
        self,
        source: ExampleSource,
        config: ModelConfig,
        objective: SongBloomObjective,
        batch: BatchSettings,
        *,
        processes: int = 1,
        seed: int = 0,
    ) -> None:
        if not len(source):
            raise InputError("There are no songs to train on.", cure="Prepare some: songbench train prepare.")
        self.source, self.config, self.objective, self.seed = source, config, objective, seed
        self._batch, self._processes = batch, processes
        self.weights: Mapping[str, float] = {"sketch": 1.0, "velocity": objective.velocity_weight}

    def batches(self, step: int, rank: int) -> Sequence[DrawnSongs]:
        """See `StepObjective.batches`."""
        songs, passes = self._batch.songs, self._batch.accumulation
        first = (step * self._processes + rank) * passes * songs
        return [
            self._pass_songs(range(first + number * songs, first + (number + 1) * songs)) for number in range(passes)
        ]

    def counts(self, batch: DrawnSongs) -> Mapping[str, int]:
        """See `StepObjective.counts`."""
        tokens = sum(target_count(song, self.config) for song in batch.songs)
        patches = sum(len(song.sketch) for song in batch.songs) // self.config.patch
        return {"tokens": tokens, "patches": patches, "songs": len(batch.songs)}

    def losses(self, model: SongBloom, batch: DrawnSongs) -> Mapping[str, Tensor]:
        """See `StepObjective.losses`."""
        songs = SongBatch.of(batch.songs, self.config)
        losses = batch_losses(model, songs.to(model.device), self._draws(model, batch, songs), self.objective)
        return {"sketch": losses.sketch, "velocity": losses.velocity, "accuracy": losses.accuracy.float()}

    def _pass_songs(self, places: range) -> DrawnSongs:
        return DrawnSongs(tuple(map(self._song, places)), tuple(places))

    def _song(self, place: int) -> SongExample:
        turn, number = divmod(place, len(self.source))
        index = int(_order(len(self.source), self.seed, turn)[number])
        return self.source.example(index, derived_generator(self.seed, "piece", place))

    def _draws(self, model: SongBloom, batch: DrawnSongs, songs: SongBatch) -> TrainingDraws:
        generators = [derived_generator(self.seed, "step", place) for place in batch.places]
        if self.objective.dropout_by == "call":  # what is drawn once for a batch depends on what is in the batch
            return TrainingDraws.make(model, songs, self.objective, generators[0])
        alone = [SongBatch.of([song], self.config) for song in batch.songs]
        return joined_draws(
            [
                TrainingDraws.make(model, song, self.objective, generator)
                for song, generator in zip(alone, generators, strict=True)
            ]
        )


def target_count(song: SongExample, config: ModelConfig) -> int:
    """What the language model chooses in a song: its tokens (without a sketch: whether to go on) and the end."""
    return (len(song.sketch) if config.sketch else len(song.sketch) // config.patch) + 1


@lru_cache(maxsize=4)
def _order(songs: int, seed: int, turn: int) -> Tensor:
    """The order of all songs in one round through them."""
    return torch.randperm(songs, generator=derived_generator(seed, "order", turn))


def joined_draws(draws: Sequence[TrainingDraws]) -> TrainingDraws:
    """The draws of several batches as those of one with all their songs, in order."""
    parts: dict[str, Any] = {}
    for field in fields(TrainingDraws):
        values: list[Any] = [getattr(one, field.name) for one in draws]
        if isinstance(values[0], Tensor):
            parts[field.name] = torch.cat(values)
        elif isinstance(values[0], tuple):
            parts[field.name] = sum(values, ())
    return TrainingDraws(**parts)
