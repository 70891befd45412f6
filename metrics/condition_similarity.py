"""How near a song is to what was asked for, in a space of embeddings: to its style audio, or to its style text.

An embedding gives vectors of length 1 for the clips of a piece of audio, and one for a text. The headline is the cosine
between the directions of song and condition, the direction of audio being that of the mean of its clips' vectors. A
cosine like that means nothing alone, so each comes with the level of things that have nothing to do with the song
(`chance`), and, for audio, with that of the song the prompt was cut from (`self`), where the suite has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from metrics.features.other_music import other_music
from metrics.features.packages import installed, installed_alone
from metrics.features.style_texts import STYLE_TEXTS
from songbench.domain.audio import AudioSource
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure, Song
from songbench.plugin import READY, Availability, Extractor, Feature, Features, Field, MetricCard, Verdict
from songbench.resources import weights
from songbench.resources.weights import Weights

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Vectors = npt.NDArray[np.floating]


class Embedding(Extractor, Protocol):
    """An extractor of ``vectors``, shape (clips, d), each of length 1, whose space texts have a place in, too.

    A feature without ``vectors`` says in its data why the audio is ``unheard``; one with them, whether it is
    ``silent``.
    """

    @property
    def needs(self) -> tuple[Weights, ...]:
        """All weights it reads."""

    def texts(self, texts: Sequence[str]) -> Sequence[Vectors]:
        """The vector of each text, shape (d,), of length 1, whatever the other texts are."""


@dataclass(frozen=True)
class AudioSimilarity:
    """A `SongMetric`: song against the audio that was its style prompt.

    Attributes:
        card: what it is; its first field names the others, see `audio_fields`.
        embedding: the space.
        packages: what it runs on, each with songbench's extra that brings it.
    """

    card: MetricCard
    embedding: Embedding
    packages: tuple[tuple[str, str], ...] = ()

    def availability(self) -> Availability:
        """Whether packages and weights are here."""
        player = installed_alone("tinysoundfont")
        return _availability(self.embedding, self.packages) if player.ready else player

    def score(self, songs: Sequence[Song], features: Features) -> Iterator[Verdict]:
        """One verdict per song; not applicable without prompt audio, or where either is silent or too short."""
        wanted: dict[str, AudioSource] = {}
        for song in songs:
            if song.request.prompt_audio is not None:
                asked = (song.source, song.request.prompt_audio, song.request.reference)
                wanted |= {source.digest: source for source in asked if source is not None}
        others = other_music() if wanted else ()
        sources = [*wanted.values(), *others]
        found = features.of(self.embedding, sources) if sources else []
        known = dict(zip(wanted, found, strict=False))
        chance = [_direction(one) for one in found[len(wanted) :] if isinstance(one, Feature)]
        for song in songs:
            yield self._verdict(song, known, chance)

    def _verdict(self, song: Song, known: Mapping[str, Feature | Failure], chance: Sequence[Vectors]) -> Verdict:
        prompt, reference = song.request.prompt_audio, song.request.reference
        if prompt is None:
            return NotApplicable("the prompt has no audio to be similar to")
        pair = _both(("song", known[song.source.digest]), ("prompt audio", known[prompt.digest]))
        if not isinstance(pair, tuple):
            return pair
        name = self.card.fields[0].name
        values = _similarities(name, pair[0], pair[1], chance)
        origin: tuple[Vectors, Vectors] | NotApplicable | Failure = NotApplicable("the prompt has no reference song")
        if reference is not None:
            origin = _both(("reference song", known[reference.digest]), ("prompt audio", known[prompt.digest]))
        missing = {}
        if isinstance(origin, tuple):
            values[f"{name}_self"] = _cosine(_unit(origin[0]), _unit(origin[1]))
        else:
            missing[f"{name}_self"] = origin.reason if isinstance(origin, NotApplicable) else origin.cause
        return _scores(self.card, values, missing, clips=len(pair[0]), prompt_clips=len(pair[1]))


@dataclass(frozen=True)
class TextSimilarity:
    """A `SongMetric`: song against the text that described its style.

    Attributes:
        card: what it is; its first field names the others, see `text_fields`.
        embedding: the space.
        packages: what it runs on, each with songbench's extra that brings it.
    """

    card: MetricCard
    embedding: Embedding
    packages: tuple[tuple[str, str], ...] = ()

    def availability(self) -> Availability:
        """Whether packages and weights are here."""
        return _availability(self.embedding, self.packages)

    def score(self, songs: Sequence[Song], features: Features) -> Iterator[Verdict]:
        """One verdict per song; not applicable without a style text, or where the song is silent or too short."""
        asked = [song.source for song in songs if song.prompt.style.strip()]
        found = iter(features.of(self.embedding, asked) if asked else [])
        heard = [next(found) if song.prompt.style.strip() else None for song in songs]
        texts: dict[str, Vectors] = {}
        if any(isinstance(one, Feature) for one in heard):
            wanted = list(dict.fromkeys([*(song.prompt.style.strip() for song in songs), *STYLE_TEXTS]))
            wanted = [text for text in wanted if text]
            texts = dict(zip(wanted, self.embedding.texts(wanted), strict=True))
        chance = [texts[text] for text in STYLE_TEXTS] if texts else []
        for song, one in zip(songs, heard, strict=True):
            yield self._verdict(song, one, texts, chance)

    def _verdict(
        self, song: Song, found: Feature | Failure | None, texts: Mapping[str, Vectors], chance: Sequence[Vectors]
    ) -> Verdict:
        if found is None:
            return NotApplicable("the prompt has no style text")
        vectors = _heard("song", found)
        if isinstance(vectors, NotApplicable | Failure):
            return vectors
        text = texts[song.prompt.style.strip()]
        values = _similarities(self.card.fields[0].name, vectors, text[None], chance)
        return _scores(self.card, values, {}, clips=len(vectors))


def audio_fields(name: str, *, clips: str = "") -> tuple[Field, ...]:
    """The fields of an `AudioSimilarity`.

    Args:
        name: of the headline.
        clips: what the mean over pairs of clips is, where audio has several.
    """
    return (
        _field(name, "Cosine of the directions of the song and of its prompt audio."),
        *([_field(f"{name}_clips", clips)] if clips else []),
        _field(f"{name}_chance", "Cosine with twelve fixed clips of other music, mean."),
        _field(f"{name}_self", "Cosine of the prompt audio and the song it was cut from, where the suite has it."),
    )


def text_fields(name: str, *, clips: str = "") -> tuple[Field, ...]:
    """The fields of a `TextSimilarity`; arguments as in `audio_fields`."""
    return (
        _field(name, "Cosine of the direction of the song and that of its style text."),
        *([_field(f"{name}_clips", clips)] if clips else []),
        _field(f"{name}_chance", f"Cosine with {len(STYLE_TEXTS)} fixed style texts, mean."),
    )


def _field(name: str, description: str) -> Field:
    """A cosine; levels to compare with are neither good nor bad, and only the first field has a column."""
    level = name.endswith(("_chance", "_self"))
    side = level or name.endswith("_clips")
    return Field(
        name,
        unit="",
        direction="none" if level else "higher",
        low=-1.0,
        high=1.0,
        decimals=3,
        description=description,
        headline=not side,
        hears=() if level else None,
    )


def _availability(embedding: Embedding, packages: Sequence[tuple[str, str]]) -> Availability:
    states = (*(installed(*one) for one in packages), *map(weights.availability, embedding.needs))
    return next((state for state in states if not state.ready), READY)


def _both(
    one: tuple[str, Feature | Failure], other: tuple[str, Feature | Failure]
) -> tuple[Vectors, Vectors] | NotApplicable | Failure:
    """The vectors of two pieces of audio, or why one of them has none."""
    first, second = _heard(*one), _heard(*other)
    if isinstance(first, NotApplicable | Failure):
        return first
    if isinstance(second, NotApplicable | Failure):
        return second
    return first, second


def _heard(name: str, found: Feature | Failure) -> Vectors | NotApplicable | Failure:
    if isinstance(found, Failure):
        return found
    if "unheard" in found.data:
        return NotApplicable(f"the {name} is {found.data['unheard']}")
    if found.data["silent"]:
        return NotApplicable(f"the {name} is silent")
    vectors: Vectors = found.arrays["vectors"].astype("float64")
    return vectors


def _similarities(name: str, song: Vectors, condition: Vectors, chance: Sequence[Vectors]) -> dict[str, float]:
    direction = _unit(song)
    return {
        name: _cosine(direction, _unit(condition)),
        f"{name}_clips": _bounded(float(song.mean(axis=0) @ condition.mean(axis=0))),
        f"{name}_chance": sum(_cosine(direction, other) for other in chance) / len(chance),
    }


def _scores(card: MetricCard, values: Mapping[str, float], missing: Mapping[str, str], **detail: int) -> Scores:
    fields = {field.name for field in card.fields}
    return Scores(
        values={name: value for name, value in values.items() if name in fields}, detail=detail, missing=missing
    )


def _direction(feature: Feature) -> Vectors:
    return _unit(feature.arrays["vectors"].astype("float64"))


def _unit(vectors: Vectors) -> Vectors:
    """The mean of vectors, shape (clips, d), brought to length 1."""
    import numpy as np

    mean = vectors.mean(axis=0)
    unit: Vectors = mean / np.linalg.norm(mean)
    return unit


def _cosine(one: Vectors, other: Vectors) -> float:
    return _bounded(float(one @ other))


def _bounded(cosine: float) -> float:
    """A cosine within its range: vectors of length 1 in float32 are a little longer or shorter in float64."""
    return min(1.0, max(-1.0, cosine))
