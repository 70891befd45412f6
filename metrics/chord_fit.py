"""Chord fit: whether what is sung lies on the chords that the accompaniment plays below it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from metrics.features.pitch import STEP, Pitch
from metrics.features.profiles import PitchProfiles
from metrics.functional.triads import ChordFit, chord_fit, chords
from metrics.song_parts import NO_VOCAL
from songbench.domain.hashing import Json
from songbench.domain.held_pitch import LEAST_HELD, held_share
from songbench.domain.score import DOUBT, NotApplicable, Scores
from songbench.domain.song import Failure, Song
from songbench.plugin import READY, Availability, Feature, Features, Field, MetricCard, Verdict

LEAST_SECONDS = 1.0
"""Time with a pitch that a vocal must have."""

CHORD_FIT = MetricCard(
    name="chord_fit",
    backend="hpcp",
    version="1",
    fields=(
        Field(
            "chord_fit",
            unit="%",
            direction="higher",
            low=0,
            high=100,
            decimals=1,
            description="Share of the vocal's voiced time on a tone of the accompaniment's chord.",
        ),
        Field(
            "chord_fit_chance",
            unit="%",
            low=0,
            high=100,
            decimals=1,
            description="The same with the chords shifted in a circle: same key, other order.",
            headline=False,
            hears=(),
        ),
        Field(
            "chord_fit_key",
            unit="semitones",
            low=-5,
            high=6,
            decimals=1,
            description="By how much the vocal would have to go up to fit best.",
            headline=False,
            hears=(),
        ),
    ),
    summary="Whether the sung pitches are tones of the chords that the accompaniment plays at the same time.",
    limits=(
        "Chords are heard, not known: on 14 songs of the rule-based system, whose chords are plain triads, 91 % of"
        " the time was right (root: 96 %), and on these same songs two settings were chosen, so elsewhere it is less;"
        " richer harmony is folded into triads. Melodies pass through notes that"
        " belong to no chord, so 100 % is not wanted: the true accompaniments had 62 % (chance 40 %), those of other"
        " songs 28 % (27 %). All twelve keys of one melody have 25 % on average. A band that plays one chord with the"
        " melody's most frequent notes does well. Speech has a pitch and no melody: its figure stays near chance, and"
        " where less than half of the pitch is held like notes, the report says so beside it."
        " Pitches belong to the nearest semitone of A = 440 Hz; several voices at once, or a vocal with an"
        " accompaniment in it, have no single pitch."
    ),
    citation="HPCP: Gómez 2006; templates of triads: Fujishima, ICMC 1999; pitch: DIO and StoneMask of WORLD (Morise)",
    licence="Apache-2.0",
    tracks=("v2a",),
    hears=("pitch", "timing"),
    mono=True,
)


class ChordFitOfVocal:
    """A `SongMetric` of accompaniments; it needs no true one."""

    card = CHORD_FIT

    def __init__(self) -> None:
        """Cheap."""
        self._pitch, self._profiles = Pitch(), PitchProfiles()

    def availability(self) -> Availability:
        """Always ready."""
        return READY

    def score(self, songs: Sequence[Song], features: Features) -> Iterator[Verdict]:
        """One verdict per song; a silent accompaniment has 0 %."""
        for song in songs:
            if song.request.vocal is None:
                yield NotApplicable(NO_VOCAL)
                continue
            melody = features.of(self._pitch, [song.request.vocal])[0]
            if isinstance(melody, Failure):
                yield melody
            elif "unheard" in melody.data:
                yield NotApplicable(f"the vocal is {melody.data['unheard']}")
            elif np.count_nonzero(melody.arrays["hertz"]) * STEP < LEAST_SECONDS:
                yield NotApplicable("the vocal has less than 1 s of pitch")
            else:
                profiles = features.of(self._profiles, [song.source])[0]
                yield profiles if isinstance(profiles, Failure) else _scores(melody, profiles)


def _scores(melody: Feature, profiles: Feature) -> Scores:
    """The scores of a vocal with a pitch over an accompaniment."""
    audible = profiles.arrays["audible"].astype(bool)
    if not audible.any():
        reason = "the accompaniment is silent or shorter than 1 s"
        return Scores(values={"chord_fit": 0.0}, missing=dict.fromkeys(("chord_fit_chance", "chord_fit_key"), reason))
    hertz = melody.arrays["hertz"].astype(np.float64)
    result: ChordFit = chord_fit(hertz, STEP, chords(profiles.arrays["profiles"], audible))
    detail: dict[str, Json] = {"voiced_seconds": result.voiced}
    share = held_share(12 * np.log2(np.where(hertz > 0, hertz, np.nan)))
    if share is not None:
        detail["held_share"] = round(share, 3)
        if share < LEAST_HELD:
            detail[DOUBT] = "little of the vocal's pitch is held, as in speech"
    return Scores(
        values={
            "chord_fit": 100 * result.fit,
            "chord_fit_chance": 100 * result.chance,
            "chord_fit_key": float(result.key),
        },
        detail=detail,
    )


def chord_fit_hpcp() -> ChordFitOfVocal:
    """The entry point ``chord_fit@hpcp``."""
    return ChordFitOfVocal()
