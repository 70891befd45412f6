"""The embeddings of a system's songs and of the reference songs, as the set metrics (FAD, KAD) take them."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from metrics.functional.frechet_distance import Moments
from songbench.domain.audio import AudioSource
from songbench.domain.errors import StoreWriteError, UnavailableError
from songbench.domain.hashing import Json
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure, Song
from songbench.plugin import (
    Availability,
    Extractor,
    Feature,
    Features,
    MemoryNeed,
    MetricCard,
    Verdict,
    leave_out,
    with_left_out,
)
from songbench.resources.model_memory import need_of_weights, weights_of_card

Part = TypeVar("Part", bound=Sized)
"""What a distance needs of one song: its embeddings or their moments; its length is the number of embeddings."""

_AT_ONCE = 32
"""Songs whose features are in memory at the same time, besides what a distance needs of them."""


@dataclass(frozen=True, eq=False, kw_only=True)
class EmbeddingSets(Generic[Part]):
    """What is compared.

    Attributes:
        songs: what there is of each evaluated song.
        reference: the same of each reference song.
        prompts: the prompt id of each evaluated song.
        unit: what one embedding stands for, in the plural.
        cut: how many songs of either side were embedded in part only.
    """

    songs: list[Part]
    reference: list[Part]
    prompts: list[str]
    unit: str = "patches"
    cut: int = 0

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
        """How many songs and embeddings stand on each side, for the record."""
        counts: dict[str, Json] = {
            "songs": len(self.songs),
            self.unit: sum(map(len, self.songs)),
            "reference_songs": len(self.reference),
            f"reference_{self.unit}": sum(map(len, self.reference)),
        }
        return counts | ({"cut_songs": self.cut} if self.cut else {})


class EmbeddingExtractor(Extractor, Protocol):
    """An extractor of embeddings that knows whether its model is here."""

    def availability(self) -> Availability:
        """Whether the model is here."""


@dataclass(frozen=True, kw_only=True)
class EmbeddingDistance(Generic[Part]):
    """A `SetMetric`: a distance between the embeddings of a system's songs and those of the reference songs.

    A sample is one patch or frame, as in the usual toolkits; the unit that is left out is the song, because patches of
    one song depend on each other.

    Attributes:
        card: what it is.
        embedding: gives the embeddings; cheap to build, its model is loaded when they are computed.
        read: takes what the distance needs from a song's feature.
        compare: the distance with its leave-one-prompt-out values.
        unit: what one embedding stands for, in the plural.
        song_bytes: of what `read` gives of a song, whatever its length.
        second_bytes: of what it gives of each second.
    """

    card: MetricCard
    embedding: EmbeddingExtractor
    read: Callable[[Feature], Part]
    compare: Callable[[EmbeddingSets[Part]], Scores | NotApplicable]
    unit: str = "patches"
    song_bytes: int = 0
    second_bytes: int = 0

    @property
    def extractors(self) -> Sequence[Extractor]:
        """The embedding."""
        return (self.embedding,)

    def availability(self) -> Availability:
        """Whether the embedding's model is here."""
        return self.embedding.availability()

    def memory_need(self, songs: int, seconds: float) -> MemoryNeed:
        """The model, and what is compared of the songs and of as many references, which are in memory together."""
        model = need_of_weights(weights_of_card(self.card.needs))
        sides = 2 * songs * int(self.song_bytes + self.second_bytes * seconds)
        return MemoryNeed(model.resident, max(model.working, sides))

    def not_applicable(self, songs: Sequence[str], reference: Sequence[str]) -> NotApplicable | None:
        """With fewer than two songs on a side, or where the songs are the reference (from digests of their audio)."""
        if len(songs) < 2:
            return NotApplicable(f"a distance between sets needs at least 2 songs; there are {len(songs)}")
        if len(reference) < 2:
            return NotApplicable(
                f"the suite has {len(reference)} reference songs; a distance between sets needs at least 2"
            )
        if set(songs) <= set(reference):
            return NotApplicable("these are the reference songs themselves; the distance is 0 by construction")
        return None

    def score_set(self, songs: Sequence[Song], reference: Sequence[Song], features: Features) -> Verdict:
        """The distance of all songs to all reference songs.

        A song that has no embedding, or one that is not finite, is left out and named in the detail. Where that leaves
        fewer than half of a side, the first failure is handed on: a distance of the few songs that happened to work
        would be a distance of another set.
        """
        refusal = self.not_applicable(*([song.source.digest for song in side] for side in (songs, reference)))
        if refusal:
            return refusal
        sides = [self._side(side, features) for side in (songs, reference)]
        for side in sides:
            if side.failures and len(side.parts) < max(2, (len(side.parts) + len(side.failures)) / 2):
                return side.failures[0]
        evaluated, target = sides
        verdict = self.compare(
            EmbeddingSets(
                songs=evaluated.parts,
                reference=target.parts,
                prompts=evaluated.prompts,
                unit=self.unit,
                cut=evaluated.cut + target.cut,
            )
        )
        return with_left_out(verdict, evaluated.left_out, target.left_out)

    def _side(self, songs: Sequence[Song], features: Features) -> _Side[Part]:
        side: _Side[Part] = _Side()
        for song, answer in zip(songs, _features(songs, features, self.embedding), strict=True):
            if isinstance(answer, Failure):
                side.failures.append(answer)
                side.left_out.append(leave_out(song, answer.cause, failed=True))
            else:
                side.parts.append(self.read(answer))
                side.prompts.append(song.prompt.id)
                side.cut += bool(answer.data.get("cut"))
        return side


@dataclass(eq=False, kw_only=True)
class _Side(Generic[Part]):
    """The songs of one side as they are read: what was heard, and what could not be."""

    parts: list[Part] = field(default_factory=list)
    prompts: list[str] = field(default_factory=list)
    cut: int = 0
    failures: list[Failure] = field(default_factory=list)
    left_out: list[Mapping[str, Json]] = field(default_factory=list)


def _features(songs: Sequence[Song], features: Features, extractor: Extractor) -> Iterable[Feature | Failure]:
    """The feature of each song, a failure where it is not finite.

    Not of all at once: what is stored of a song can be much more than is needed of it.
    """
    for start in range(0, len(songs), _AT_ONCE):
        sources = [song.source for song in songs[start : start + _AT_ONCE]]
        for answer in _of_each(sources, features, extractor):
            yield Failure("feature", "the embedding is not finite") if _broken(answer) else answer


def _of_each(sources: Sequence[AudioSource], features: Features, extractor: Extractor) -> list[Feature | Failure]:
    """What `Features.of` gives; where one audio makes the extractor raise, the others are heard all the same."""
    try:
        return features.of(extractor, sources)
    except (UnavailableError, StoreWriteError):
        raise
    except Exception as error:  # of the extractor, whatever it is
        if len(sources) > 1:
            return [answer for source in sources for answer in _of_each([source], features, extractor)]
        detail = "".join(traceback.format_exception(error))
        return [Failure("feature", f"{type(error).__name__}: {error}".splitlines()[0], detail)]


def _broken(answer: Feature | Failure) -> bool:
    arrays = answer.arrays.values() if isinstance(answer, Feature) else ()
    return any(array.dtype.kind == "f" and not np.isfinite(array).all() for array in arrays)


def array(name: str) -> Callable[[Feature], npt.NDArray[np.floating]]:
    """A reader of embeddings that are stored as they are, shape (n, d), in float64."""

    def read(feature: Feature) -> npt.NDArray[np.floating]:
        """Shape (n, d) in float64."""
        return np.asarray(feature.arrays[name], np.float64)

    return read


def moments(name: str) -> Callable[[Feature], Moments]:
    """A reader of the moments of embeddings that are stored as they are, shape (n, d)."""

    def read(feature: Feature) -> Moments:
        return Moments.of(array(name)(feature))

    return read


def stored_moments(feature: Feature) -> Moments:
    """Reads moments that were stored instead of the embeddings themselves."""
    n, total, outer = (np.asarray(feature.arrays[name], np.float64) for name in ("frames", "total", "outer"))
    return Moments(int(n), total, outer)


def moments_bytes(dimensions: int) -> int:
    """Of the moments of one song's embeddings, in float64."""
    return 8 * (dimensions + dimensions * (dimensions + 1) // 2)
