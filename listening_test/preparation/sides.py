"""Which song of a pair is heard first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random

from listening_test.preparation.design import ItemName, Page, Pages


def with_sides(seats: Sequence[Pages], draw: Random) -> tuple[Pages, ...]:
    """Turn pairs so that each is heard in both orders equally often, give or take one.

    First by each rater, then over all raters, then for each item; then each rater hears each system as A about as often
    as as B. What is still open is drawn.
    """
    overall: Counter[tuple[str, ...]] = Counter()
    by_item: Counter[tuple[ItemName, tuple[str, ...]]] = Counter()
    turned = []
    for pages in seats:
        own: Counter[tuple[str, ...]] = Counter()
        first: Counter[str] = Counter()
        result = []
        for item, (one, two) in pages:
            pair = (one, two)
            lead = (own[pair], overall[pair], by_item[item, pair], first[one] - first[two])
            sign = next((-1 if excess > 0 else 1 for excess in lead if excess), None) or draw.choice((1, -1))
            for count in (own, overall):
                count[pair] += sign
            by_item[item, pair] += sign
            first[one] += sign
            first[two] -= sign
            result.append(Page(item, pair if sign > 0 else (two, one)))
        turned.append(tuple(result))
    return tuple(turned)
