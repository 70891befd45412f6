"""How numbers, agreement and rules are put into words, the same in every output."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from listening_test.protocol import Protocol
from songbench.reporting.estimates import Estimate

SIMULATED = "SIMULATED"
"""Stands in every heading, figure and row of a report on answers that a program gave."""
NONE = "–"
"""Where there is no number."""


def number(value: float | None, decimals: int = 2) -> str:
    """A number with so many decimals, never ``-0.00``; a dash for None and NaN."""
    if value is None or value != value:
        return NONE
    text = f"{value:.{decimals}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def interval(value: float | None, low: float | None, high: float | None, decimals: int = 2) -> str:
    """``3.91 [3.60, 4.20]``, without brackets where there is no interval."""
    bounds = f" [{number(low, decimals)}, {number(high, decimals)}]" if None not in (low, high) and low == low else ""
    return number(value, decimals) + bounds


def estimated(figure: Estimate, decimals: int = 2) -> str:
    """A figure with its interval."""
    return interval(figure.value, figure.low, figure.high, decimals)


def p_value(p: float) -> str:
    """Three decimals, ``<0.001`` below them, a dash for NaN."""
    return NONE if p != p else "<0.001" if p < 0.001 else f"{p:.3f}"


def percent(share: float | None) -> str:
    """A share of one as a percentage."""
    return NONE if share is None or share != share else f"{100 * share:.0f} %"


def ranks(rank: tuple[int, int] | None) -> str:
    """``2`` or ``1–3``."""
    if rank is None:
        return ""
    return str(rank[0]) if rank[0] == rank[1] else f"{rank[0]}–{rank[1]}"


def strength_of(protocol: Protocol) -> str:
    """What the strength of a system is, for forms that compare."""
    return "mean answer against the other systems" if protocol.form == "ccr" else "log-odds of being preferred"


def decimals_of(protocol: Protocol) -> int:
    """One for scales of 0 to 100, two for the others."""
    return 1 if protocol.continuous else 2


def date_of(seconds: float | None) -> str:
    """``2026-01-31`` in UTC; "" for None."""
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")


def joined(names: Sequence[str], most: int = 6) -> str:
    """``a, b and c``; from `most` on: ``a, b … and 7 more``."""
    if len(names) > most:
        return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def counted(n: int, noun: str) -> str:
    """``1 rater``, ``3 raters``."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


_ALPHA = (
    *((0.0, "do not agree at all"), (0.2, "hardly agree"), (0.4, "agree weakly")),
    *((0.667, "agree moderately"), (0.8, "agree well")),
)


def alpha_in_words(alpha: float) -> str:
    """How well raters agree; .667 and .8 are Krippendorff's (2004) limits for tentative and firm conclusions."""
    return next((word for limit, word in _ALPHA if alpha < limit), "agree very well")


RULES = {
    "traps_wrong": "more than {} wrong traps",
    "headphones_correct": "fewer than {} right answers in the headphone check",
    "repeat_deviation": "first and second answers that differ by clearly more than {} of the scale on average",
    "minimum_sd": "a standard deviation of all answers below {} of the scale",
    "side_bias": "more than {} of the decisions for the same side",
    "anchor_violations": "more than {} of the anchors rated above the rater's own mean, or preferred to songs",
    "agreement": "a correlation with the others below {} and clearly below the median rater's",
    "reference_below_90": "the hidden reference below 90 on more than {} of the pages",
    "anchor_above_90": "the lower anchor above 90 on more than {} of the pages",
    "incomplete": "fewer than {} of the test pages answered",
}


def screening_rules(protocol: Protocol) -> list[str]:
    """The declared rules that are applied: for what a rater is left out."""
    applicable = {"reference_below_90": protocol.form == "mushra", "anchor_above_90": protocol.form == "mushra"}
    applicable["side_bias"] = protocol.pairwise
    rules = []
    for name, text in RULES.items():
        limit = getattr(protocol.screening, name)
        if limit is not None and applicable.get(name, True):
            share = isinstance(limit, float) and name != "agreement"
            rules.append(text.format(f"{100 * limit:g} %" if share else f"{limit:g}"))
    return rules
