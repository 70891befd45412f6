"""How long sessions take and what the test will be able to tell apart, before any audio is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from listening_test.pages import SECONDS_PER_SCALE
from listening_test.preparation.checks import EXCERPT_SECONDS, NOISE_SECONDS, TONE_GAP_SECONDS, TONE_SECONDS
from listening_test.preparation.design import Design, ItemName, most_pages, treatments
from listening_test.preparation.session import repetitions
from listening_test.preparation.trials import per_page
from listening_test.protocol import Protocol
from songbench.domain.errors import InputError

SETTLING_SECONDS = 60.0
"""Consent, questions about the rater, volume: as in `pages.session_minutes`."""

CONFIDENCE, POWER = 0.95, 0.8
FEWEST = 2
"""Raters, and items: of one alone nothing can be said about others."""
_ASSUMED = f"{100 * POWER:.0f} % power at {100 * CONFIDENCE:.0f} % confidence, typical variances; a pilot's are better"


@dataclass(frozen=True)
class Lengths:
    """What is needed to tell how long a session takes, before any audio is made.

    Attributes:
        seconds: the length of each song's excerpt.
        references: whether a page has an open reference.
    """

    seconds: Mapping[tuple[ItemName, str], float]

    @property
    def mean(self) -> float:
        """Of all excerpts."""
        return sum(self.seconds.values()) / len(self.seconds)


def pages_per_seat(protocol: Protocol, design: Design, lengths: Lengths) -> int:
    """Test pages of each rater: as declared, else what fits into the minutes, at least one.

    What fits is rounded down to whole rounds of the systems (or pairs), where there is room for one round, so that
    every rater meets each equally often.

    Raises:
        InputError: when the protocol asks for more pages than there are different ones for a rater.
    """
    most, declared = most_pages(design), protocol.raters.pages
    if declared is not None:
        if declared > most:
            once = design.lyrics_once or design.form != "acr"
            raise InputError(
                f"A rater cannot have {declared} pages: there are {most} in which no lyric comes "
                f"{'twice' if once else 'twice with one system'}.",
                field="raters.pages",
                cure="Ask for fewer, take more prompts, or leave it out for as many as fit into raters.minutes.",
            )
        return declared
    fitting = next(
        (
            n
            for n in range(most, 1, -1)
            if session_seconds(protocol, design, lengths, n) <= 60 * protocol.raters.minutes
        ),
        1,
    )
    round_ = 1 if design.continuous else len(treatments(design))
    return fitting - fitting % round_ if fitting >= round_ else fitting


def session_seconds(protocol: Protocol, design: Design, lengths: Lengths, pages: int) -> float:
    """About how long a session with so many test pages takes, by the rule of `pages.session_minutes`."""
    checks = protocol.checks
    anchor_pages = 0 if design.continuous else len(checks.anchors)
    trials = pages + repetitions(checks.repeats, pages) + anchor_pages + checks.traps + checks.training
    tones = checks.headphone_check * (3 * TONE_SECONDS + 2 * TONE_GAP_SECONDS)
    sound = checks.sound_check * (NOISE_SECONDS + min(EXCERPT_SECONDS, lengths.mean))
    return SETTLING_SECONDS + tones + sound + trials * page_seconds(protocol, design, lengths)


def page_seconds(protocol: Protocol, design: Design, lengths: Lengths) -> float:
    """About how long a test page takes."""
    played = 2 if design.pairwise else 1
    if design.continuous:
        played = per_page(protocol, len(design.systems)) + len(protocol.checks.anchors) + (design.form == "mushra")
    answers = 1 if design.pairwise else played
    stimuli = played + (design.form == "mushra")
    return stimuli * lengths.mean + SECONDS_PER_SCALE * len(protocol.scales) * answers


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
    return f"{size} you can resolve {_resolution(protocol, row.resolvable)} ({_ASSUMED})."


def _widest(protocol: Protocol) -> float:
    """The largest difference that can be told; of a preference, one that rounds to all against none."""
    if protocol.form == "preference":
        return 0.495
    low, high = protocol.range(protocol.primary)
    return high - low


def _resolution(protocol: Protocol, resolvable: float) -> str:
    if protocol.form == "preference":
        return f"a preference of {50 + 100 * resolvable:.0f} % for one of two systems"
    if protocol.continuous:
        return f"{resolvable:.2g} of 100 points"
    low, high = protocol.range(protocol.primary)
    return f"{resolvable:.2g} points on the scale from {low:g} to {high:g}"
