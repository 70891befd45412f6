"""What simulated raters are drawn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

import numpy as np

from listening_test.analysis.power import TYPICAL_SPAN, typical
from listening_test.analysis.results import Components
from songbench.domain.errors import InputError

Careless: TypeAlias = Literal["random", "straight", "pattern", "impatient", "inverted"]
"""How a rater can be of no use.

- ``random``: any answer, each as likely as the others.
- ``straight``: nearly always the same answer.
- ``pattern``: a short series of answers, again and again.
- ``impatient``: listens no longer than needed and answers something near the middle.
- ``inverted``: listens, but takes the scale's bottom for its top, or picks the worse of two.
"""
CARELESS: tuple[Careless, ...] = get_args(Careless)

ANCHOR_LEVELS: Mapping[str, float] = {
    "lowpass-3500": 0.10,
    "lowpass-7000": 0.35,
    "mp3-64k": 0.45,
    "other-words": 0.25,
    "reference-song": 0.85,
    "reference": 0.97,
}
"""Where the anchors lie between the scale's bottom (0) and top (1). Assumed, as everything here."""


@dataclass(frozen=True, kw_only=True)
class Population:
    """Who answers and what they think. Values are in points of a scale with the lowest and highest value `scale_range`.

    Attributes:
        effects: the mean of each system and anchor over all raters and items, before rounding to points.
        scale_range: lowest and highest value of the scale the effects are on.
        components: standard deviations of normal effects.
        stable: share of the residual variance that is the rater's lasting opinion of the song: it is the same when the
            page comes again; the rest is drawn anew.
        slope: standard deviation of the logarithm of how widely raters use the scale.
        position: points in favour of the first slot of a page.
        fatigue: points lost between the first and the last page.
        tie: pairs: differences smaller than this, in points, are "no difference".
        both_bad: pairs: two songs both below this are "both bad"; None: nobody says so.
        not_applicable: chance to say that a question does not apply, where it may be said.
        slip: chance that an attentive rater misses what a trap's voice says.
        careless: share of raters, in [0, 1]; of n raters, the nearest whole number.
        kinds: of the careless ones, in turn.
        languages: of the pages and how common each is.
    """

    effects: Mapping[str, float]
    scale_range: tuple[float, float] = (1.0, 5.0)
    components: Components = field(default_factory=lambda: typical((1.0, 5.0)))
    stable: float = 0.5
    slope: float = 0.15
    position: float = 0.0
    fatigue: float = 0.1
    tie: float = 0.4
    both_bad: float | None = None
    not_applicable: float = 0.02
    slip: float = 0.01
    careless: float = 0.0
    kinds: Sequence[Careless] = CARELESS
    languages: Mapping[str, float] = field(default_factory=lambda: {"en": 1.0})

    def __post_init__(self) -> None:
        """Refuse shares outside [0, 1] and unknown kinds.

        Raises:
            InputError: naming the field.
        """
        for name in ("stable", "not_applicable", "slip", "careless"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"A share lies between 0 and 1, found {getattr(self, name)}.", field=name)
        for kind in self.kinds:
            if kind not in CARELESS:
                raise InputError("There is no such careless rater.", field="kinds", value=kind, allowed=CARELESS)

    def kinds_of(self, raters: int, rng: np.random.Generator) -> list[str]:
        """What each of n raters is: ``attentive`` or one of `kinds`, in random order."""
        count = round(self.careless * raters) if self.kinds else 0
        kinds: list[str] = [self.kinds[n % len(self.kinds)] for n in range(count)]
        kinds += ["attentive"] * (raters - count)
        return [kinds[n] for n in rng.permutation(raters)]


def level(name: str, scale_range: tuple[float, float]) -> float:
    """The assumed mean of an anchor or reference; the middle of the scale for anything else."""
    lowest, highest = scale_range
    return lowest + ANCHOR_LEVELS.get(name, 0.5) * (highest - lowest)


def spread_effects(systems: Sequence[str], scale_range: tuple[float, float], seed: int) -> dict[str, float]:
    """Means for systems of which nothing is known: evenly spaced about the middle, in an order drawn by the seed.

    Neighbours lie 0.4 points of a scale of 1 to 5 apart, less where they would not fit into its middle 60 %.
    """
    lowest, highest = scale_range
    span, count = highest - lowest, len(systems)
    step = min(0.4 / TYPICAL_SPAN, 0.6 / max(count - 1, 1)) * span
    values = (lowest + highest) / 2 + step * (np.arange(count) - (count - 1) / 2)
    order = np.random.default_rng([seed, 7]).permutation(count)
    return {name: round(float(values[place]), 3) for name, place in zip(systems, order, strict=True)}
