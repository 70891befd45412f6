"""Which pairs a protocol declares, and Holm's correction over them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from listening_test.protocol import Protocol
from songbench import statistics
from songbench.statistics import Pair


def level(protocol: Protocol) -> float:
    """Below which an adjusted p is significant."""
    return round(1 - protocol.analysis.confidence, 12)


def declared(protocol: Protocol, pair: Pair) -> bool:
    """Whether the protocol asks about this pair, in either order."""
    pairs = protocol.analysis.pairs
    return pairs == "all" or pair in pairs or (pair[1], pair[0]) in pairs


def adjusted(protocol: Protocol, p: Mapping[Pair, float]) -> dict[Pair, float]:
    """Holm over the declared pairs that could be tested; NaN for the others."""
    family = [pair for pair, value in p.items() if declared(protocol, pair) and not math.isnan(value)]
    corrected = dict(zip(family, statistics.holm([p[pair] for pair in family]), strict=True))
    return {pair: float(corrected.get(pair, math.nan)) for pair in p}
