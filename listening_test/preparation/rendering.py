"""From recipes to sounds: decode, cut, trim, change, frame. One song in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from listening_test.preparation import checks
from listening_test.preparation.anchors import degraded
from listening_test.preparation.clips import ClipRecipe, SongSource
from listening_test.preparation.excerpts import ExcerptSpan, place
from listening_test.preparation.material import Material, seconds_of, where
from listening_test.preparation.sound import SHORTEST_SECONDS, Sound, framed, sounding, two_channels
from listening_test.protocol import Protocol
from songbench.domain.audio import AudioSource
from songbench.domain.errors import InputError
from songbench.domain.song import Song
from songbench.domain.vocal_mix import VocalMix
from songbench.execution.results import SongId


@dataclass(frozen=True, eq=False)
class RenderedClip:
    """A sound before it is brought to the test's loudness.

    Attributes:
        recipe: what it is.
        sound: with equal ends.
        start: where in the song it begins, in seconds.
        notes: what a reader should know.
    """

    recipe: ClipRecipe
    sound: Sound
    start: float = 0.0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Renderer:
    """Renders recipes.

    Args:
        material: the songs.
        protocol: the excerpts, the rate, the seed.
        common: per prompt and excerpt, the place that all its songs share, so that they stay aligned with a reference;
            empty where there is no reference to be aligned with.
    """

    material: Material
    protocol: Protocol
    common: Mapping[tuple[str, int], ExcerptSpan]

    def render(self, source: SongSource | None, recipes: Sequence[ClipRecipe]) -> Iterator[RenderedClip]:
        """The sounds of recipes of one source, which is decoded once.

        Raises:
            InputError: naming the song and its file, when it cannot be used.
        """
        rate = self.protocol.listening.rate
        if source is None:
            for recipe in recipes:
                yield RenderedClip(recipe, framed(checks.tones(*recipe.tones, rate), rate))
            return
        samples = {sort: self._decoded(source, sort) for sort in {_origin(recipe) for recipe in recipes}}
        for recipe in recipes:
            yield self._rendered(recipe, source, samples[_origin(recipe)])

    def _rendered(self, recipe: ClipRecipe, source: SongSource, samples: Sound) -> RenderedClip:
        """The sound of one recipe, from the samples of its source, shape (2, n)."""
        rate = self.protocol.listening.rate
        if recipe.sort == "style sample":
            first, last = sounding(samples)
            return RenderedClip(recipe, framed(samples[:, first:last], rate), first / rate)
        if recipe.sort == "vocal":
            part, start, _ = self._excerpt(recipe, source, samples)
            return RenderedClip(recipe, framed(part, rate), start)
        part, start, notes = self._excerpt(recipe, source, samples)
        if recipe.sort == "sound check":
            longest = round(checks.EXCERPT_SECONDS * rate)
            return RenderedClip(
                recipe, framed(checks.sound_check(part[:, :longest], rate, self.protocol.seed), rate), start, notes
            )
        changed = degraded(part, rate, recipe.effect)
        if recipe.voice_text:
            changed = checks.spoken_over(changed, rate, recipe.voice_text, recipe.language)
            notes = (*notes, f"a voice says: {recipe.voice_text}")
        return RenderedClip(recipe, framed(changed, rate), start, notes)

    def _excerpt(self, recipe: ClipRecipe, source: SongSource, samples: Sound) -> tuple[Sound, float, tuple[str, ...]]:
        """The excerpt, shape (2, n), where it begins in seconds, and notes."""
        rate, seconds = self.protocol.listening.rate, samples.shape[1] / self.protocol.listening.rate
        span = self.common.get((source.prompt, recipe.excerpt)) or self.place_of(source, recipe.excerpt, seconds)
        first = round(span.start * rate)
        part = samples[:, first : first + round(span.seconds * rate)]
        if not self.common and recipe.sort != "vocal":  # which begins with the mix, whenever it is heard
            start, end = sounding(part)
            part, first = part[:, start:end], first + start
        if part.shape[1] < SHORTEST_SECONDS * rate:
            raise self._unusable(
                source,
                f"its excerpt lasts {part.shape[1] / rate:.2f} s, and {SHORTEST_SECONDS} s "
                "are needed to tell its loudness",
                cure="Choose a longer excerpt (excerpts), or leave the prompt out (items.prompts).",
            )
        return part, first / rate, (span.note,) if span.note else ()

    def place_of(self, source: SongSource, excerpt: int, seconds: float) -> ExcerptSpan:
        """Where an excerpt lies in a song of this length.

        Raises:
            InputError: when the song ends before it begins.
        """
        rule, prompt = self.protocol.excerpts[excerpt], self.material.prompts[source.prompt]
        song = self.song_of(source)
        span = place(rule, seconds, prompt.lyrics, song.sections if song else ())
        if span is None:
            raise self._unusable(
                source,
                f"it lasts {seconds:.1f} s and excerpt {excerpt + 1} begins at {rule.start:g} s",
                cure="Choose an excerpt that every song has (excerpts), or leave the prompt out (items.prompts).",
            )
        return span

    def seconds_of(self, source: SongSource) -> float:
        """The length of a song, in seconds.

        Raises:
            InputError: when it cannot be decoded, naming song and file.
        """
        audio = self.audio_of(source)
        try:
            return seconds_of(audio)
        except InputError as error:
            raise unusable(source, error.message.rstrip("."), audio) from None

    def song_of(self, source: SongSource) -> Song | None:
        """The song as stored; None for reference songs."""
        return self.material.songs[SongId(source.system, source.prompt, source.take)] if source.system else None

    def audio_of(self, source: SongSource, sort: str = "song") -> AudioSource:
        """The audio of a song or reference song, mixed with its vocal where it has one; or style sample or vocal."""
        if sort == "style sample":
            return self.material.prompt_audio[source.prompt]
        vocal = self.material.vocals.get(source.prompt)
        if sort == "vocal" and vocal:
            return vocal
        song = self.song_of(source)
        audio = song.source if song else self.material.references[source.prompt]
        return VocalMix(vocal, audio) if vocal else audio

    def _decoded(self, source: SongSource, sort: str) -> Sound:
        """The samples of a source at the rate of the test, shape (2, n)."""
        audio = self.audio_of(source, sort)
        try:
            loaded = audio.load()
        except (InputError, FileNotFoundError) as error:
            reason = error.message if isinstance(error, InputError) else str(error)
            raise self._unusable(source, reason.rstrip("."), audio) from None
        if loaded.samples.size == 0 or not np.isfinite(loaded.samples).all():
            raise self._unusable(source, "it holds no samples, or some that are not finite", audio)
        return two_channels(loaded.at(self.protocol.listening.rate).samples)

    def _unusable(
        self, source: SongSource, why: str, audio: AudioSource | None = None, cure: str | None = None
    ) -> InputError:
        return unusable(source, why, audio or self.audio_of(source), cure)


def unusable(source: SongSource, why: str, audio: AudioSource, cure: str | None = None) -> InputError:
    """The error for a song that cannot be part of a test."""
    name = f"song of {source.system}" if source.system else "reference song"
    take = f", take {source.take}" if source.take else ""
    return InputError(
        f"The {name} for prompt '{source.prompt}'{take} cannot be used: {why}.",
        file=where(audio),
        cure=cure
        or "Make it again, or leave the prompt out (items.prompts); `songbench verify RUN` tells what is damaged.",
    )


def _origin(recipe: ClipRecipe) -> str:
    return recipe.sort if recipe.sort in ("style sample", "vocal") else "song"
