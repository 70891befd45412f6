"""Vocal leakage: whether the accompaniment repeats the vocal it was made for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from metrics.features.onsets import unheard
from metrics.functional.vocal_leakage import RATE, leakage
from metrics.song_parts import NO_VOCAL
from songbench.domain.audio import AudioSource
from songbench.domain.errors import InputError
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure, Song
from songbench.plugin import READY, Availability, Features, Field, MetricCard, Verdict

VOCAL_LEAKAGE = MetricCard(
    name="vocal_leakage",
    backend="coherence",
    version="1",
    fields=(
        Field(
            "vocal_leakage",
            unit="%",
            direction="lower",
            low=0,
            high=100,
            decimals=1,
            description="Share of the accompaniment's energy, while the vocal sounds, that is the vocal itself.",
        ),
        Field(
            "vocal_leakage_chance",
            unit="%",
            low=0,
            high=100,
            decimals=1,
            description="The same with the accompaniment shifted in a circle.",
            headline=False,
            hears=(),
        ),
        Field(
            "vocal_delay",
            unit="ms",
            low=-500,
            high=500,
            decimals=0,
            description="By how much the vocal comes later in the accompaniment; meaningless at chance.",
            headline=False,
            hears=(),
        ),
    ),
    summary="Whether the accompaniment repeats the vocal, at any level, through any filter, up to 0.5 s late or early.",
    limits=(
        "0 is not reached: by chance 0.2 to 1.1 % of an unrelated accompaniment follow from the vocal (14 songs of"
        " the rule-based system, true accompaniments 0.5 %), so read it with its chance. A vocal as loud as the band"
        " under it gives 57 to 70 %, one 10 dB softer 12 to 19 %, 20 dB softer 1.7 to 2.6 %, 30 dB softer nothing that"
        " shows, the vocal alone, 100 %. Short vocals have a higher chance. A copy that a model sang or coded anew, at"
        " another tempo or key, in many echoes, or as a melody on an instrument, keeps no phase and is not found. Some"
        " leakage can be right: accompaniments separated from real recordings have it."
    ),
    citation="GCC-PHAT: Knapp & Carter 1976; magnitude-squared coherence: Carter 1987",
    licence="Apache-2.0",
    tracks=("v2a",),
    hears=("originality",),
    mono=True,
)


class VocalLeakage:
    """A `SongMetric` of accompaniments. Nothing of it is stored, as it is a figure of the pair."""

    card = VOCAL_LEAKAGE

    def availability(self) -> Availability:
        """Always ready."""
        return READY

    def score(self, songs: Sequence[Song], features: Features) -> Iterator[Verdict]:
        """One verdict per song; not applicable where either is silent."""
        for song in songs:
            vocal = song.request.vocal
            try:
                yield NotApplicable(NO_VOCAL) if vocal is None else _verdict(vocal, song.source)
            except InputError as error:
                yield Failure("score", str(error))


def _verdict(vocal: AudioSource, accompaniment: AudioSource) -> Verdict:
    recordings = {"vocal": vocal.load(), "accompaniment": accompaniment.load()}
    for name, audio in recordings.items():
        if reason := unheard(audio):
            return NotApplicable(f"the {name} is {reason}")
    mono = [audio.mono().at(RATE).samples[0] for audio in recordings.values()]
    shared = min(map(len, mono))
    for name, samples in zip(recordings, mono, strict=True):
        if not samples[:shared].any():
            return NotApplicable(f"the {name} is silent while the other lasts")
    result = leakage(*mono)
    return Scores(
        values={
            "vocal_leakage": 100 * result.share,
            "vocal_leakage_chance": 100 * result.chance,
            "vocal_delay": 1000 * result.delay,
        }
    )


def vocal_leakage_coherence() -> VocalLeakage:
    """The entry point ``vocal_leakage@coherence``."""
    return VocalLeakage()
