"""The embeddings of a system's songs and of the reference songs, as the set metrics (FAD, KAD) take them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from songbench.contracts.cards import Availability, MetricCard
from songbench.contracts.feature import Extractor, Feature, Features
from songbench.contracts.metric import Verdict
from songbench.domain.hashing import Json
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure, Song

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class EmbeddingSets:
    """What is compared.

    Attributes:
        songs: the evaluated songs' patch embeddings, one array (n_patches, d) per song.
        reference: the reference songs', likewise.
        prompts: the prompt id of each evaluated song.
    """

    songs: list[npt.NDArray[np.floating]]
    reference: list[npt.NDArray[np.floating]]
    prompts: list[str]

    def of_prompt(self) -> dict[str, list[int]]:
        """The numbers of each prompt's songs, prompts in suite order; empty when one prompt has them all.

        These are the groups to leave out in turn. Only evaluated songs are left out, never references: the reference is
        part of the suite, one yardstick for every system. An interval from these groups says how the distance varies
        with the songs, not how it would vary with another reference.
        """
        groups: dict[str, list[int]] = {}
        for number, prompt in enumerate(self.prompts):
            groups.setdefault(prompt, []).append(number)
        return groups if len(groups) > 1 else {}

    def counts(self) -> dict[str, Json]:
        """How many songs and patches stand on each side, for the record."""
        return {
            "songs": len(self.songs),
            "patches": sum(map(len, self.songs)),
            "reference_songs": len(self.reference),
            "reference_patches": sum(map(len, self.reference)),
        }


class Embedding(Extractor, Protocol):
    """An extractor of ``patches``, shape (n_patches, d), that knows whether its model is here."""

    def availability(self) -> Availability:
        """Whether the model is here."""


@dataclass(frozen=True)
class EmbeddingDistance:
    """A `SetMetric`: a distance between the embeddings of a system's songs and those of the reference songs.

    A sample is one patch, as frames are in the usual toolkits; the unit that is left out is the song, because patches
    of one song depend on each other.

    Attributes:
        card: what it is.
        embedding: gives the patches; cheap to build, its model is loaded when embeddings are computed.
        compare: the distance with its leave-one-prompt-out values.
    """

    card: MetricCard
    embedding: Embedding
    compare: Callable[[EmbeddingSets], Scores | NotApplicable]

    @property
    def extractors(self) -> Sequence[Extractor]:
        """The embedding."""
        return (self.embedding,)

    def availability(self) -> Availability:
        """Whether the embedding's model is here."""
        return self.embedding.availability()

    def score_set(self, songs: Sequence[Song], reference: Sequence[Song], features: Features) -> Verdict:
        """The distance of all songs to all reference songs."""
        sets = embedding_sets(songs, reference, features, self.embedding)
        return self.compare(sets) if isinstance(sets, EmbeddingSets) else sets


def embedding_sets(
    songs: Sequence[Song], reference: Sequence[Song], features: Features, extractor: Extractor
) -> EmbeddingSets | NotApplicable | Failure:
    """Collect the ``patches`` of all songs.

    Returns:
        The sets; or why there is nothing to compare: fewer than two songs on a side, or songs that are the reference;
        or the first failure, as a distance of the songs that happened to work would be a distance of another set.
    """
    if len(songs) < 2:
        return NotApplicable(f"a distance between sets needs at least 2 songs; there are {len(songs)}")
    if len(reference) < 2:
        return NotApplicable(
            f"the suite has {len(reference)} reference songs; a distance between sets needs at least 2"
        )
    known = {song.source.digest for song in reference}
    if all(song.source.digest in known for song in songs):
        return NotApplicable("these are the reference songs themselves; the distance is 0 by construction")
    found: list[npt.NDArray[np.floating]] = []
    for answer in features.of(extractor, [song.source for song in [*songs, *reference]]):
        if isinstance(answer, Failure):
            return answer
        found.append(_patches(answer))
    return EmbeddingSets(found[: len(songs)], found[len(songs) :], [song.prompt.id for song in songs])


def _patches(feature: Feature) -> npt.NDArray[np.floating]:
    import numpy as np

    return np.asarray(feature.arrays["patches"], np.float64)
