"""The contract of a feature extractor: something derived from audio that several metrics share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from songbench.domain.audio import AudioSource
from songbench.domain.hashing import Json
from songbench.domain.song import Failure

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True)
class Feature:
    """What an extractor says of one piece of audio.

    Attributes:
        arrays: numeric results by name.
        data: everything else, as JSON.
    """

    arrays: Mapping[str, npt.NDArray[np.generic]] = field(default_factory=dict)
    data: Mapping[str, Json] = field(default_factory=dict)


@runtime_checkable
class Extractor(Protocol):
    """Derives a feature from audio. Building one must be cheap; its model is loaded when `extract` first needs it."""

    @property
    def name(self) -> str:
        """E.g. ``transcript``."""

    @property
    def identity(self) -> Mapping[str, Json]:
        """Version, weights and every parameter that can change the result; with the name, part of the feature's key."""

    def extract(self, sources: Sequence[AudioSource]) -> Iterator[Feature | Failure]:
        """Derive the feature of each source.

        Args:
            sources: of audio, each loaded when it is its turn.

        Returns:
            One result per source, in order; a `Failure` where it cannot be derived. A result must not depend on the
            other sources of the batch.
        """


class Features(Protocol):
    """The shared, stored features. Metrics ask it; what is stored is not computed again."""

    def of(self, extractor: Extractor, sources: Sequence[AudioSource]) -> list[Feature | Failure]:
        """The feature of each source.

        Args:
            extractor: what derives them; it runs for what is not stored yet.
            sources: of audio.

        Returns:
            One per source, in order; a `Failure` where the extractor gave one.
        """
