"""Beat agreement: whether the accompaniment's beats are those of the true one, and those of the vocal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from metrics.features.onsets import Beats
from metrics.features.packages import installed
from metrics.functional.beats import level_f1, tempo
from metrics.functional.onsets import BEAT_WINDOW, agreement, chance_agreement
from metrics.song_parts import Parts, parts_of, percentage, verdict
from songbench.domain.song import Failure, Song
from songbench.plugin import READY, Availability, Extractor, Feature, Features, Field, MetricCard, Verdict
from songbench.resources import weights
from songbench.resources.weights import Weights

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


FIELDS = (
    percentage("beat_f1_ref", "F1 of beats within 70 ms of those of the true accompaniment.", headline=True),
    percentage("beat_f1_ref_level", "The same where counting twice or half as fast is no error."),
    percentage("beat_f1_ref_chance", "beat_f1_ref of the same beats shifted in a circle.", direction="none"),
    percentage("beat_f1_vocal", "F1 of beats within 70 ms of those found in the vocal alone."),
    percentage("beat_f1_vocal_chance", "beat_f1_vocal of the same beats shifted in a circle.", direction="none"),
    Field(
        "tempo",
        unit="bpm",
        low=0,
        high=None,
        decimals=0,
        description="Beats per minute of the accompaniment, as found.",
        headline=False,
        hears=(),
    ),
)
"""Of every tracker of beats."""

BEATS = MetricCard(
    name="beats",
    backend="librosa",
    version="1",
    fields=FIELDS,
    summary="Whether the accompaniment's beats lie where those of the true accompaniment, and of the vocal, lie.",
    limits=(
        "Beats are found, not known, by a tracker that assumes one steady tempo and prefers 120 beats per minute: on 14"
        " songs of the rule-based system its beats of the band had an F1 of 73 % with the true ones (83 % where the"
        " metrical level is free; two songs of 14 were counted on the off-beat), its beats of the vocal alone 53 %. So"
        " beat_f1_vocal is weak evidence: 42 % for the true band, 26 % for that of another song. beat_f1_ref is 100 %"
        " for the truth itself and 25 % for that of another song. There are no downbeats: nothing here knows bars, as"
        " beats@beat-this does."
    ),
    citation="beat_track of librosa (McFee et al. 2015; Ellis, JNMR 2007), defaults; F1 as in mir_eval, of all beats",
    licence="ISC",
    tracks=("v2a",),
    hears=("timing",),
    mono=True,
    verified="F1 equal to mir_eval 0.8.2 on random lists (tests/metrics/test_onset_f1.py).",
)


@dataclass(frozen=True, kw_only=True)
class BeatAgreement:
    """A `SongMetric` of accompaniments.

    Attributes:
        card: what it is; with fields of downbeats where the tracker finds some.
        tracker: gives ``times`` of all beats, and ``downbeats`` where `downbeats` says so.
        downbeats: whether it tells which beats begin a bar.
        package: that the tracker runs on, by its name in an import statement and the extra that brings it; None: none
            that is optional.
        models: the weights it needs.
    """

    card: MetricCard = BEATS
    tracker: Extractor = field(default_factory=Beats)
    downbeats: bool = False
    package: tuple[str, str] | None = None
    models: tuple[Weights, ...] = ()

    def availability(self) -> Availability:
        """Ready when package and weights are here."""
        package = installed(*self.package) if self.package else READY
        states = (package, *map(weights.availability, self.models))
        return next((state for state in states if not state.ready), READY)

    def score(self, songs: Sequence[Song], features: Features) -> Iterator[Verdict]:
        """One verdict per song; an accompaniment without beats has 0 %."""
        for song in songs:
            parts = parts_of(song, self.tracker, features)
            yield parts if isinstance(parts, Failure) else self._verdict(parts)

    def _verdict(self, parts: Parts) -> Verdict:
        values: dict[str, float] = {}
        reasons: dict[str, str] = {}
        kinds = {"beat": "times", "downbeat": "downbeats"} if self.downbeats else {"beat": "times"}
        for name, part, title in (("ref", parts.truth, "true accompaniment"), ("vocal", parts.vocal, "vocal")):
            for kind, array in kinds.items():
                start = f"{kind}_f1_{name}"
                if isinstance(part, str) or len(part.arrays[array]) < 2:
                    reason = part if isinstance(part, str) else f"fewer than two {kind}s were found in the {title}"
                    reasons |= {one.name: reason for one in self.card.fields if one.name.startswith(start)}
                    continue
                values |= _figures(start, part.arrays[array], parts.accompaniment, array)
                if start == "beat_f1_ref":
                    beats = parts.accompaniment.arrays[array]
                    values[f"{start}_level"] = 100 * level_f1(part.arrays[array], beats)
        speed = tempo(parts.accompaniment.arrays["times"])
        if values and speed is not None:
            values["tempo"] = speed
        reasons["tempo"] = "no beats were found in the accompaniment"
        return verdict(self.card, values, reasons)


def _figures(start: str, reference: npt.NDArray[np.generic], accompaniment: Feature, array: str) -> dict[str, float]:
    """F1 and its chance in percent, under names with this start, of an accompaniment's times against a reference's."""
    times, seconds = accompaniment.arrays[array], accompaniment.data["seconds"]
    assert isinstance(seconds, float)
    return {
        start: 100 * agreement(reference, times, BEAT_WINDOW).f1,
        f"{start}_chance": 100 * chance_agreement(reference, times, seconds, BEAT_WINDOW).f1,
    }


def beats_librosa() -> BeatAgreement:
    """The entry point ``beats@librosa``."""
    return BeatAgreement()
