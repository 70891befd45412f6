"""The controlled damage that metrics are validated with: what is done to a song, how much, and what that should change.

The system ``damaged`` does it; ``songbench validate-metrics`` compares what metrics say with what is declared here.
"""

from __future__ import annotations

from collections.abc import Mapping

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
    """

    name: str
    summary: str
    strengths: tuple[str, str, str, str]
    harms: tuple[str, ...]
    touches: tuple[str, ...] = ()


class _Table(Schema):
    damages: tuple[Damage, ...]


DAMAGES: Mapping[str, Damage] = {
    damage.name: damage for damage in read_table("songbench.domain", "damages.yaml", _Table).damages
}
"""Every damage by name, in the order of tables."""

STRENGTHS = (1, 2, 3, 4)
"""0 stands for the undamaged song."""
