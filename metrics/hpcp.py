"""HPCP similarity: whether the accompaniment sounds the pitch classes of the true one, and of the vocal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from metrics.features.profiles import PitchProfiles
from metrics.functional.pitch_profiles import best_transposition, chance_similarity, frame_similarity, mean_similarity
from metrics.song_parts import Parts, parts_of, verdict
from songbench.domain.song import Failure, Song
from songbench.plugin import READY, Availability, Feature, Features, Field, MetricCard, Verdict

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def _cosine(name: str, description: str, *, headline: bool = False) -> Field:
    return Field(
        name,
        unit="%",
        direction="higher",
        low=0,
        high=100,
        decimals=1,
        description=description,
        headline=headline,
    )


def _chance(name: str, description: str) -> Field:
    return replace(_cosine(name, description), direction="none", hears=())


def _transposition(name: str, description: str) -> Field:
    return Field(
        name,
        unit="semitones",
        direction="none",
        low=-5,
        high=6,
        decimals=1,
        description=description,
        headline=False,
        hears=(),
    )


HPCP = MetricCard(
    name="hpcp",
    backend="own",
    version="2",
    fields=(
        _cosine("hpcp_frame_ref", "Mean cosine of profiles by moments, with the true accompaniment.", headline=True),
        _cosine("hpcp_frame_vocal", "The same with the vocal, where it sounds.", headline=True),
        _chance("hpcp_frame_ref_chance", "hpcp_frame_ref of the same profiles shifted in a circle."),
        _chance("hpcp_frame_vocal_chance", "hpcp_frame_vocal of the same profiles shifted in a circle."),
        _cosine("hpcp_mean_ref", "Cosine of the mean profiles, with the true accompaniment."),
        _cosine("hpcp_mean_vocal", "The same with the vocal."),
        _transposition("hpcp_key_ref", "By how much the accompaniment lies above the truth where both agree best."),
        _transposition("hpcp_key_vocal", "The same with the vocal."),
    ),
    summary="Whether the accompaniment sounds the pitch classes of the true accompaniment, and of the vocal.",
    limits=(
        "Pitch classes, not chords: drums and noise count too. Another good harmony lowers the figure as much as a"
        " wrong one. On 14 songs of the rule-based system the true accompaniment has 100 % against itself and 45 %"
        " against the vocal, that of another song 33 % and 31 %: read figures beside those of shuffled_band and"
        " oracle. The mean profiles, which papers seem to compare, hardly tell songs apart: on 8 excerpts of real and"
        " generated music two systems on one song had 96 %, unrelated songs 74 %; by moments 60 and 30 %. The cosine"
        " favours what sounds all classes alike: white noise has 48 % and 46 %, no less than a true accompaniment"
        " against the vocal, and is told from it by its chance alone. A copy of the vocal has the best"
        " hpcp_frame_vocal (see vocal_leakage). No transposition is undone; hpcp_key_… says which would fit best, 0"
        " where none does better."
    ),
    citation="HPCP: Gómez, INFORMS Journal on Computing 2006, with the parameters of essentia",
    licence="Apache-2.0",
    tracks=("v2a",),
    hears=("pitch",),
    mono=True,
    verified="Profiles equal essentia 2.1b6's within 1e-3 on ten songs (results/hpcp_essentia).",
)


class HpcpSimilarity:
    """A `SongMetric` of accompaniments."""

    card = HPCP

    def __init__(self) -> None:
        """Cheap."""
        self._profiles = PitchProfiles()

    def availability(self) -> Availability:
        """Always ready."""
        return READY

    def score(self, songs: Sequence[Song], features: Features) -> Iterator[Verdict]:
        """One verdict per song; moments in which the accompaniment is silent count 0."""
        for song in songs:
            parts = parts_of(song, self._profiles, features)
            yield parts if isinstance(parts, Failure) else self._verdict(parts)

    def _verdict(self, parts: Parts) -> Verdict:
        values: dict[str, float] = {}
        reasons: dict[str, str] = {}
        for name, part in (("ref", parts.truth), ("vocal", parts.vocal)):
            fields = [field.name for field in self.card.fields if f"_{name}" in field.name]
            if isinstance(part, Feature):
                similarities = _similarities(part, parts.accompaniment)
                values |= {field.format(name): value for field, value in similarities.items()}
                reasons |= dict.fromkeys(fields, "the accompaniment is silent or shorter than 1 s")
            else:
                reasons |= dict.fromkeys(fields, part)
        return verdict(self.card, values, reasons)


def _similarities(audible_part: Feature, accompaniment: Feature) -> dict[str, float]:
    """The figures of an accompaniment against something audible, by their fields with a gap for what that is.

    One without an audible moment has only the first, 0.
    """
    profiles, audible = _profiles(audible_part)
    judged, sounding = _profiles(accompaniment)
    if not sounding.any():
        return {"hpcp_frame_{}": 0.0}
    judged = judged * sounding[:, None]
    return {
        "hpcp_frame_{}": 100 * frame_similarity(profiles, audible, judged),
        "hpcp_frame_{}_chance": 100 * chance_similarity(profiles, audible, judged),
        "hpcp_mean_{}": 100 * mean_similarity(profiles[audible], judged[sounding]),
        "hpcp_key_{}": float(best_transposition(profiles, audible, judged)),
    }


def _profiles(feature: Feature) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Profiles, shape (frames, 12), and which of them are audible, shape (frames,)."""
    return feature.arrays["profiles"].astype("float64"), feature.arrays["audible"].astype(bool)


def hpcp_own() -> HpcpSimilarity:
    """The entry point ``hpcp@own``."""
    return HpcpSimilarity()
