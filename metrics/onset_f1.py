"""Onset F1: whether the accompaniment's notes begin when those of the true one do, and when the vocal's syllables do.

Two questions and two fields, never merged. Papers report one number and do not say which; a comparison with the truth
fits theirs best.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from metrics.features.onsets import Onsets
from metrics.functional.onsets import agreement, chance_agreement
from metrics.song_parts import Parts, parts_of, percentage, verdict
from songbench.domain.score import NotApplicable
from songbench.domain.song import Failure, Song
from songbench.plugin import READY, Availability, Feature, Features, Field, MetricCard, Verdict

ONSET_F1 = MetricCard(
    name="onset_f1",
    backend="librosa",
    version="1",
    fields=(
        percentage("onset_f1_ref", "F1 of onsets within 50 ms of those of the true accompaniment.", headline=True),
        percentage("onset_f1_vocal", "F1 of onsets within 50 ms of those of the vocal.", headline=True),
        percentage("onset_recall_vocal", "Share of the vocal's onsets that the accompaniment has one within 50 ms of."),
        percentage("onset_f1_ref_chance", "onset_f1_ref of the same onsets shifted in a circle.", direction="none"),
        percentage("onset_f1_vocal_chance", "onset_f1_vocal of the same onsets shifted in a circle.", direction="none"),
        percentage(
            "onset_recall_vocal_chance", "onset_recall_vocal of the same onsets shifted in a circle.", direction="none"
        ),
        Field(
            "onset_density",
            unit="1/s",
            low=0,
            high=None,
            decimals=2,
            description="Onsets of the accompaniment per second.",
            headline=False,
            hears=(),
        ),
    ),
    summary="Whether the accompaniment's onsets lie where those of the true accompaniment, and of the vocal, lie.",
    limits=(
        "Chance is far from 0: two dense tracks agree by accident. On 14 songs of the rule-based system the true"
        " accompaniment has 100 % against itself and 50 % against the vocal, that of another song 43 % and 34 %; on 8"
        " excerpts of real and generated music two systems on one song agreed to 62 %, unrelated songs to 37 %. Read"
        " each field with its chance, which keeps the density and breaks the order. Another tempo, subdivision or drum"
        " pattern lowers onset_f1_ref, and none of them is wrong; a copy of the vocal has the best onset_f1_vocal (see"
        " vocal_leakage), and a band need not play on each syllable. Not comparable with numbers in papers, whose"
        " definition is unknown."
    ),
    citation=(
        "onset_detect of librosa (McFee et al. 2015) with its defaults at 22.05 kHz; matching as in mir_eval (Raffel et"
        " al. 2014)"
    ),
    licence="ISC",
    tracks=("v2a",),
    hears=("timing",),
    mono=True,
    verified="Equal to mir_eval 0.8.2 on random lists and on made-up music (tests/metrics/test_onset_f1.py).",
)


class OnsetF1:
    """A `SongMetric` of accompaniments."""

    card = ONSET_F1

    def __init__(self) -> None:
        """Cheap."""
        self._onsets = Onsets()

    def availability(self) -> Availability:
        """Always ready."""
        return READY

    def score(self, songs: Sequence[Song], features: Features) -> Iterator[Verdict]:
        """One verdict per song; an accompaniment without onsets has 0 %."""
        for song in songs:
            parts = parts_of(song, self._onsets, features)
            yield parts if isinstance(parts, Failure) else self._verdict(parts)

    def _verdict(self, parts: Parts) -> Verdict:
        times = parts.accompaniment.arrays["times"]
        seconds = parts.accompaniment.data["seconds"]
        assert isinstance(seconds, float)
        values: dict[str, float] = {}
        reasons: dict[str, str] = {}
        densities = {"accompaniment": _density(parts.accompaniment)}
        for name, part, title in (("ref", parts.truth, "true accompaniment"), ("vocal", parts.vocal, "vocal")):
            fields = [field.name for field in self.card.fields if f"_{name}" in field.name]
            if not isinstance(part, Feature) or not len(part.arrays["times"]):
                reason = part if isinstance(part, str) else f"the {title} has no onsets"
                reasons |= dict.fromkeys(fields, reason)
                continue
            densities[title] = _density(part)
            match = agreement(part.arrays["times"], times)
            chance = chance_agreement(part.arrays["times"], times, seconds)
            values |= {f"onset_f1_{name}": 100 * match.f1, f"onset_f1_{name}_chance": 100 * chance.f1}
            if name == "vocal":
                values |= {"onset_recall_vocal": 100 * match.recall, "onset_recall_vocal_chance": 100 * chance.recall}
        if not values:
            return NotApplicable("; ".join(dict.fromkeys(reasons.values())))
        values["onset_density"] = densities["accompaniment"]
        return verdict(self.card, values, reasons, {"onsets_per_second": dict(densities)})


def _density(feature: Feature) -> float:
    """Onsets per second of the audio, whose duration is above 0."""
    seconds = feature.data["seconds"]
    assert isinstance(seconds, float)
    return len(feature.arrays["times"]) / seconds if seconds > 0 else 0.0


def onset_f1_librosa() -> OnsetF1:
    """The entry point ``onset_f1@librosa``."""
    return OnsetF1()
