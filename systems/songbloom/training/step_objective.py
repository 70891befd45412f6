"""What the training loop asks of an objective, so that the same loop trains on songs and on pairs of songs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

from torch import Tensor

from systems.songbloom.model import SongBloom

StepBatch = TypeVar("StepBatch")
"""What an objective computes its losses of in one pass; the loop only hands it on."""


class StepObjective(Protocol[StepBatch]):
    """Batches, their losses, and how the losses of several batches make one step.

    Every number is a mean over units (tokens, patches, songs). The loop weighs the means of a step's passes by their
    counts of these units, so that a step is the same however its songs are spread over passes and processes.

    Attributes:
        weights: of the numbers that are minimised, in their sum.
        units: of every number, by its name: a key of `counts`.
    """

    weights: Mapping[str, float]
    units: Mapping[str, str]

    def batches(self, step: int, rank: int) -> Sequence[StepBatch]:
        """The passes of a step on one process, on the CPU.

        They follow from the step and the process alone; nothing else may be remembered from one call to the next.

        Args:
            step: from 0.
            rank: of the process, from 0.
        """

    def counts(self, batch: StepBatch) -> Mapping[str, int]:
        """How many of each unit a pass has."""

    def losses(self, model: SongBloom, batch: StepBatch) -> Mapping[str, Tensor]:
        """The means of a pass by name, scalars; those in `weights` with a gradient.

        Random numbers have to follow from the batch.
        """
