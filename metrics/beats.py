"""Beat agreement: whether the accompaniment's beats are those of the true one, and those of the vocal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from metrics.features.onsets import Beats
from metrics.functional.beats import level_f1, tempo
from metrics.functional.onsets import BEAT_WINDOW, agreement, chance_agreement
from metrics.song_parts import Parts, parts_of, percentage, verdict
from songbench.domain.song import Failure, Song
from songbench.plugin import READY, Availability, Feature, Features, Field, MetricCard, Verdict

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


BEATS = MetricCard(
    name="beats",
    backend="librosa",
    version="1",
    fields=(
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
    ),
    summary="Whether the accompaniment's beats lie where those of the true accompaniment, and of the vocal, lie.",
    limits=(
        "Beats are found, not known, by a tracker that assumes one steady tempo and prefers 120 beats per minute: on 14"
        " songs of the rule-based system its beats of the band had an F1 of 73 % with the true ones (83 % where the"
        " metrical level is free; two songs of 14 were counted on the off-beat), its beats of the vocal alone 53 %. So"
        " beat_f1_vocal is weak evidence: 42 % for the true band, 26 % for that of another song. beat_f1_ref is 100 %"
        " for the truth itself and 25 % for that of another song. There are no downbeats: nothing here knows bars."
    ),
    citation="beat_track of librosa (McFee et al. 2015; Ellis, JNMR 2007), defaults; F1 as in mir_eval, of all beats",
    licence="ISC",
    tracks=("v2a",),
    hears=("timing",),
    mono=True,
    verified="F1 equal to mir_eval 0.8.2 on random lists (tests/metrics/test_onset_f1.py).",
)


class BeatAgreement:
    """A `SongMetric` of accompaniments."""

    card = BEATS

    def __init__(self) -> None:
        """Cheap."""
        self._beats = Beats()

    def availability(self) -> Availability:
        """Always ready."""
        return READY

    def score(self, songs: Sequence[Song], features: Features) -> Iterator[Verdict]:
        """One verdict per song; an accompaniment without beats has 0 %."""
        for song in songs:
            parts = parts_of(song, self._beats, features)
            yield parts if isinstance(parts, Failure) else self._verdict(parts)

    def _verdict(self, parts: Parts) -> Verdict:
        beats, seconds = parts.accompaniment.arrays["times"], parts.accompaniment.data["seconds"]
        assert isinstance(seconds, float)
        values: dict[str, float] = {}
        reasons: dict[str, str] = {}
        for name, part, title in (("ref", parts.truth, "true accompaniment"), ("vocal", parts.vocal, "vocal")):
            if isinstance(part, str) or len(part.arrays["times"]) < 2:
                reason = part if isinstance(part, str) else f"no beats were found in the {title}"
                reasons |= {field.name: reason for field in self.card.fields if f"_{name}" in field.name}
                continue
            values |= {f"beat_{field}": 100 * value for field, value in _figures(part, beats, seconds, name).items()}
        speed = tempo(beats)
        if values and speed is not None:
            values["tempo"] = speed
        reasons["tempo"] = "no beats were found in the accompaniment"
        return verdict(self.card, values, reasons)


def _figures(part: Feature, beats: npt.NDArray[np.generic], seconds: float, name: str) -> dict[str, float]:
    """F1 and its chance, 0 to 1, of an accompaniment's beats against those of truth or vocal, as `name` says."""
    reference = part.arrays["times"]
    figures = {
        f"f1_{name}": agreement(reference, beats, BEAT_WINDOW).f1,
        f"f1_{name}_chance": chance_agreement(reference, beats, seconds, BEAT_WINDOW).f1,
    }
    return {**figures, "f1_ref_level": level_f1(reference, beats)} if name == "ref" else figures


def beats_librosa() -> BeatAgreement:
    """The entry point ``beats@librosa``."""
    return BeatAgreement()
