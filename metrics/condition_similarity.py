"""How near a song is to what was asked for, in a space of embeddings: to its style audio, or to its style text.

An embedding gives vectors of length 1 for the clips of a piece of audio, and one for a text. The headline is the cosine
between the directions of song and condition, the direction of audio being that of the mean of its clips' vectors. A
cosine like that means nothing alone, so each comes with the level of things that have nothing to do with the song
(`chance`), and, for audio, with that of the song the prompt was cut from (`self`), where the suite has it; in track
``v2a`` with that of the true accompaniment, which is what a system is after.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from metrics.features.other_music import other_music
from metrics.features.packages import installed, installed_alone
from metrics.features.style_texts import STYLE_TEXTS
from metrics.functional.cosine import cosine, direction, mean_cosine
from songbench.domain.audio import AudioSource
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure, Song
from songbench.plugin import READY, Availability, Extractor, Feature, Features, Field, MetricCard, Verdict
from songbench.resources import weights
from songbench.resources.weights import Weights

Vectors: TypeAlias = npt.NDArray[np.floating]


class JointEmbedding(Extractor, Protocol):
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
    embedding: JointEmbedding
    packages: tuple[tuple[str, str], ...] = ()

    def availability(self) -> Availability:
        """Whether packages and weights are here."""
        player = installed_alone("tinysoundfont")
        return _availability(self.embedding, self.packages) if player.ready else player

    def score(self, songs: Sequence[Song], features: Features) -> Iterator[Verdict]:
        """One verdict per song; not applicable without prompt audio, or where either is silent or too short."""
        sources: dict[str, AudioSource] = {}
        for song in songs:
            if song.request.prompt_audio is not None:
                candidates = (song.source, song.request.prompt_audio, song.request.reference)
                sources |= {source.digest: source for source in candidates if source is not None}
        chance_clips = other_music() if sources else ()
        embeddings = features.of(self.embedding, [*sources.values(), *chance_clips]) if sources else []
        by_digest = dict(zip(sources, embeddings, strict=False))
        chance = [
            direction(_vectors(feature)) for feature in embeddings[len(sources) :] if isinstance(feature, Feature)
        ]
        for song in songs:
            yield self._verdict(song, by_digest, chance)

    def _verdict(self, song: Song, embeddings: Mapping[str, Feature | Failure], chance: Sequence[Vectors]) -> Verdict:
        """The verdict on one song.

        Args:
            song: the song.
            embeddings: by digest of the audio: of song, prompt audio and reference.
            chance: directions of other music, shape (d,) each, of length 1.
        """
        prompt, reference = song.request.prompt_audio, song.request.reference
        if prompt is None:
            return NotApplicable("the prompt has no audio to be similar to")
        pair = _vector_pair(("song", embeddings[song.source.digest]), ("prompt audio", embeddings[prompt.digest]))
        if not isinstance(pair, tuple):
            return pair
        name = self.card.fields[0].name
        values = _similarities(name, pair[0], pair[1], chance)
        origin: tuple[Vectors, Vectors] | NotApplicable | Failure = NotApplicable("the prompt has no reference song")
        if reference is not None:
            origin = _vector_pair(
                ("reference song", embeddings[reference.digest]), ("prompt audio", embeddings[prompt.digest])
            )
        missing = {}
        if isinstance(origin, tuple):
            values[f"{name}_self"] = cosine(direction(origin[0]), direction(origin[1]))
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
    embedding: JointEmbedding
    packages: tuple[tuple[str, str], ...] = ()

    def availability(self) -> Availability:
        """Whether packages and weights are here."""
        return _availability(self.embedding, self.packages)

    def score(self, songs: Sequence[Song], features: Features) -> Iterator[Verdict]:
        """One verdict per song; not applicable without a style text, or where the song is silent or too short."""
        styles = [song.prompt.style.strip() for song in songs]
        sources = [song.source for song, style in zip(songs, styles, strict=True) if style]
        computed = iter(features.of(self.embedding, sources) if sources else [])
        embeddings = [next(computed) if style else None for style in styles]
        text_vectors: dict[str, Vectors] = {}
        if any(isinstance(embedding, Feature) for embedding in embeddings):
            texts = [text for text in dict.fromkeys([*styles, *STYLE_TEXTS]) if text]
            text_vectors = dict(zip(texts, self.embedding.texts(texts), strict=True))
        chance = [text_vectors[text] for text in STYLE_TEXTS] if text_vectors else []
        for song, embedding in zip(songs, embeddings, strict=True):
            yield self._verdict(song, embedding, text_vectors, chance)

    def _verdict(
        self,
        song: Song,
        embedding: Feature | Failure | None,
        texts: Mapping[str, Vectors],
        chance: Sequence[Vectors],
    ) -> Verdict:
        """The verdict on one song.

        Args:
            song: the song.
            embedding: of its audio; None where its prompt has no style text.
            texts: the vector of each text, shape (d,), of length 1.
            chance: those of texts that have nothing to do with it.
        """
        if embedding is None:
            return NotApplicable("the prompt has no style text")
        vectors = _audible_vectors("song", embedding)
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
        _field(f"{name}_self", "Cosine of the prompt audio and the prompt's reference, where the suite has it."),
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


def _availability(embedding: JointEmbedding, packages: Sequence[tuple[str, str]]) -> Availability:
    states = (*(installed(package, extra) for package, extra in packages), *map(weights.availability, embedding.needs))
    return next((state for state in states if not state.ready), READY)


def _vector_pair(
    first: tuple[str, Feature | Failure], second: tuple[str, Feature | Failure]
) -> tuple[Vectors, Vectors] | NotApplicable | Failure:
    """The vectors of two pieces of audio, shapes (n, d) and (m, d), or why one of them has none.

    Args:
        first: how messages call the audio, and its embedding.
        second: likewise.
    """
    first_vectors, second_vectors = _audible_vectors(*first), _audible_vectors(*second)
    if isinstance(first_vectors, NotApplicable | Failure):
        return first_vectors
    if isinstance(second_vectors, NotApplicable | Failure):
        return second_vectors
    return first_vectors, second_vectors


def _audible_vectors(name: str, embedding: Feature | Failure) -> Vectors | NotApplicable | Failure:
    """The vectors of a piece of audio, shape (clips, d), of length 1 each, or why it has none."""
    if isinstance(embedding, Failure):
        return embedding
    if "unheard" in embedding.data:
        return NotApplicable(f"the {name} is {embedding.data['unheard']}")
    if embedding.data["silent"]:
        return NotApplicable(f"the {name} is silent")
    return _vectors(embedding)


def _similarities(name: str, song: Vectors, condition: Vectors, chance: Sequence[Vectors]) -> dict[str, float]:
    """The cosine of a song and its condition, by clips too, and its chance level.

    Args:
        name: of the headline.
        song: shape (clips, d), each of length 1.
        condition: shape (clips, d), likewise.
        chance: shape (d,) each, of length 1; at least one.
    """
    song_direction = direction(song)
    return {
        name: cosine(song_direction, direction(condition)),
        f"{name}_clips": mean_cosine(song, condition),
        f"{name}_chance": sum(cosine(song_direction, vector) for vector in chance) / len(chance),
    }


def _scores(card: MetricCard, values: Mapping[str, float], missing: Mapping[str, str], **detail: int) -> Scores:
    fields = {field.name for field in card.fields}
    return Scores(
        values={name: value for name, value in values.items() if name in fields}, detail=detail, missing=missing
    )


def _vectors(feature: Feature) -> Vectors:
    """The vectors of an embedding, shape (clips, d), in float64."""
    vectors: Vectors = feature.arrays["vectors"].astype("float64")
    return vectors
