"""The System contract on top of `perform`."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from songbench.domain.audio import Audio, AudioSource, MemoryAudio
from songbench.domain.errors import SongbenchError
from songbench.domain.hashing import Json
from songbench.domain.song import Failure, GenerationRecord, Request, Song
from songbench.plugin import Availability, SystemCard
from systems.rulebased.packages import BAND, SINGER, availability_of
from systems.rulebased.style import (
    ARRANGEMENTS,
    GENRES,
    MODES,
    SINGERS,
    check_bpm,
    check_choice,
    parse_style,
    seeded_singer,
)

if TYPE_CHECKING:
    from systems.rulebased.perform import Performance, Recipe

_PACKAGES = {**SINGER, **BAND}


class RuleBased:
    """An original song by rules: no weights, no network, the same samples for the same seed.

    Args:
        genre: one of `GENRES`; None: read from the prompt's style and its `genre` tag.
        voice: `female` or `male`; None: read from the style, else chosen by seed and words.
        arrangement: `full`, `band` (no quiet sections) or `sparse` (only quiet ones).
        mode: `major` or `minor`; None: read from the style, else chosen by genre and seed.
        bpm: tempo in beats per minute, 40-220; None: read from the style, else fitted to the wanted duration.

    Raises:
        InputError: a name or number outside these.
    """

    card = SystemCard(
        name="rulebased",
        version="5",
        summary="Rules write the song, sampled instruments play it, a formant voice sings the words.",
        licence="Apache-2.0 (espeak-ng GPL-3.0, SoundFont TimGM6mb GPL-2.0, used from their packages)",
        languages=("en", "zh", "mixed"),
        conditions=("lyrics", "style text"),
        vocals=True,
        sample_rate=48_000,
        needs=tuple(_PACKAGES.values()),
    )

    def __init__(
        self,
        genre: str | None = None,
        voice: str | None = None,
        arrangement: str = "full",
        mode: str | None = None,
        bpm: float | None = None,
    ) -> None:
        """Check the choices."""
        check_choice("genre", genre, GENRES)
        check_choice("voice", voice, SINGERS)
        check_choice("arrangement", arrangement, ARRANGEMENTS)
        check_choice("mode", mode, MODES)
        check_bpm(bpm)
        self.genre, self.voice, self.arrangement, self.mode, self.bpm = genre, voice, arrangement, mode, bpm

    @property
    def parameters(self) -> Mapping[str, Json]:
        """Every choice that changes the samples; None where prompt and seed decide."""
        return {
            "genre": self.genre,
            "voice": self.voice,
            "arrangement": self.arrangement,
            "mode": self.mode,
            "bpm": self.bpm,
        }

    def availability(self) -> Availability:
        """Ready when every package is installed; nothing is imported."""
        return availability_of(_PACKAGES)

    def generate(self, requests: Sequence[Request]) -> Iterator[Song | Failure]:
        """One song per request, in order; what cannot be sung is yielded as a failure."""
        from systems.rulebased.perform import perform, warm_up

        warm_up()
        for request in requests:
            prompt = request.prompt
            try:
                yield _song(request, perform(prompt.lyrics, prompt.language, self._recipe(request), prompt.seconds))
            except SongbenchError as error:
                yield Failure("generate", str(error), request=request)
            except Exception as error:
                cause = f"{type(error).__name__}: {error}"
                yield Failure("generate", cause, traceback.format_exc()[-2000:], request)

    def _recipe(self, request: Request) -> Recipe:
        from systems.rulebased.perform import Recipe

        style = parse_style(f"{request.prompt.style} {request.prompt.tags.get('genre', '')}")
        style = replace(
            style,
            genre=self.genre or style.genre,
            mode=self.mode or style.mode,
            bpm=self.bpm if self.bpm is not None else style.bpm,
        )
        singer = self.voice or style.singer or seeded_singer(request.seed, " ".join(request.prompt.lyrics.lines))
        return Recipe(style, singer, self.arrangement, request.seed)


def _song(request: Request, performance: Performance) -> Song:
    def source(samples: object) -> AudioSource:
        return MemoryAudio(Audio(samples, performance.rate))  # type: ignore[arg-type]

    return Song(
        request=request,
        source=source(performance.mix),
        record=GenerationRecord(
            seconds=sum(performance.stages.values()),
            conditions=("lyrics", "style text") if request.prompt.style else ("lyrics",),
            stages=performance.stages,
            notes=performance.notes,
        ),
        stems={name: source(stem) for name, stem in performance.stems.items()},
        words=performance.words,
        sections=performance.sections,
        midi=performance.midi,
    )
