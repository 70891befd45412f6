"""The System contract on top of `accompany`."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from songbench.domain.audio import Audio, AudioSource, MemoryAudio
from songbench.domain.errors import InputError, SongbenchError
from songbench.domain.hashing import Json
from songbench.domain.song import Failure, GenerationRecord, Request, Song
from songbench.plugin import Availability, SystemCard
from systems.rulebased.packages import BAND, availability_of
from systems.rulebased.style import ARRANGEMENTS, GENRES, check_bpm, check_choice, parse_style

if TYPE_CHECKING:
    from systems.rulebased_band.accompaniment import BandPerformance


class RuleBasedBand:
    """A band by rules that plays to a vocal: the floor of the vocal track.

    Args:
        genre: one of `GENRES`; None: read from the prompt's style and its `genre` tag.
        arrangement: `full`, `band` (no quiet sections) or `sparse` (only quiet ones).
        bpm: tempo near which the beat is looked for, 40-220; None: read from the style, else the genre's usual one.

    Raises:
        InputError: a name or number outside these.
    """

    card = SystemCard(
        name="rulebased_band",
        version="1",
        summary="Finds beat, key and chords of a vocal by rules and plays drums, bass and chords to it.",
        licence="Apache-2.0 (SoundFont TimGM6mb GPL-2.0, used from its package)",
        languages=(),
        conditions=("vocal", "style text"),
        vocals=False,
        sample_rate=48_000,
        needs=tuple(BAND.values()),
        tracks=("v2a",),
        length_rule="that of the vocal",
        stems=("drums", "bass", "other"),
        vocal_rule="left out",
        verified="on vocals of rulebased, whose beats, key and chords are known: results/band_analysis",
        seed_rule="honoured",
    )

    def __init__(self, genre: str | None = None, arrangement: str = "full", bpm: float | None = None) -> None:
        """Check the choices."""
        check_choice("genre", genre, GENRES)
        check_choice("arrangement", arrangement, ARRANGEMENTS)
        check_bpm(bpm)
        self.genre, self.arrangement, self.bpm = genre, arrangement, bpm

    @property
    def parameters(self) -> Mapping[str, Json]:
        """Every choice that changes the samples; None where prompt and vocal decide."""
        return {"genre": self.genre, "arrangement": self.arrangement, "bpm": self.bpm}

    def availability(self) -> Availability:
        """Ready when every package is installed; nothing is imported."""
        return availability_of(BAND)

    def generate(self, requests: Sequence[Request]) -> Iterator[Song | Failure]:
        """One accompaniment per request, in order; a request without a vocal is yielded as a failure."""
        from systems.rulebased_band.accompaniment import warm_up

        warm_up()
        for request in requests:
            try:
                yield self._play(request)
            except SongbenchError as error:
                yield Failure("generate", str(error), request=request)
            except Exception as error:
                cause = f"{type(error).__name__}: {error}"
                yield Failure("generate", cause, traceback.format_exc()[-2000:], request)

    def _play(self, request: Request) -> Song:
        from systems.rulebased_band.accompaniment import accompany

        if request.vocal is None:
            raise InputError(f"The prompt '{request.prompt.id}' has no vocal to play to.", field="vocal")
        style = parse_style(f"{request.prompt.style} {request.prompt.tags.get('genre', '')}")
        genre = self.genre or style.genre
        usual = self.bpm if self.bpm is not None else style.bpm
        part = accompany(request.vocal.load(), genre, self.arrangement, request.seed, usual)
        return _song(request, part, genre)


def _song(request: Request, part: BandPerformance, genre: str) -> Song:
    from systems.rulebased.band import RATE

    def source(samples: object) -> AudioSource:
        return MemoryAudio(Audio(samples, RATE))  # type: ignore[arg-type]

    return Song(
        request=request,
        source=source(part.mix),
        record=GenerationRecord(
            seconds=sum(part.stages.values()),
            conditions=("vocal", "style text") if request.prompt.style else ("vocal",),
            stages=part.stages,
            notes=part.analysis.remarks,
            settings={"genre": genre, **part.analysis.facts},
        ),
        stems={name: source(stem) for name, stem in part.stems.items()},
        midi=part.midi,
    )
