"""What a rater meets, page by page, and what the browser is told of each page.

Both are pure functions of the prepared test, the seat and the page's number, so a session can go on after a reload, a
crash of the server or on another device. Nothing a page says depends on the key.

A page as the browser gets it (JSON)::

    {"page": 7, "pages": 31, "kind": "trial", "form": "acr", "practice": false,
     "trial": 4, "trials": 24,                                # progress within the test pages
     "item": {"lyrics": "…", "style": "…", "prompt": PLAYER | null},
     "reference": PLAYER | null,                              # mushra
     "stimuli": [PLAYER, …],                                  # slots A, B, C … in this order
     "scales": [{"id", "label", "question", "points": [{"value": 1, "label": "Bad"}, …], "not_applicable": true}, …],
     "minimum": {"seconds": 10.0, "share": 0.0}, "comments": true}

with PLAYER ``{"slot": "A", "url": "…", "seconds": 24.1, "peaks": [0 … 100]}``. The other kinds::

    {"kind": "consent", "title", "text", "contact", "languages": ["en", "zh"], "minutes": 18, "trials": 24}
    {"kind": "background", "questions": [{"id", "label", "options": [{"value", "label"}, …]}, …]}
    {"kind": "sound", "stimuli": [PLAYER]}
    {"kind": "headphones", "stimuli": [PLAYER, …]}            # each: which of three tones is quietest
    {"kind": "break"}
    {"kind": "thanks"}                                        # the host adds "code"

Each also has ``page`` and ``pages``. Texts that every test shares (buttons, hints, the standard consent) are not part
of a page: they are in ``front_end/wording/LANGUAGE.yaml``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias
from weakref import WeakKeyDictionary

from listening_test.prepared import PreparedTest, Seat, Step, Trial
from listening_test.protocol import Protocol, Question, Scale
from listening_test.protocol.model import localized
from songbench.domain.checking import Schema
from songbench.domain.tables import read_table

PageKind: TypeAlias = Literal["consent", "background", "sound", "headphones", "trial", "break", "thanks"]
SLOTS = "ABCDEFGHIJKLMN"
REFERENCE, PROMPT, VOCAL = "R", "P", "V"
"""Slots of the open reference, of the style sample and of the vocal alone."""

BESIDE = (PROMPT, VOCAL)
"""Slots of what may be played and need not."""

SECONDS_PER_SCALE = 4.0
"""Time allowed per question when the length of a session is estimated; to be replaced by a pilot's."""


class _Background(Schema):
    questions: tuple[Question, ...]


STANDARD_BACKGROUND = read_table("listening_test.protocol", "background.yaml", _Background).questions
"""The questions about a rater where a protocol says nothing else."""


@dataclass(frozen=True)
class PageRef:
    """One page of a session.

    Attributes:
        kind: see the module.
        step: the trial, for ``trial`` pages.
        practice: whether it is a practice page.
        number: 1-based among the test's own pages; 0 for others.
    """

    kind: PageKind
    step: Step | None = None
    practice: bool = False
    number: int = 0


_SESSIONS: WeakKeyDictionary[PreparedTest, dict[int, tuple[PageRef, ...]]] = WeakKeyDictionary()


def session_pages(test: PreparedTest, seat: int) -> tuple[PageRef, ...]:
    """Every page of the rater in this seat, from consent to thanks; made once per seat, as every answer asks for it."""
    sessions, number = _SESSIONS.setdefault(test, {}), seat % len(test.seats)
    if number not in sessions:
        sessions[number] = _session_pages(test, test.seats[number])
    return sessions[number]


def _session_pages(test: PreparedTest, seat_plan: Seat) -> tuple[PageRef, ...]:
    checks = test.protocol.checks
    pages = [PageRef("consent")]
    if background(test.protocol):
        pages.append(PageRef("background"))
    if test.sound_check:
        pages.append(PageRef("sound"))
    if test.headphone_check:
        pages.append(PageRef("headphones"))
    pages += [PageRef("trial", step, practice=True) for step in seat_plan.practice]
    for number, step in enumerate(seat_plan.steps, start=1):
        if checks.break_every and number > 1 and (number - 1) % checks.break_every == 0:
            pages.append(PageRef("break"))
        pages.append(PageRef("trial", step, number=number))
    return (*pages, PageRef("thanks"))


def background(protocol: Protocol) -> tuple[Question, ...]:
    """The questions about the rater."""
    return STANDARD_BACKGROUND if protocol.background is None else protocol.background


def slots(test: PreparedTest, page: PageRef, language: str) -> dict[str, str]:
    """Slot → stimulus of everything that can be played on a page."""
    if page.kind == "sound" and test.sound_check:
        return {SLOTS[0]: test.sound_check}
    if page.kind == "headphones":
        return dict(zip(SLOTS, test.headphone_check, strict=False))
    if page.step is None:
        return {}
    trial = test.trials[page.step.trial]
    spoken = trial.spoken.get(language) or next(iter(trial.spoken.values()), {})
    stimuli = {slot: spoken.get(stimulus, stimulus) for slot, stimulus in zip(SLOTS, page.step.order, strict=False)}
    if trial.reference:
        stimuli[REFERENCE] = trial.reference
    prompt = test.items[trial.item].prompt_audio if trial.item else None
    beside = {PROMPT: prompt, VOCAL: trial.vocal}
    return stimuli | {slot: stimulus for slot, stimulus in beside.items() if stimulus}


def scales_of(test: PreparedTest, trial: Trial) -> tuple[Scale, ...]:
    """The questions of a trial, in the protocol's order."""
    return tuple(scale for scale in test.protocol.scales if scale.id in trial.scales)


def needed_seconds(protocol: Protocol, seconds: float) -> float:
    """How much of a stimulus of this length has to be heard before it is rated."""
    listening = protocol.listening
    return min(seconds, max(listening.minimum_seconds, listening.minimum_share * seconds))


def session_minutes(test: PreparedTest, seat: int) -> float:
    """How long a session takes when everything is heard once and answered without hurry, in minutes."""
    total = 60.0  # consent, background, sound check
    for page in session_pages(test, seat):
        stimuli = [name for slot, name in slots(test, page, "en").items() if slot not in BESIDE]
        total += sum(test.stimuli[name].seconds for name in stimuli)
        if page.step:
            trial = test.trials[page.step.trial]
            total += SECONDS_PER_SCALE * len(trial.scales) * (1 if test.protocol.pairwise else len(trial.stimuli))
    return total / 60


def public_page(
    test: PreparedTest, seat: int, index: int, language: str, audio_url: Callable[[str, str], str]
) -> dict[str, Any]:
    """What the browser is told of page `index` (0-based).

    Args:
        test: the public half.
        seat: of the rater.
        index: 0 for the consent page.
        language: of the page.
        audio_url: from a slot and the id of its stimulus to where the browser gets it; the server's hides the id.
    """
    pages = session_pages(test, seat)
    page = pages[index]
    players = {
        slot: {
            "slot": slot,
            "url": audio_url(slot, name),
            "seconds": test.stimuli[name].seconds,
            "peaks": list(test.stimuli[name].peaks),
        }
        for slot, name in slots(test, page, language).items()
    }
    content: dict[str, Any] = {"page": index, "pages": len(pages), "kind": page.kind}
    tests = sum(one.number > 0 for one in pages)
    if page.kind == "consent":
        protocol = test.protocol
        content |= {
            "title": localized(protocol.title, language),
            "text": localized(protocol.consent, language),
            "contact": protocol.contact,
            "languages": list(protocol.languages),
            "minutes": max(1, round(session_minutes(test, seat))),
            "trials": tests,
        }
    elif page.kind == "background":
        content["questions"] = [_question(one, language) for one in background(test.protocol)]
    elif page.step is not None:
        content |= _trial(test, page, language, players) | {"trials": tests}
    elif players:
        content["stimuli"] = list(players.values())
    return content


def _trial(test: PreparedTest, page: PageRef, language: str, players: Mapping[str, Any]) -> dict[str, Any]:
    assert page.step is not None
    trial = test.trials[page.step.trial]
    item = test.items[trial.item] if trial.item else None
    listening = test.protocol.listening
    return {
        "form": test.protocol.form,
        "practice": page.practice,
        "trial": page.number,
        "item": {
            "lyrics": item.lyrics if item else "",
            "style": item.style if item else "",
            "prompt": players.get(PROMPT),
            "vocal": players.get(VOCAL),
        },
        "reference": players.get(REFERENCE),
        "stimuli": [player for slot, player in players.items() if slot not in (REFERENCE, *BESIDE)],
        "scales": [_scale(scale, language) for scale in scales_of(test, trial)],
        "minimum": {"seconds": listening.minimum_seconds, "share": listening.minimum_share},
        "comments": listening.comments,
    }


def _scale(scale: Scale, language: str) -> dict[str, Any]:
    return {
        "id": scale.id,
        "label": localized(scale.label, language),
        "question": localized(scale.question, language),
        "points": [
            {"value": value, "label": localized(text, language)} for value, text in sorted(scale.points.items())
        ],
        "not_applicable": scale.not_applicable,
    }


def _question(question: Question, language: str) -> dict[str, Any]:
    return {
        "id": question.id,
        "label": localized(question.label, language),
        "options": [{"value": name, "label": localized(text, language)} for name, text in question.options.items()],
    }
