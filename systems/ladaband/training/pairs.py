"""Vocals with their accompaniments as tokens, and how a step's batch is put together of them.

Shapes: B songs, T frames, C width of a condition vector.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from songbench.domain.audio import Audio
from songbench.domain.errors import InputError
from systems.ladaband.codec import Codec
from systems.ladaband.config import SAMPLE_RATE, PredictorConfig
from systems.ladaband.predictor import stack_conditions
from systems.ladaband.training.dropout import ConditionDropout
from systems.ladaband.training.equaliser import CHANCE, equalised, random_filters
from systems.ladaband.training.loudness import at_training_level
from systems.ladaband.training.objective import TrainingBatch


@dataclass(frozen=True, kw_only=True)
class TrainingPair:
    """A vocal and its accompaniment.

    Attributes:
        vocal: token ids, (T,).
        accompaniment: token ids, (T,).
        text: vector of the style text, (C,), or None.
        reference: vector of a piece of such music, (C,), or None.
    """

    vocal: Tensor
    accompaniment: Tensor
    text: Tensor | None = None
    reference: Tensor | None = None

    def __post_init__(self) -> None:
        """Refuse pairs that do not run together."""
        if self.vocal.shape != self.accompaniment.shape or self.vocal.ndim != 1 or not len(self.vocal):
            raise InputError(
                f"A pair has two rows of tokens of one length, not {list(self.vocal.shape)} and"
                f" {list(self.accompaniment.shape)}.",
                field="accompaniment",
            )


def encode_pair(
    codec: Codec,
    vocal: Audio,
    accompaniment: Audio,
    *,
    text: Tensor | None = None,
    reference: Tensor | None = None,
    equaliser: torch.Generator | None = None,
    equaliser_chance: float = CHANCE,
    levelled: bool = True,
) -> TrainingPair:
    """Tokens of two tracks of a song; the shorter is filled up with silence.

    Args:
        codec: that of the model.
        vocal: any rate, one or two channels.
        accompaniment: likewise.
        text: vector of the style text, if there is one.
        reference: vector of a reference, if there is one.
        equaliser: draws the filters of the accompaniment (`systems.ladaband.training.equaliser`); None: none.
        equaliser_chance: that it is filtered at all, such as `TrainingConfig.equaliser_chance`.
        levelled: bring both tracks to `systems.ladaband.training.loudness.LEVEL` first, as upstream does.
    """
    tracks = [stereo(track) for track in (vocal, accompaniment)]
    if equaliser is not None:
        tracks[1] = equalised(tracks[1], SAMPLE_RATE, random_filters(equaliser, equaliser_chance))
    if levelled:
        tracks = [at_training_level(track) for track in tracks]
    samples = max(track.shape[1] for track in tracks)
    vocal_ids, accompaniment_ids = (
        codec.encode(torch.from_numpy(np.pad(track, ((0, 0), (0, samples - track.shape[1]))))) for track in tracks
    )
    return TrainingPair(vocal=vocal_ids, accompaniment=accompaniment_ids, text=text, reference=reference)


def stereo(audio: Audio) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """Audio as the codecs take it, shape (2, n) at 48 kHz: mono on both channels, of more than two the first two."""
    samples = audio.at(SAMPLE_RATE).samples
    return np.ascontiguousarray(np.broadcast_to(samples, (2, samples.shape[1])) if len(samples) == 1 else samples[:2])


class PairBatches:
    """Batches of a training: every pair once per epoch, in an order and from a place that follow from seed and step.

    Args:
        pairs: at least one.
        sizes: of the model.
        batch: pairs of a batch, fewer where there are not so many.
        frames: the most frames of a pair in a batch, from a random place; None: the whole pair.
        seed: of order and places.

    Raises:
        InputError: there are none, or one has tokens that the model does not know.
    """

    def __init__(
        self, pairs: Sequence[TrainingPair], sizes: PredictorConfig, batch: int, frames: int | None, seed: int
    ) -> None:
        if not pairs:
            raise InputError("There are no pairs to train on.", field="pairs")
        for number, pair in enumerate(pairs):
            limits = ((pair.vocal, sizes.vocal_vocabulary), (pair.accompaniment, sizes.accompaniment_vocabulary))
            if any(int(ids.min()) < 0 or int(ids.max()) >= limit for ids, limit in limits):
                raise InputError(f"Pair {number} has tokens that the model does not know.", field="pairs")
        self._pairs, self._sizes, self._frames, self._seed = list(pairs), sizes, frames, seed
        self.size = min(batch, len(pairs))
        self._conditions = any(pair.text is not None or pair.reference is not None for pair in pairs)

    def __call__(self, number: int, dropout: ConditionDropout) -> TrainingBatch:
        """A batch, on the CPU.

        Args:
            number: which, from 0.
            dropout: drops condition vectors, the text's first.
        """
        generator = torch.Generator().manual_seed(self._seed + 1_000_003 * number)
        pairs = [self._cut(self._pairs[index], generator) for index in self._indices(number)]
        longest = max(len(pair.vocal) for pair in pairs)
        vocal, accompaniment = (
            torch.stack([F.pad(ids.long(), (0, longest - len(ids)), value=padding) for ids in track])
            for track, padding in (
                ([pair.vocal for pair in pairs], self._sizes.vocal_pad),
                ([pair.accompaniment for pair in pairs], self._sizes.accompaniment_pad),
            )
        )
        return TrainingBatch(vocal=vocal, accompaniment=accompaniment, prefix=self._prefix(pairs, dropout))

    def _indices(self, number: int) -> list[int]:
        """Which pairs a batch holds; an epoch's last batch goes on with the next epoch's first pairs."""
        count = len(self._pairs)
        places = range(number * self.size, (number + 1) * self.size)
        orders = {epoch: self._order(epoch) for epoch in {place // count for place in places}}
        return [orders[place // count][place % count] for place in places]

    def _order(self, epoch: int) -> list[int]:
        generator = torch.Generator().manual_seed(self._seed + 7919 * epoch)
        return [int(index) for index in torch.randperm(len(self._pairs), generator=generator)]

    def _cut(self, pair: TrainingPair, generator: torch.Generator) -> TrainingPair:
        if self._frames is None or len(pair.vocal) <= self._frames:
            return pair
        start = int(torch.randint(0, len(pair.vocal) - self._frames + 1, (1,), generator=generator))
        place = slice(start, start + self._frames)
        return TrainingPair(
            vocal=pair.vocal[place],
            accompaniment=pair.accompaniment[place],
            text=pair.text,
            reference=pair.reference,
        )

    def _prefix(self, pairs: Sequence[TrainingPair], dropout: ConditionDropout) -> Tensor | None:
        """Condition vectors, (B, 2, C), the text first, zeros for what is absent or dropped; None without any."""
        if not self._conditions:
            return None
        absent = torch.zeros(self._sizes.condition_dim)
        text, reference = (
            torch.stack([absent if vector is None else vector.float() for vector in vectors])
            for vectors in ([pair.text for pair in pairs], [pair.reference for pair in pairs])
        )
        text, reference = dropout(text, reference)
        return stack_conditions(text, reference, "text_first")
