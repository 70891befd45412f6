"""A seat's whole session: its test pages with anchors, traps and repetitions among them, practice before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from listening_test.preparation import checks
from listening_test.preparation.design import ItemName, Pages
from listening_test.preparation.ordering import RowsInTurn, place_between
from listening_test.preparation.trials import PlacedTrial, TrialPlan, Trials

TRAPS_PER_PLACE = 3
"""So many different traps are made for each that a rater meets: raters who talk do not give them all away."""


@dataclass(frozen=True)
class Session:
    """What one rater will meet.

    Attributes:
        practice: before the test.
        turns: the test.
        repeats: repetitions that found room.
    """

    practice: tuple[PlacedTrial, ...]
    turns: tuple[PlacedTrial, ...]
    repeats: int


class SessionPlanner:
    """Makes sessions; what is spread over raters is counted from one to the next.

    Args:
        trials: makes the pages.
        seats: how many sessions there will be.
    """

    def __init__(self, trials: Trials, seats: int) -> None:
        self._trials, self._checks = trials, trials.protocol.checks
        self._draw = Random(f"sessions {trials.protocol.seed}")
        self._rows: dict[int, RowsInTurn[int]] = {}
        self._met: Counter[tuple[str, ItemName]] = Counter()
        self._trap_counts: Counter[TrialPlan] = Counter()
        self._practice = trials.practice()
        self._traps = self._make_traps(seats)

    def session(self, pages: Pages) -> Session:
        """One rater's session around these test pages."""
        trials = self._trials
        turns = []
        for item, systems in pages:
            if trials.protocol.pairwise:
                first, second = sorted(systems)
                trial_plan = trials.test(item, (first, second))
                turns.append(PlacedTrial(trial_plan, (0, 1) if systems[0] == first else (1, 0)))
            else:
                trial_plan = trials.test(item, systems)
                turns.append(PlacedTrial(trial_plan, self._slots(trial_plan)))
        lyrics = Counter(item.prompt for item, _ in pages)
        extra = [*self._anchors(lyrics), *self._some_traps(lyrics)]
        self._draw.shuffle(extra)
        turns = self._with_extra(turns, [PlacedTrial(trial_plan, self._slots(trial_plan)) for trial_plan in extra])
        turns, repeats = self._with_repeats(turns, repetitions(trials.protocol.checks.repeats, len(pages)))
        practice = tuple(PlacedTrial(trial_plan, self._slots(trial_plan)) for trial_plan in self._practice)
        return Session(practice, tuple(turns), repeats)

    def _slots(self, trial_plan: TrialPlan) -> tuple[int, ...]:
        """An order of the clips; over pages and raters every clip is in every slot equally often."""
        count = len(trial_plan.clips)
        if count not in self._rows:
            self._rows[count] = RowsInTurn(range(count), self._draw)
        return tuple(self._rows[count].next())

    def _anchors(self, lyrics: Counter[str]) -> list[TrialPlan]:
        """A page per anchor, where an anchor has its own: of the rarest lyric of the session, then in turn."""
        if self._trials.protocol.continuous:
            return []
        trial_plans: list[TrialPlan] = []
        for name in self._checks.anchors:
            items = [item for item in self._trials.selection.songs if self._trials.anchor_clip(name, item)]
            self._draw.shuffle(items)
            item = min(items, key=lambda candidate: (lyrics[candidate.prompt], self._met[name, candidate]))
            trial_plan = self._trials.anchor(name, item)
            assert trial_plan is not None
            self._met[name, item] += 1
            lyrics[item.prompt] += 1
            trial_plans.append(trial_plan)
        return trial_plans

    def _make_traps(self, seats: int) -> list[TrialPlan]:
        """The traps there are, of different items, each answer asked for about equally often."""
        count = min(self._checks.traps * seats, self._checks.traps * TRAPS_PER_PLACE)
        if not count:
            return []
        items = [item for item in self._trials.selection.songs if self._fits(item)]
        self._draw.shuffle(items)
        protocol = self._trials.protocol
        answers = checks.asked_in_turn(checks.trap_answers(protocol, protocol.scales), count, self._draw)
        return [self._trials.trap(items[number % len(items)], answer) for number, answer in enumerate(answers)]

    def _fits(self, item: ItemName) -> bool:
        """Whether there are enough songs for an ordinary page."""
        return len(self._trials.selection.songs[item]) >= (1 if self._trials.protocol.form in ("acr", "mushra") else 2)

    def _some_traps(self, lyrics: Counter[str]) -> list[TrialPlan]:
        """A rater's traps: different answers where there are, the rarest lyric of the session, all traps in turn."""
        trial_plans: list[TrialPlan] = []
        waiting = self._draw.sample(self._traps, len(self._traps))
        while waiting and len(trial_plans) < self._checks.traps:
            expected = [trial_plan.expected for trial_plan in trial_plans]
            trial_plan = min(
                waiting,
                key=lambda candidate: (
                    expected.count(candidate.expected),
                    lyrics[candidate.item.prompt],
                    self._trap_counts[candidate],
                ),
            )
            waiting.remove(trial_plan)
            self._trap_counts[trial_plan] += 1
            lyrics[trial_plan.item.prompt] += 1
            trial_plans.append(trial_plan)
        return trial_plans

    def _with_extra(self, turns: list[PlacedTrial], extra: Sequence[PlacedTrial]) -> list[PlacedTrial]:
        """Anchors and traps at about equal distances, each at a drawn place, never first, not beside its own lyric."""
        result = list(turns)
        for number, turn in enumerate(extra):
            low, high = (len(turns) * (number + part) / len(extra) for part in (0, 1))
            near = round(self._draw.uniform(low, high)) + number
            index = place_between(_lyrics(result), turn.trial_plan.item.prompt, near, lambda index: index >= 1)
            result.insert(index, turn)
        return result

    def _with_repeats(self, turns: list[PlacedTrial], count: int) -> tuple[list[PlacedTrial], int]:
        """So many drawn test pages again, far enough behind; and how many found room."""
        result, again = list(turns), 0
        waiting = [turn for turn in turns if turn.trial_plan.kind == "test"]
        self._draw.shuffle(waiting)
        while again < count:
            places = [(turn, place) for turn in waiting if (place := self._late_place(result, turn)) is not None]
            if not places:
                break
            turn, place = next((one for one in places if not _beside(result, *one)), places[0])
            repetition = self._trials.repetition(turn.trial_plan)
            order = turn.order[::-1] if self._trials.protocol.pairwise else self._slots(repetition)
            result.insert(place, PlacedTrial(repetition, order))
            waiting.remove(turn)
            again += 1
        return result, again

    def _late_place(self, turns: Sequence[PlacedTrial], turn: PlacedTrial) -> int | None:
        """A drawn place far enough behind a page for its repetition, its lyric apart; None where there is none."""
        earliest = turns.index(turn) + self._checks.repeat_distance + 1
        if earliest > len(turns):
            return None
        near = self._draw.randint(earliest, len(turns))
        return place_between(_lyrics(turns), turn.trial_plan.item.prompt, near, lambda index: index >= earliest)


def _beside(turns: Sequence[PlacedTrial], turn: PlacedTrial, place: int) -> bool:
    """Whether a page inserted at a place would be beside its own lyric."""
    lyric = turn.trial_plan.item.prompt
    return any(neighbour.trial_plan.item.prompt == lyric for neighbour in turns[max(0, place - 1) : place + 1])


def repetitions(share: float, pages: int) -> int:
    """How many pages are wanted again: one at least, as long as any are."""
    return max(1, round(share * pages)) if share else 0


def _lyrics(turns: Sequence[PlacedTrial]) -> list[str]:
    return [turn.trial_plan.item.prompt for turn in turns]
