"""The controlled damage that metrics are validated with: what is done to a song, how much, and what that should change.

The system ``damaged`` does it; ``songbench validate-metrics`` compares what metrics say with what is declared here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from songbench.domain.checking import Schema
from songbench.domain.tables import read_table


class Damage(Schema):
    """One way to damage a song, in four strengths.

    Attributes:
        name: as in ``damaged:NAME-STRENGTH``.
        summary: what is done, one sentence.
        strengths: the four strengths, for people, mildest first.
        harms: the `songbench.contracts.cards.ASPECTS` it surely makes worse: a metric that hears one of them and does
            not react is blind.
        touches: aspects it may change besides: a metric that hears only these may react or not.
        tracks: the tracks whose songs it is done to (`songbench.domain.prompt.TRACKS`).
    """

    name: str
    summary: str
    strengths: tuple[str, str, str, str]
    harms: tuple[str, ...]
    touches: tuple[str, ...] = ()
    tracks: tuple[str, ...] = ("song",)


@dataclass(frozen=True)
class Validated:
    """Songs to damage.

    Attributes:
        suite: the suite they are made for.
        base: the system that makes them.
    """

    suite: str
    base: str


def damages_of(track: str) -> list[str]:
    """The names of the damages of a track, in the order of tables."""
    return [damage.name for damage in DAMAGES.values() if track in damage.tracks]


class _Table(Schema):
    damages: tuple[Damage, ...]


DAMAGES: Mapping[str, Damage] = {
    damage.name: damage for damage in read_table("songbench.domain", "damages.yaml", _Table).damages
}
"""Every damage by name, in the order of tables."""

VALIDATED: Mapping[str, Validated] = {
    "song": Validated("validation", "rulebased"),
    "v2a": Validated("v2a-demo", "oracle"),
}
"""What ``songbench validate-metrics`` damages in each track, where nothing else is named."""

STRENGTHS = (1, 2, 3, 4)
"""0 stands for the undamaged song."""
