"""What the test will be able to tell apart, before anyone has listened."""

from __future__ import annotations

from listening_test.protocol import Protocol

CONFIDENCE, POWER = 0.95, 0.8
FEWEST = 2
"""Raters, and items: of one alone nothing can be said about others."""
_ASSUMED = f"{POWER:.0%} power at {CONFIDENCE:.0%} confidence, typical variances; a pilot's are better"


def statement(protocol: Protocol, *, raters: int, items: int, pages: int, systems: int, per_page: int = 1) -> str:
    """One sentence for people: the smallest difference that is found with 80 % power.

    Args:
        protocol: its form and range.
        raters: planned.
        items: prompts; takes and excerpts of one prompt resemble each other.
        pages: test pages per rater.
        systems: that are compared.
        per_page: systems on a page, for the continuous forms.
    """
    if systems < 2:
        return "One system: there is no difference to be found; the interval of its mean is in the report."
    if raters < FEWEST or items < FEWEST:
        return "With one rater, or one song of each system, nothing can be said about others."
    from listening_test.analysis.power import plan_table

    row = plan_table(
        form=protocol.form,
        items=items,
        systems=systems,
        scale_range=protocol.range(protocol.primary),
        raters=(raters,),
        pages=(pages,),
        per_page=per_page,
        confidence=CONFIDENCE,
        power=POWER,
    )[0]
    size = f"With {raters} raters of {pages} {'page' if pages == 1 else 'pages'} each"
    if row.resolvable >= _widest(protocol):
        return f"{size} no difference that the scale has room for would be found reliably ({_ASSUMED}): plan more."
    return f"{size} you can resolve {_found(protocol, row.resolvable)} ({_ASSUMED})."


def _widest(protocol: Protocol) -> float:
    """The largest difference that can be told; of a preference, one that rounds to all against none."""
    if protocol.form == "preference":
        return 0.495
    low, high = protocol.range(protocol.primary)
    return high - low


def _found(protocol: Protocol, resolvable: float) -> str:
    if protocol.form == "preference":
        return f"a preference of {50 + 100 * resolvable:.0f} % for one of two systems"
    if protocol.continuous:
        return f"{resolvable:.2g} of 100 points"
    low, high = protocol.range(protocol.primary)
    return f"{resolvable:.2g} points on the scale from {low:g} to {high:g}"
