"""Whole sessions of simulated raters: page by page, as a browser would send them and the server would keep them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from listening_test.answer_sheets import AnswerSheet, Entry
from listening_test.answers import NOT_APPLICABLE, PAIR, accept
from listening_test.pages import (
    PROMPT,
    REFERENCE,
    SLOTS,
    PageRef,
    background,
    needed_seconds,
    scales_of,
    session_pages,
    slots,
)
from listening_test.prepared import PreparedKey, PreparedTest, TrialKey
from listening_test.protocol import Scale
from listening_test.simulation.population import Population
from listening_test.simulation.raters import SimulatedRaters, decided, on_scale

SIMULATED = "simulated-"
"""Every rater's name begins with it."""
FIRST_DAY = 1.7e9
"""When the first simulated rater came, in seconds since 1970; the others follow an hour apart."""
HEARS = 0.95
"""Chance that an attentive rater with headphones is right about one trial of the headphone check."""
_LISTENS = ("attentive", "inverted")


def simulate(
    test: PreparedTest, key: PreparedKey, population: Population, seed: int, *, raters: int = 12
) -> list[AnswerSheet]:
    """Let simulated raters take a prepared test.

    Every page is answered through `answers.accept`, so nothing is kept that a browser could not have sent.

    Args:
        test: the public half.
        key: the other half; it says which song is whose.
        population: what raters are drawn from; names that its effects lack have the level of an anchor, or the middle.
        seed: of everything; the same seed gives the same sheets.
        raters: how many come; they take the seats in turn, more than once where there are more raters than seats.
    """
    items = _items(key)
    panel = SimulatedRaters(
        population,
        raters=raters,
        items=max(len(items), 1),
        songs=sorted({effect_name(key, stimulus) for stimulus in key.stimuli}),
        scales=len(test.protocol.scales),
        seed=seed,
    )
    return [
        _Session(test=test, key=key, panel=panel, items=items, rater=rater, seed=seed).sheet()
        for rater in range(raters)
    ]


def effect_name(key: PreparedKey, stimulus: str) -> str:
    """The name of a stimulus in `Population.effects`: the anchor's, else the system's, else its role."""
    stimulus_key = key.stimuli[stimulus]
    return stimulus_key.anchor or stimulus_key.system or stimulus_key.role


def _items(key: PreparedKey) -> dict[tuple[str, int], int]:
    items = sorted({(one.prompt or "", one.take) for one in key.trials.values()})
    return {item: number for number, item in enumerate(items)}


@dataclass(eq=False, kw_only=True)
class _Session:
    test: PreparedTest
    key: PreparedKey
    panel: SimulatedRaters
    items: Mapping[tuple[str, int], int]
    rater: int
    seed: int
    answers: int = field(default=0, init=False)
    """Answers so far."""

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng([self.seed, 2, self.rater])
        self.listens = self.panel.kinds[self.rater] in _LISTENS
        shares = {
            name: share
            for name, share in self.panel.population.languages.items()
            if name in self.test.protocol.languages
        } or {self.test.protocol.languages[0]: 1.0}
        weights = np.array(list(shares.values())) / sum(shares.values())
        self.seat = self.rater % len(self.test.seats)
        self.language = str(self.rng.choice(list(shares), p=weights))

    def sheet(self) -> AnswerSheet:
        started = clock = FIRST_DAY + 3600.0 * self.rater
        entries = []
        pages = session_pages(self.test, self.seat)
        for index, page in enumerate(pages[:-1]):
            answer = self._answer(page, page.number / len(pages))
            accepted = accept(self.test, self.seat, index, self.language, answer)
            served, clock = clock, clock + float(answer.get("seconds", self.rng.uniform(5, 20)))
            entries.append(Entry(index, accepted, round(served, 2), round(clock, 2)))
        return AnswerSheet(
            test=self.test.digest(),
            rater=f"{SIMULATED}{self.rater + 1:03d}",
            seat=self.seat,
            language=self.language,
            started=started,
            finished=round(clock, 2),
            device="a program, not a person",
            entries=tuple(entries),
        )

    def _answer(self, page: PageRef, progress: float) -> dict[str, Any]:
        if page.kind == "consent":
            return {"agree": True}
        if page.kind == "background":
            questions = background(self.test.protocol)
            return {"answers": {one.id: str(self.rng.choice(list(one.options))) for one in questions}}
        if page.kind == "headphones":
            return {"choices": [self._choice(right) for right in self.key.headphone_answers]}
        return self._trial(page, progress) if page.step is not None else {}

    def _choice(self, right: int) -> int:
        if self.listens and self.rng.random() < HEARS:
            return right
        return int(self.rng.integers(1, 4))

    def _trial(self, page: PageRef, progress: float) -> dict[str, Any]:
        assert page.step is not None
        trial, key = self.test.trials[page.step.trial], self.key.trials[page.step.trial]
        judged = dict(zip(SLOTS, page.step.order, strict=False))
        scales = scales_of(self.test, trial)
        if key.kind == "trap" and self.listens and self.rng.random() >= self.panel.population.slip:
            ratings = self._obeyed(key, judged, scales)
        elif self.test.protocol.pairwise:
            ratings = self._compared(key, judged, scales, progress)
        else:
            ratings = self._rated(key, judged, scales, progress)
        plays = self._plays(slots(self.test, page, self.language))
        seconds_played = sum(end - start for play in plays for start, end in play["ranges"])
        seconds = round(seconds_played + float(self.rng.lognormal(1.2, 0.4)) * len(ratings), 1)
        return {"ratings": ratings, "plays": plays, "comment": "", "seconds": seconds}

    def _obeyed(self, key: TrialKey, judged: Mapping[str, str], scales: tuple[Scale, ...]) -> list[dict[str, str]]:
        """A trap answered as its voice says; what it does not ask about gets the middle of the scale."""
        expected = key.expected or ""
        if self.test.protocol.pairwise:
            return [_rating(PAIR, scale, expected) for scale in scales]
        return [
            _rating(slot, scale, expected if key.expected_of in (None, stimulus) else "50")
            for slot, stimulus in judged.items()
            for scale in scales
        ]

    def _opinions(self, key: TrialKey, stimuli: list[str], scale: int, progress: float) -> np.ndarray:
        """What the rater thinks of each stimulus, shape (stimuli,)."""
        count = len(stimuli)
        places = [self.panel.places[effect_name(self.key, one)] for one in stimuli]
        item = self.items[key.prompt or "", key.take]
        return self.panel.opinions(
            np.full(count, self.rater),
            np.full(count, item),
            np.array(places),
            np.full(count, scale),
            np.full(count, progress),
        )

    def _numbers(self, count: int) -> np.ndarray:
        """The numbers of the session's next answers, shape (count,)."""
        self.answers += count
        return np.arange(self.answers - count, self.answers)

    def _rated(
        self, key: TrialKey, judged: Mapping[str, str], scales: tuple[Scale, ...], progress: float
    ) -> list[dict[str, str]]:
        population, ratings = self.panel.population, []
        for scale in scales:
            limits = self.test.protocol.range(scale.id)
            opinions = self._opinions(key, list(judged.values()), self._number_of(scale), progress)
            opinions[0] += population.position
            stretched = _moved(opinions, population.scale_range, limits)
            stretched = np.where(
                self._recognised(judged), limits[1] - np.abs(self.rng.normal(0, 2, len(judged))), stretched
            )
            values = self.panel.answered(self.rater, self._numbers(len(opinions)), stretched, limits)
            for slot, value in zip(judged, on_scale(values, limits), strict=True):
                answer = NOT_APPLICABLE if self._passes(scale) else f"{value:g}"
                ratings.append(_rating(slot, scale, answer))
        return ratings

    def _recognised(self, judged: Mapping[str, str]) -> np.ndarray:
        """Which songs are known for the hidden reference, beside the open one: by those who listen, nearly always.

        Shape (stimuli,).
        """
        hidden = [self.key.stimuli[one].role == "reference" for one in judged.values()]
        return np.array(hidden) & self.listens & (self.rng.random(len(hidden)) < HEARS)

    def _compared(
        self, key: TrialKey, judged: Mapping[str, str], scales: tuple[Scale, ...], progress: float
    ) -> list[dict[str, str]]:
        ratings = []
        for scale in scales:
            first, second = self._opinions(key, list(judged.values()), self._number_of(scale), progress)
            answer = NOT_APPLICABLE if self._passes(scale) else self._preferred(float(first), float(second), scale)
            ratings.append(_rating(PAIR, scale, answer))
        return ratings

    def _preferred(self, first: float, second: float, scale: Scale) -> str:
        population, limits = self.panel.population, self.test.protocol.range(scale.id)
        ahead = np.array([second - first - population.position])
        if self.test.protocol.form == "preference":
            if self.listens and population.both_bad is not None and max(first, second) < population.both_bad:
                return "both_bad"
            ahead = decided(ahead, population.tie)
        value = on_scale(self.panel.answered(self.rater, self._numbers(1), ahead, limits), limits)[0]
        if self.test.protocol.form == "preference":
            return {-1: "A", 0: "tie", 1: "B"}[int(value)]
        return str(int(value))

    def _number_of(self, scale: Scale) -> int:
        return [one.id for one in self.test.protocol.scales].index(scale.id)

    def _passes(self, scale: Scale) -> bool:
        return scale.not_applicable and self.rng.random() < self.panel.population.not_applicable

    def _plays(self, playable: Mapping[str, str]) -> list[dict[str, Any]]:
        """Attentive raters hear more than they must, now and then in two goes; the others stop as soon as they may."""
        plays = []
        for slot, stimulus in playable.items():
            if slot == PROMPT and not self.listens:
                continue
            length = self.test.stimuli[stimulus].seconds
            least = needed_seconds(self.test.protocol, length)
            end = max(least, length * float(self.rng.uniform(0.5, 1.0))) if self.listens else least
            again = self.listens and slot != REFERENCE and self.rng.random() < 0.2
            ranges = [[0.0, round(end, 2)]]
            if again:
                start = round(float(self.rng.uniform(0, length)), 2)
                ranges.append([start, round(length, 2)])
            plays.append({"slot": slot, "ranges": ranges, "starts": len(ranges), "seeks": len(ranges) - 1})
        return plays


def _rating(slot: str, scale: Scale, answer: str) -> dict[str, str]:
    return {"slot": slot, "scale": scale.id, "answer": answer}


def _moved(values: np.ndarray, source: tuple[float, float], target: tuple[float, float]) -> np.ndarray:
    """From one scale to another, bottom to bottom and top to top. Any shape."""
    factor = (target[1] - target[0]) / (source[1] - source[0])
    moved: np.ndarray = target[0] + (values - source[0]) * factor
    return moved
