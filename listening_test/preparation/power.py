"""What the test will be able to tell apart, before anyone has listened."""

from __future__ import annotations

from listening_test.protocol import Protocol

CONFIDENCE, POWER = 0.95, 0.8


FEWEST = 2
"""Raters, and items: of one alone nothing can be said about others."""


def statement(protocol: Protocol, *, raters: int, items: int, pages: int, systems: int, per_page: int = 1) -> str:
    """One sentence for people: the smallest difference that is found with 80 % power.

    Args:
        protocol: its form and range.
        raters: planned.
        items: prompts times excerpts times takes.
        pages: test pages per rater.
        systems: that are compared.
        per_page: systems on a page, for the continuous forms.
    """
    if systems < 2:
        return "One system: there is no difference to be found; the interval of its mean is in the report."
    if raters < FEWEST or items < FEWEST:
        return "With one rater, or one song of each system, nothing can be said about others."
    told = f"With {raters} raters of {pages} pages each you can resolve"
    if protocol.pairwise:
        from listening_test.analysis.power import resolvable_preference

        share = resolvable_preference(
            raters=raters, items=items, pages=pages, systems=systems, confidence=CONFIDENCE, power=POWER
        )
        return f"{told} a preference of {50 + 100 * share:.0f} % for one of two systems ({_assumed()})."
    from listening_test.analysis.power import resolvable_difference

    low, high = protocol.range(protocol.primary)
    points = resolvable_difference(
        raters=raters,
        items=items,
        pages=pages,
        systems=systems,
        scale_range=(low, high),
        confidence=CONFIDENCE,
        power=POWER,
        per_page=per_page,
    )
    unit = "of 100 points" if protocol.continuous else f"points on the scale from {low:g} to {high:g}"
    return f"{told} {points:.2g} {unit} ({_assumed()})."


def _assumed() -> str:
    return f"{POWER:.0%} power at {CONFIDENCE:.0%} confidence, typical variances; a pilot's are better"
