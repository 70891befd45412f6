"""How long everything lasts: tempo, sections and the slot of each line, fitted to the wanted duration."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from systems.rulebased.phrasing import LyricLine
from systems.rulebased.section_rules import SECTION_RULES, SectionRules
from systems.rulebased.syllables import Syllable

BAR = 4
"""Beats per bar."""

_BREATH_SECONDS = 0.45
_COMFORTABLE_SECONDS = 0.34
_TEMPO_PLAY = 1.04
LEAST_SECONDS = 0.18
"""Shortest note that still carries a syllable."""


@dataclass(frozen=True)
class Part:
    """A section to be placed.

    Attributes:
        tag: section tag.
        lines: what is sung; empty for instrumental sections.
        seconds: wanted length of a section without lines.
    """

    tag: str
    lines: tuple[LyricLine, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class Slot:
    """The beats that belong to one line; its singing ends early enough to breathe."""

    line: LyricLine
    start: int
    beats: int


@dataclass(frozen=True)
class PlacedSection:
    """A section in time.

    Attributes:
        tag: section tag.
        start: first beat, counted from the song's start.
        beats: length; a whole number of half bars, or of beats for silence.
        slots: one per line.
    """

    tag: str
    start: int
    beats: int
    slots: tuple[Slot, ...] = ()

    @property
    def rules(self) -> SectionRules:
        """How it is played."""
        return SECTION_RULES[self.tag]

    @property
    def end(self) -> int:
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
    def beats(self) -> int:
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
    return Plan(_stretched(best, seconds, slow, fast), tuple(_placed_sections(parts, best.beats)))


def _tempi(slow: float, fast: float) -> list[float]:
    steps = max(1, round((fast - slow) / 1.5))
    return [slow + (fast - slow) * step / steps for step in range(steps + 1)]


def comfortable_seconds(line: LyricLine) -> float:
    """What a line needs to be sung at ease, its breaths included."""
    notes = sum(max(_weight(s) * _COMFORTABLE_SECONDS, s.least_seconds) for s in line.syllables)
    return notes + line.before_seconds + sum(line.pauses.values()) + _BREATH_SECONDS + 0.3


def _weight(syllable: Syllable) -> float:
    return 1.2 if syllable.stress else 0.85


def _draft(parts: Sequence[Part], bpm: float, seconds: float | None, usual: float) -> _Draft:
    """Bars for one tempo, and how far from ideal they are."""
    beat = 60.0 / bpm
    plain = [_whole_beats(part, beat) for part in parts if not part.lines]
    groups = [[_Need.of(line, beat) for line in part.lines] for part in parts if part.lines]
    room = None if seconds is None else seconds / beat - sum(plain)
    slots = [slot for group in _slots(groups, room) for slot in group]
    needs = [need.beats for group in groups for need in group]
    error = abs(sum(slots) - room) * beat if room is not None else 0.0
    fit = [math.log2(slot / need) for slot, need in zip(slots, needs, strict=True)]
    hurried = sum(max(0.0, -0.2 - octaves) for octaves in fit)
    crooked = sum(slot % BAR != 0 for slot in slots) + 0.25 * sum(slot % 8 != 0 for slot in slots)
    per_line = (sum(abs(octaves) for octaves in fit) + 6.0 * hurried + 0.6 * crooked) / max(1, len(slots))
    cost = 3.0 * error + 4.0 * abs(math.log2(bpm / usual)) + per_line
    return _Draft(bpm, tuple(_by_part(parts, plain, slots)), cost)


def _whole_beats(part: Part, beat: float) -> int:
    """Beats of a section without lines: half bars, single beats where it is silent."""
    unit = 1 if SECTION_RULES[part.tag].silent else BAR // 2
    return unit * max(1, round(part.seconds / beat / unit))


@dataclass(frozen=True)
class _Need:
    """Beats a line would like, and the even number of beats it cannot do without."""

    beats: float
    least: int

    @classmethod
    def of(cls, line: LyricLine, beat: float) -> "_Need":
        shortest = beat / _TEMPO_PLAY
        grid = sum(math.ceil(4 * max(LEAST_SECONDS, s.least_seconds) / shortest) / 4 for s in line.syllables)
        grid += sum(math.ceil(4 * pause / shortest) / 4 for pause in line.pauses.values())
        least = grid + max(0.5, (_BREATH_SECONDS + 0.12) / shortest)
        return cls(comfortable_seconds(line) / beat, 2 * math.ceil(least / 2))


def _slots(groups: list[list[_Need]], room: float | None) -> list[list[int]]:
    """Even beats per line, equal within a section where possible, together as near to the room as the needs allow.

    Args:
        groups: the lines of each section.
        room: beats to fill; None: whatever the lines like.
    """
    total = sum(len(group) * max(need.beats for need in group) for group in groups)
    scale = 1.0 if room is None or not total else room / total
    slots = []
    for group in groups:
        ideal = scale * max(need.beats for need in group)
        bars = math.ceil(0.87 * ideal / BAR) if room is None else round(ideal / BAR)
        slots.append([max(BAR * bars, 2, *(need.least for need in group))] * len(group))
    if room is not None:
        _fill(slots, room)
        _shorten(slots, groups, room)
    return slots


def _fill(slots: list[list[int]], room: float) -> None:
    """Gives beats that are left over to the last lines of sections, the shortest first; in place."""
    for unit in (BAR, 2):
        while slots and room - sum(map(sum, slots)) > unit / 2:
            min(slots, key=lambda group: group[-1])[-1] += unit


def _shorten(slots: list[list[int]], groups: list[list[_Need]], room: float) -> None:
    """Takes beats that are too many from the lines that miss them least; in place."""
    for unit in (BAR, 2):
        while sum(map(sum, slots)) - room > unit / 2:
            spare = [
                (slot - unit - need.beats, section, line)
                for section, group in enumerate(slots)
                for line, (slot, need) in enumerate(zip(group, groups[section], strict=True))
                if slot - unit >= need.least
            ]
            if not spare:
                break
            _, section, line = max(spare)
            slots[section][line] -= unit


def _by_part(parts: Sequence[Part], plain: list[int], slots: list[int]) -> Iterator[tuple[int, ...]]:
    plain_left, slots_left = iter(plain), iter(slots)
    for part in parts:
        yield tuple(next(slots_left) for _ in part.lines) if part.lines else (next(plain_left),)


def _stretched(draft: _Draft, seconds: float | None, slow: float, fast: float) -> float:
    """The tempo at which the drafted beats last exactly as wanted, within 4 % and the range."""
    if seconds is None:
        return draft.bpm
    exact = 60.0 * sum(map(sum, draft.beats)) / seconds
    return min(fast, draft.bpm * _TEMPO_PLAY, max(slow, draft.bpm / _TEMPO_PLAY, exact))


def _placed_sections(parts: Sequence[Part], beats: Sequence[tuple[int, ...]]) -> Iterator[PlacedSection]:
    at = 0
    for part, lengths in zip(parts, beats, strict=True):
        starts = [at + sum(lengths[:index]) for index in range(len(lengths))]
        slots = tuple(Slot(*slot) for slot in zip(part.lines, starts, lengths, strict=False))
        yield PlacedSection(part.tag, at, sum(lengths), slots)
        at += sum(lengths)
