"""When a declared check ends a session, and whom a panel should pay.

Two questions that must not be mixed up. Screening asks whose answers count; most of its rules are statistics, and an
unusual taste is no reason to withhold pay. Only the spoken instruction of a trap is a request that was plainly made and
plainly not followed: failing it is what panels accept as a reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeAlias

from listening_test.check_answers import CheckAnswers
from listening_test.pages import PageRef
from listening_test.protocol.model import Screening

Decision: TypeAlias = Literal["approve", "reject", "screened out", "return", "wait"]
"""``return``: left before the end, so ask for the submission to be returned; ``wait``: still under way."""


def fails_headphones(rules: Screening, checks: CheckAnswers, answer: Mapping[str, Any]) -> bool:
    """Whether an answer to the headphone check falls below the declared limit."""
    limit = rules.headphones_correct
    return limit is not None and bool(checks.headphones) and checks.headphones_right(answer) < limit


def traps_wrong(checks: CheckAnswers, answered: Iterable[tuple[PageRef, Mapping[str, Any]]]) -> int:
    """How many traps were answered otherwise than asked.

    Args:
        checks: of the test.
        answered: pages of one rater with their answers.
    """
    return sum(
        not checks.traps[page.step.trial].is_right(page.step.order, answer["ratings"])
        for page, answer in answered
        if page.step is not None and not page.practice and page.step.trial in checks.traps
    )


def fails_traps(rules: Screening, wrong: int) -> bool:
    """Whether so many wrong traps are more than the declared limit."""
    return rules.traps_wrong is not None and wrong > rules.traps_wrong
