"""What a metric of the track ``v2a`` compares: the accompaniment a system gave, the true one, and the vocal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from songbench.domain.audio import AudioSource
from songbench.domain.hashing import Json
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure, Song
from songbench.plugin import Direction, Extractor, Feature, Features, Field, MetricCard

NO_TRUTH = "the prompt has no true accompaniment"
NO_VOCAL = "the prompt has no vocal"


@dataclass(frozen=True)
class Parts:
    """One feature of all three.

    Attributes:
        accompaniment: of what the system gave.
        truth: of the true accompaniment, or why there is nothing to compare with.
        vocal: of the vocal, likewise.
    """

    accompaniment: Feature
    truth: Feature | str
    vocal: Feature | str

    @property
    def comparable(self) -> bool:
        """Whether there is anything to compare with."""
        return isinstance(self.truth, Feature) or isinstance(self.vocal, Feature)


def percentage(name: str, description: str, *, headline: bool = False, direction: Direction = "higher") -> Field:
    """A field in percent; levels to compare with have no direction and hear nothing."""
    return Field(
        name,
        unit="%",
        direction=direction,
        low=0,
        high=100,
        decimals=1,
        description=description,
        headline=headline,
        hears=() if direction == "none" else None,
    )


def parts_of(song: Song, extractor: Extractor, features: Features) -> Parts | Failure:
    """The feature of each; a `Failure` where that of the accompaniment cannot be derived.

    An accompaniment that is silent or too short to hear is one all the same, with nothing in it; a true accompaniment
    or a vocal like that is nothing to compare with. An extractor says so in ``unheard``.
    """
    accompaniment = features.of(extractor, [song.source])[0]
    if isinstance(accompaniment, Failure):
        return accompaniment
    truth = _counterpart("true accompaniment", song.request.reference, extractor, features)
    vocal = _counterpart("vocal", song.request.vocal, extractor, features)
    return Parts(accompaniment, truth or NO_TRUTH, vocal or NO_VOCAL)


def verdict(
    card: MetricCard,
    values: Mapping[str, float],
    reasons: Mapping[str, str],
    detail: Mapping[str, Json] | None = None,
) -> Scores | NotApplicable:
    """The scores of a song, with a reason for each field without a value; not applicable where no field has one.

    Args:
        card: of the metric.
        values: by field.
        reasons: by the fields that have no value.
        detail: for the record.
    """
    missing = {field.name: reasons[field.name] for field in card.fields if field.name not in values}
    if not values:
        return NotApplicable("; ".join(dict.fromkeys(missing.values())))
    return Scores(values=values, missing=missing, detail=detail or {})


def _counterpart(name: str, source: AudioSource | None, extractor: Extractor, features: Features) -> Feature | str:
    """The feature of the vocal or the true accompaniment, or why it has none; "" where there is no audio."""
    if source is None:
        return ""
    feature = features.of(extractor, [source])[0]
    if isinstance(feature, Failure):
        return f"the {name}: {feature.cause}"
    return f"the {name} is {feature.data['unheard']}" if "unheard" in feature.data else feature
