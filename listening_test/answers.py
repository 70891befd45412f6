"""What a browser may send back, and what is kept of it: one check, before the database and before a bundle's import.

The answer to a ``trial`` page (JSON)::

    {"ratings": [{"slot": "A", "scale": "MUS-V", "answer": "4"}, …],
     "plays":   [{"slot": "A", "ranges": [[0.0, 24.1]], "starts": 1, "seeks": 0}, …],
     "comment": "", "seconds": 41.2}

``answer`` is always text: ``"1"`` … ``"5"`` for ``acr``; ``"-3"`` … ``"3"`` for ``ccr``; ``"0"`` … ``"100"`` for the
continuous forms; ``"A"``, ``"B"``, ``"tie"``, ``"both_bad"`` for ``preference``; ``"na"`` where a scale allows it.
Answers about a pair have the slot ``"AB"``. ``ranges`` are the parts heard, in seconds of the stimulus; ``seconds`` is
the time on the page. The other kinds::

    consent      {"agree": true, "device": "…"}               # what the browser says of itself; kept with the rater
    background   {"answers": {"training": "3-5", …}}          # any question may be left out
    sound        {}
    headphones   {"choices": [1, 3, 2, …]}                    # 1 to 3, one per stimulus
    break        {}
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from listening_test.pages import (
    BESIDE,
    REFERENCE,
    PageRef,
    background,
    needed_seconds,
    scales_of,
    session_pages,
    slots,
)
from listening_test.prepared import PreparedTest
from listening_test.protocol import Scale

PAIR = "AB"
"""The slot of answers about two songs."""
NOT_APPLICABLE = "na"
PREFERENCES = ("A", "B", "tie", "both_bad")
LONGEST_COMMENT = 2000
MOST_RANGES = 1000
_SLACK = 0.5
"""Seconds that the parts heard may fall short of what is needed: players report their place a few times a second."""

Refusal: TypeAlias = Literal["malformed", "consent", "unrated", "unheard", "comment", "finished"]
"""Why an answer is not taken; the front end has a text for each in every language."""


class RefusedAnswerError(ValueError):
    """An answer that is not taken; nothing of it is kept.

    Args:
        code: for the rater.
        detail: for the log.
        slot: which player it is about, if any.
    """

    def __init__(self, code: Refusal, detail: str, slot: str = "") -> None:
        """Keep the parts."""
        super().__init__(f"{code}: {detail}")
        self.code: Refusal = code
        self.detail, self.slot = detail, slot


def accept(test: PreparedTest, seat: int, index: int, language: str, payload: object) -> dict[str, Any]:
    """Check an answer and give what is kept of it, in canonical form.

    Args:
        test: the public half.
        seat: of the rater.
        index: of the page, 0-based.
        language: of the page.
        payload: what the browser sent; nothing of it is trusted.

    Raises:
        RefusedAnswerError: for anything that is not a whole and possible answer to this page.
    """
    pages = session_pages(test, seat)
    if not 0 <= index < len(pages):
        raise RefusedAnswerError("malformed", f"there is no page {index}")
    page = pages[index]
    if not isinstance(payload, Mapping):
        raise RefusedAnswerError("malformed", "expected an object")
    if page.kind == "consent":
        if payload.get("agree") is not True:
            raise RefusedAnswerError("consent", "no consent")
        return {"agree": True}
    if page.kind == "background":
        return {"answers": _background(test, payload.get("answers"))}
    if page.kind == "headphones":
        return {"choices": _choices(payload.get("choices"), len(test.headphone_check))}
    if page.kind == "trial":
        return _trial(test, page, language, payload)
    if page.kind == "thanks":
        raise RefusedAnswerError("finished", "nothing is asked on the last page")
    return {}


def _background(test: PreparedTest, payload: object) -> dict[str, str]:
    if not isinstance(payload, Mapping):
        raise RefusedAnswerError("malformed", "expected answers by question")
    questions = {one.id: one.options for one in background(test.protocol)}
    for name, value in payload.items():
        if not isinstance(name, str) or not isinstance(value, str) or value not in questions.get(name, {}):
            raise RefusedAnswerError("malformed", "unknown question or option")
    return {name: payload[name] for name in questions if name in payload}


def _choices(payload: object, count: int) -> list[int]:
    if (
        not isinstance(payload, Sequence)
        or len(payload) != count
        or any(type(one) is not int or one not in (1, 2, 3) for one in payload)
    ):
        raise RefusedAnswerError("unrated", f"expected {count} choices of 1 to 3")
    return list(payload)


def _trial(test: PreparedTest, page: PageRef, language: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    assert page.step is not None
    comment = payload.get("comment", "")
    if (
        not isinstance(comment, str)
        or len(comment) > LONGEST_COMMENT
        or (comment and not test.protocol.listening.comments)
    ):
        raise RefusedAnswerError("comment", f"at most {LONGEST_COMMENT} characters")
    playable = slots(test, page, language)
    plays = _plays(payload.get("plays"), {slot: test.stimuli[one].seconds for slot, one in playable.items()})
    judged = [slot for slot in playable if slot not in (REFERENCE, *BESIDE)]
    for slot in [*judged, *([REFERENCE] if REFERENCE in playable else [])]:
        seconds = test.stimuli[playable[slot]].seconds
        seconds_heard = heard_seconds(plays[slot]["ranges"]) if slot in plays else 0.0
        if seconds_heard < needed_seconds(test.protocol, seconds) - _SLACK:
            raise RefusedAnswerError("unheard", f"{slot}: {seconds_heard:.1f} s heard", slot)
    scales = scales_of(test, test.trials[page.step.trial])
    ratings = _ratings(test, scales, [PAIR] if test.protocol.pairwise else judged, payload.get("ratings"))
    return {
        "ratings": ratings,
        "plays": [{"slot": slot, **play} for slot, play in plays.items()],
        "comment": "".join(c if c.isprintable() or c == "\n" else " " * c.isspace() for c in comment),
        "seconds": _number(payload.get("seconds", 0.0), 0.0, 86400.0),
    }


def _plays(payload: object, lengths: Mapping[str, float]) -> dict[str, dict[str, Any]]:
    if not isinstance(payload, Sequence) or isinstance(payload, str) or len(payload) > len(lengths):
        raise RefusedAnswerError("malformed", "expected a list of plays")
    plays: dict[str, dict[str, Any]] = {}
    for play in payload:
        slot = play.get("slot") if isinstance(play, Mapping) else None
        if not isinstance(slot, str) or slot not in lengths or slot in plays:
            raise RefusedAnswerError("malformed", "unknown or repeated slot in plays")
        ranges = play.get("ranges", [])
        if not isinstance(ranges, Sequence) or isinstance(ranges, str) or len(ranges) > MOST_RANGES:
            raise RefusedAnswerError("malformed", "ranges")
        plays[slot] = {
            "ranges": _merged(_range(one, lengths[slot]) for one in ranges),
            "starts": int(_number(play.get("starts", 0), 0, 1e6)),
            "seeks": int(_number(play.get("seeks", 0), 0, 1e6)),
        }
    return plays


def _range(payload: object, length: float) -> tuple[float, float]:
    if not isinstance(payload, Sequence) or isinstance(payload, str) or len(payload) != 2:
        raise RefusedAnswerError("malformed", "a range is [from, to]")
    start, end = (_number(one, 0.0, length + 1.0) for one in payload)
    if end < start:
        raise RefusedAnswerError("malformed", "a range ends before it begins")
    return min(start, length), min(end, length)


def _merged(ranges: Iterable[tuple[float, float]]) -> list[list[float]]:
    merged: list[list[float]] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    return [[round(start, 2), round(end, 2)] for start, end in merged]


def heard_seconds(ranges: Iterable[Sequence[float]]) -> float:
    """How much of a stimulus was heard at least once, in seconds, from ranges that do not overlap."""
    return float(sum(end - start for start, end in ranges))


def _ratings(
    test: PreparedTest, scales: Sequence[Scale], judged: Sequence[str], payload: object
) -> list[dict[str, str]]:
    if not isinstance(payload, Sequence) or isinstance(payload, str) or len(payload) > len(scales) * len(judged):
        raise RefusedAnswerError("malformed", "expected a list of ratings")
    answers: dict[tuple[str, str], str] = {}
    by_id = {scale.id: scale for scale in scales}
    for rating in payload:
        if not isinstance(rating, Mapping):
            raise RefusedAnswerError("malformed", "a rating is an object")
        slot, name = rating.get("slot"), rating.get("scale")
        if (
            not isinstance(slot, str)
            or not isinstance(name, str)
            or slot not in judged
            or name not in by_id
            or (slot, name) in answers
        ):
            raise RefusedAnswerError("malformed", "unknown or repeated slot and scale")
        answers[slot, name] = canonical(test, by_id[name], rating.get("answer"))
    missing = [(slot, scale.id) for slot in judged for scale in scales if (slot, scale.id) not in answers]
    if missing:
        raise RefusedAnswerError("unrated", f"{missing[0][0]} {missing[0][1]}", missing[0][0])
    return [{"slot": slot, "scale": scale.id, "answer": answers[slot, scale.id]} for slot in judged for scale in scales]


def canonical(test: PreparedTest, scale: Scale, answer: object) -> str:
    """The one way an answer is written.

    Raises:
        RefusedAnswerError: for what is not an answer on this scale.
    """
    text = answer if isinstance(answer, str) and len(answer) <= 16 else ""
    if text == NOT_APPLICABLE and scale.not_applicable:
        return text
    if test.protocol.form == "preference":
        if text in PREFERENCES:
            return text
    elif test.protocol.continuous:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if 0 <= value <= 100:
            return f"{round(value, 1):g}"
    elif text in {str(point) for point in scale.points}:
        return text
    raise RefusedAnswerError("malformed", f"not an answer on {scale.id}")


def _number(payload: object, low: float, high: float) -> float:
    if isinstance(payload, bool) or not isinstance(payload, int | float) or not low <= payload <= high:
        raise RefusedAnswerError("malformed", "expected a number within its range")
    return float(payload)
