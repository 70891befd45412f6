"""The System contract on top of `accompany`."""

from __future__ import annotations

import importlib.util
import traceback
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from songbench.domain.audio import Audio, AudioSource, MemoryAudio
from songbench.domain.errors import InputError, SongbenchError
from songbench.domain.hashing import Json
from songbench.domain.song import Failure, GenerationRecord, Request, Song
from songbench.plugin import READY, Availability, SystemCard, unavailable
from systems.rulebased.style import ARRANGEMENTS, GENRES, parse_style

if TYPE_CHECKING:
    from systems.rulebased_band.accompaniment import BandPerformance

_PACKAGES = {
    "pyworld": "pyworld-prebuilt",
    "tinysoundfont": "tinysoundfont",
    "pretty_midi": "pretty_midi",
    "pyloudnorm": "pyloudnorm",
    "scipy": "scipy",
    "soxr": "soxr",
}
_ALONE = ("tinysoundfont",)
"""To be installed without dependencies: it asks for pyaudio, to play live, which has no wheels for Linux."""


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
        needs=tuple(_PACKAGES.values()),
        tracks=("v2a",),
        length_rule="that of the vocal",
        stems=("drums", "bass", "other"),
        vocal_rule="left out",
        verified="on vocals of rulebased, whose beats, key and chords are known: results/band_analysis",
        seed_rule="honoured",
    )

    def __init__(self, genre: str | None = None, arrangement: str = "full", bpm: float | None = None) -> None:
        """Check the choices."""
        for field, name, allowed in (("genre", genre, GENRES), ("arrangement", arrangement, ARRANGEMENTS)):
            if name is not None and name not in allowed:
                raise InputError(f"Unknown {field} '{name}'.", field=field, value=name, allowed=allowed)
        if bpm is not None and not 40 <= bpm <= 220:
            raise InputError(f"No song has {bpm} beats per minute.", field="bpm", cure="Choose 40 to 220.")
        self.genre, self.arrangement, self.bpm = genre, arrangement, bpm

    @property
    def parameters(self) -> Mapping[str, Json]:
        """Every choice that changes the samples; None where prompt and vocal decide."""
        return {"genre": self.genre, "arrangement": self.arrangement, "bpm": self.bpm}

    def availability(self) -> Availability:
        """Ready when every package is installed; nothing is imported."""
        missing = [package for module, package in _PACKAGES.items() if importlib.util.find_spec(module) is None]
        if not missing:
            return READY
        alone = [package for package in missing if package in _ALONE]
        ordinary = [package for package in missing if package not in _ALONE]
        cures = [f"pip install {' '.join(ordinary)}"] * bool(ordinary) + [
            f"pip install --no-deps {name}" for name in alone
        ]
        return unavailable(f"missing {', '.join(missing)}", " && ".join(cures))

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
