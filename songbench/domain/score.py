"""Numbers given to songs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from songbench.domain.errors import InputError
from songbench.domain.hashing import Json

DOUBT = "doubt"
"""In the detail of a song's scores: why to believe them less than others, as a clause that a report repeats."""


class ScoreError(InputError):
    """A score that is no finite number."""


@dataclass(frozen=True, kw_only=True)
class Scores:
    """What one metric says of one song, or a set metric of one system's songs.

    Attributes:
        values: one finite number per field of the metric's card, within the field's range.
        weights: per field, how much this song counts in the figure of its system (> 0, 1 where absent). Weighting an
            error rate by the number of phonemes gives the micro average: all errors over all phonemes.
        n: how many songs the values rest on (1 for a song metric).
        leave_one_out: set metrics only: for each prompt id, the values without that prompt's songs. The interval and
            the paired tests of a set metric come from them (jackknife).
        detail: counts and texts behind the values, for the record and for people who look closer.
        missing: for each field of the card that has no value here, why; a field is in `values` or in `missing`.
    """

    values: Mapping[str, float]
    weights: Mapping[str, float] = field(default_factory=dict)
    n: int = 1
    leave_one_out: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    detail: Mapping[str, Json] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """A NaN in a table is a hidden failure; refuse it at the door, where the traceback names the line."""
        for numbers in (self.values, self.weights):
            for name, value in numbers.items() if isinstance(numbers, (dict, Mapping)) else ():
                if isinstance(value, float) and not math.isfinite(value):
                    raise ScoreError(f"The score '{name}' is {value}; report NotApplicable or Failure instead.")

    @property
    def doubt(self) -> str:
        """What `DOUBT` in the detail says; "" where nothing does."""
        return str(self.detail.get(DOUBT) or "")

    def to_json(self) -> dict[str, Json]:
        """What is stored."""
        return {
            "values": dict(self.values),
            "weights": dict(self.weights),
            "n": self.n,
            "leave_one_out": {prompt: dict(values) for prompt, values in self.leave_one_out.items()},
            "detail": dict(self.detail),
            "missing": dict(self.missing),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Scores:
        """What was stored."""
        return cls(
            values=value["values"],
            weights=value["weights"],
            n=value["n"],
            leave_one_out=value["leave_one_out"],
            detail=value["detail"],
            missing=value.get("missing", {}),  # not in records of older versions
        )


@dataclass(frozen=True)
class NotApplicable:
    """The metric has nothing to say here, and why: no vocals to transcribe, no style prompt to compare with."""

    reason: str
