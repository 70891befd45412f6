"""Which pairs a protocol declares, Holm's correction over them, and what follows for letters and ranks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from listening_test.protocol import Protocol
from songbench import statistics

Pair = tuple[str, str]


class Standing(NamedTuple):
    """Where a system stands among the others.

    Attributes:
        rank: best and worst rank that the significant differences allow; None where nothing was tested.
        group: letters; systems that share one do not differ significantly; "" where nothing was tested.
    """

    rank: tuple[int, int] | None
    group: str


def level(protocol: Protocol) -> float:
    """Below which an adjusted p is significant."""
    return round(1 - protocol.analysis.confidence, 12)


def declared(protocol: Protocol, pair: Pair) -> bool:
    """Whether the protocol asks about this pair, in either order."""
    pairs = protocol.analysis.pairs
    return pairs == "all" or pair in pairs or (pair[1], pair[0]) in pairs


def adjusted(protocol: Protocol, p: Mapping[Pair, float]) -> dict[Pair, float]:
    """Holm over the declared pairs that could be tested; NaN for the others."""
    family = [pair for pair, one in p.items() if declared(protocol, pair) and not math.isnan(one)]
    corrected = dict(zip(family, statistics.holm([p[pair] for pair in family]), strict=True))
    return {pair: float(corrected.get(pair, math.nan)) for pair in p}


def standings(
    order: Sequence[str], p_adjusted: Mapping[Pair, float], advantage: Mapping[Pair, float], limit: float
) -> dict[str, Standing]:
    """Letters and ranks.

    Args:
        order: systems from best to worst.
        p_adjusted: per pair; NaN: not tested.
        advantage: per pair, above 0 when its first is better.
        limit: significant is p below it.
    """
    if not any(not math.isnan(one) for one in p_adjusted.values()):
        return {name: Standing(None, "") for name in order}
    place = {name: number for number, name in enumerate(order)}
    matrix = np.full((len(order), len(order)), np.nan)
    better = np.zeros_like(matrix, dtype=bool)
    for (first, second), p in p_adjusted.items():
        i, j = place[first], place[second]
        matrix[i, j] = matrix[j, i] = p
        if p < limit:
            ahead = (i, j) if advantage[first, second] > 0 else (j, i)
            better[ahead] = True
    letters, ranks = statistics.compact_letters(matrix, level=limit), statistics.rank_ranges(better)
    return {name: Standing(ranks[n], letters[n]) for n, name in enumerate(order)}
