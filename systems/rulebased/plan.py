"""How long everything lasts: tempo, sections and the slot of each line, fitted to the wanted duration."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from systems.rulebased.syllables import Syllable, SyllableLine

BAR = 4
"""Beats per bar."""

_BREATH_SECONDS = 0.45
_COMFORTABLE_SECONDS = 0.34
_LEAST_SECONDS = 0.2


@dataclass(frozen=True)
class Part:
    """A section to be placed.

    Attributes:
        tag: section tag.
        lines: what is sung; empty for instrumental sections.
        seconds: wanted length of a section without lines.
    """

    tag: str
    lines: tuple[SyllableLine, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class Slot:
    """The beats that belong to one line; its singing ends early enough to breathe."""

    line: SyllableLine
    start: float
    beats: int


@dataclass(frozen=True)
class PlacedSection:
    """A section in time.

    Attributes:
        tag: section tag.
        start: first beat, counted from the song's start.
        beats: length; whole even beats, except for silence.
        slots: one per line.
    """

    tag: str
    start: float
    beats: float
    slots: tuple[Slot, ...] = ()

    @property
    def end(self) -> float:
        """The beat on which the next section starts."""
        return self.start + self.beats


@dataclass(frozen=True)
class Plan:
    """The song in time.

    Attributes:
        bpm: beats per minute, constant.
        sections: in order, without gaps.
    """

    bpm: float
    sections: tuple[PlacedSection, ...]

    @property
    def beats(self) -> float:
        """Length of the song."""
        return self.sections[-1].end

    def seconds(self, beats: float) -> float:
        """Beats as seconds."""
        return beats * 60.0 / self.bpm


@dataclass(frozen=True)
class _Draft:
    """A plan in the making: beats per line of each part (or of the part itself where it has no lines)."""

    bpm: float
    beats: tuple[tuple[int, ...], ...]
    cost: float


def make_plan(parts: Sequence[Part], seconds: float | None, slow: float, usual: float, fast: float) -> Plan:
    """Chooses tempo and bars so that the song lasts as long as wanted and no line is hurried.

    Args:
        parts: the sections.
        seconds: wanted length of the whole; None: what the words need at ease.
        slow: lowest tempo in beats per minute.
        usual: preferred tempo.
        fast: highest tempo.

    Returns:
        A plan of that length; longer when the words would otherwise be too fast to understand.
    """
    best = min((_draft(parts, bpm, seconds, usual) for bpm in _tempi(slow, fast)), key=lambda draft: draft.cost)
    bpm = _stretched(parts, best, seconds, slow, fast)
    return Plan(bpm, tuple(_placed(parts, replace(best, bpm=bpm))))


def _tempi(slow: float, fast: float) -> list[float]:
    steps = max(1, round((fast - slow) / 1.5))
    return [slow + (fast - slow) * step / steps for step in range(steps + 1)]


def comfortable_seconds(line: SyllableLine) -> float:
    """What a line needs to be sung at ease, its breath included."""
    return _line_seconds(line, _COMFORTABLE_SECONDS) + 0.3


def least_seconds(line: SyllableLine) -> float:
    """What a line needs to be understood, its breath included."""
    return _line_seconds(line, _LEAST_SECONDS)


def _line_seconds(line: SyllableLine, per_syllable: float) -> float:
    return (
        sum(max(_weight(s) * per_syllable, s.least_seconds) for s in line.syllables)
        + line.before_seconds
        + _BREATH_SECONDS
    )


def _weight(syllable: Syllable) -> float:
    return 1.2 if syllable.stress else 0.85


def _draft(parts: Sequence[Part], bpm: float, seconds: float | None, usual: float) -> _Draft:
    """Bars for one tempo, and how far from ideal they are."""
    beat = 60.0 / bpm
    plain = [max(2, 2 * round(part.seconds / beat / 2)) for part in parts if not part.lines and part.tag != "silence"]
    silent = sum(part.seconds for part in parts if part.tag == "silence")
    lines = [line for part in parts for line in part.lines]
    needs = [comfortable_seconds(line) / beat for line in lines]
    room = sum(needs) if seconds is None else (seconds - silent) / beat - sum(plain)
    slots = _slots(needs, [least_seconds(line) / beat for line in lines], room)
    error = abs(sum(slots) - room) * beat if seconds is not None else 0.0
    uneven = sum(abs(math.log2(slot / need)) for slot, need in zip(slots, needs, strict=True)) / max(1, len(slots))
    crooked = sum(slot % BAR != 0 for slot in slots) + 0.25 * sum(slot % 8 != 0 for slot in slots)
    cost = 3.0 * error + 4.0 * abs(math.log2(bpm / usual)) + uneven + 0.6 * crooked / max(1, len(slots))
    return _Draft(bpm, tuple(_by_part(parts, plain, slots)), cost)


def _slots(needs: list[float], least: list[float], room: float) -> list[int]:
    """Whole bars per line, in proportion to need, never below the least; half bars only where bars cannot fit."""
    if not needs:
        return []
    scale = room / sum(needs)
    ideal = [need * scale for need in needs]
    floors = [2 * max(1, math.ceil(beats / 2)) for beats in least]
    slots = [max(floor, BAR * round(beats / BAR), 2) for floor, beats in zip(floors, ideal, strict=True)]
    for unit in (BAR, 2):
        while room - sum(slots) > unit / 2:
            slots[_furthest([want - has for want, has in zip(ideal, slots, strict=True)])] += unit
        while sum(slots) - room > unit / 2:
            spare = [
                has - want if has - unit >= floor else -math.inf
                for has, want, floor in zip(slots, ideal, floors, strict=True)
            ]
            if max(spare) == -math.inf:
                break
            slots[_furthest(spare)] -= unit
    return slots


def _furthest(values: list[float]) -> int:
    """Index of the largest value; the last of equals, so that extra time falls on the end of a section."""
    return max(range(len(values)), key=lambda index: (round(values[index], 6), index))


def _by_part(parts: Sequence[Part], plain: list[int], slots: list[int]) -> Iterator[tuple[int, ...]]:
    plain_left, slots_left = iter(plain), iter(slots)
    for part in parts:
        if part.lines:
            yield tuple(next(slots_left) for _ in part.lines)
        else:
            yield () if part.tag == "silence" else (next(plain_left),)


def _stretched(parts: Sequence[Part], draft: _Draft, seconds: float | None, slow: float, fast: float) -> float:
    """The tempo at which the drafted beats last exactly as wanted, within 4 % and the range."""
    if seconds is None:
        return draft.bpm
    musical = seconds - sum(part.seconds for part in parts if part.tag == "silence")
    beats = sum(sum(beats) for beats in draft.beats)
    exact = 60.0 * beats / musical if musical > 0 and beats else draft.bpm
    low, high = max(slow, draft.bpm * 0.96), min(fast, draft.bpm * 1.04)
    return min(high, max(low, exact))


def _placed(parts: Sequence[Part], draft: _Draft) -> Iterator[PlacedSection]:
    at = 0.0
    for part, beats in zip(parts, draft.beats, strict=True):
        length = part.seconds * draft.bpm / 60.0 if part.tag == "silence" else float(sum(beats))
        slots, start = [], at
        for line, slot in zip(part.lines, beats, strict=False):
            slots.append(Slot(line, start, slot))
            start += slot
        yield PlacedSection(part.tag, at, length, tuple(slots))
        at += length
