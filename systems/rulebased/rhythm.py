"""Where in its slot each syllable of a line falls: stresses on strong beats, no syllable too short, room to breathe."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from systems.rulebased.phrasing import LyricLine
from systems.rulebased.plan import BAR, LEAST_SECONDS, Slot
from systems.rulebased.syllables import Syllable

_BREATH_SECONDS = 0.4
_SYLLABLE_SECONDS = 0.46
_LAST_NOTE_BEATS, _LAST_NOTE_SECONDS = 2.5, 1.6
_STRENGTH = {0: 3.0, 2: 2.0, 1: 1.0, 3: 1.0}

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Onset:
    """A syllable in time, in beats of the song."""

    start: float
    end: float


def strength(beat: float) -> float:
    """How strong a position in the bar is: 3 on the first beat, 2 on the third, 1 on the others, 0 or less between."""
    if beat % 1 == 0:
        return _STRENGTH[int(beat) % BAR]
    return 0.0 if (beat * 2) % 1 == 0 else -1.0


def set_rhythm(slot: Slot, bar_line: int, bpm: float, earliest: float, rng: np.random.Generator) -> tuple[Onset, ...]:
    """Places the syllables of a line.

    The cheapest path over a grid of half beats (quarter beats where half beats are too coarse); a syllable pays for a
    stress off the beat, for weak syllables on strong beats and for a length unlike its natural one.

    Args:
        slot: the line and its beats.
        bar_line: a beat on which a bar starts.
        bpm: beats per minute.
        earliest: first beat at which the line's consonants may start.
        rng: small preferences that make one song's rhythm unlike another's.

    Returns:
        One onset per syllable; a phrase within the line ends early enough to breathe before the next. If the slot is
        too short, the line ends later than the slot rather than being hurried.
    """
    seconds_per_beat = 60.0 / bpm
    grids = (0.5, 0.25) if seconds_per_beat < 0.62 else (0.25,)
    taste = rng.uniform(0.0, 0.35, (2 * BAR * 4, 3))
    for grid in grids:
        path = _Search(slot, bar_line, seconds_per_beat, grid, earliest, taste).best()
        if path is not None:
            return path
    return _in_sequence(
        slot.line, max(slot.start, earliest + slot.line.before_seconds / seconds_per_beat), seconds_per_beat
    )


class _Search:
    """Dynamic programming over (syllable, grid position)."""

    def __init__(
        self, slot: Slot, bar_line: int, seconds_per_beat: float, grid: float, earliest: float, taste: Array
    ) -> None:
        self.slot, self.grid, self.taste = slot, grid, taste
        self.phase = slot.start - bar_line
        self.seconds = seconds_per_beat
        self.syllables = slot.line.syllables
        self.cells = int(slot.beats / grid)
        breath = max(_BREATH_SECONDS / seconds_per_beat, 0.5)
        self.limit = slot.beats - breath
        first = earliest + slot.line.before_seconds / seconds_per_beat - slot.start
        self.first = max(-0.5, first)
        self.pauses = {index: pause / seconds_per_beat for index, pause in slot.line.pauses.items()}
        room = self.limit - sum(self.pauses.values())
        usable = min(room, _SYLLABLE_SECONDS * len(self.syllables) / seconds_per_beat + 1.0)
        weights = sum(1.2 if s.stress else 0.85 for s in self.syllables) + 0.8
        self.unit = usable / weights

    def best(self) -> tuple[Onset, ...] | None:
        count = len(self.syllables)
        offsets: Array = np.arange(-int(0.5 / self.grid), self.cells, dtype=np.float64) * self.grid
        cost = np.array([self._entry(offset) for offset in offsets])
        back = np.zeros((count, len(offsets)), dtype=np.int64)
        for index in range(1, count):
            step = self._step(index - 1, offsets)
            reached = cost[:, None] + step
            back[index] = reached.argmin(axis=0)
            cost = reached.min(axis=0) + [self._accent(self.syllables[index], offset) for offset in offsets]
        cost = cost + np.array([self._exit(offset) for offset in offsets])
        if not np.isfinite(cost.min()):
            return None
        at = int(cost.argmin())
        path = [at]
        for index in range(count - 1, 0, -1):
            at = int(back[index][at])
            path.append(at)
        return self._onsets([float(offsets[cell]) for cell in reversed(path)])

    def _accent(self, syllable: Syllable, offset: float) -> float:
        force = strength(offset + self.phase)
        if syllable.stress == 2:
            return 0.8 * (3.0 - force)
        if syllable.stress == 1:
            return 0.4 * (3.0 - force)
        return 0.5 * max(0.0, force)

    def _entry(self, offset: float) -> float:
        """A line may start with a pick-up, on the beat, or a little late."""
        if offset < self.first:
            return math.inf
        return self._accent(self.syllables[0], offset) + 1.2 * max(0.0, offset - 1.0) + (0.3 if offset < 0 else 0.0)

    def _exit(self, offset: float) -> float:
        last = self.syllables[-1]
        room = (self.limit - offset) * self.seconds
        return math.inf if room < last.least_seconds + 0.12 else 0.0

    def _step(self, index: int, offsets: Array) -> Array:
        """Cost of going from each position to each later one during one syllable; (n,) to (n from, n to)."""
        syllable = self.syllables[index]
        ideal = max(self.unit * (1.2 if syllable.stress else 0.85), syllable.least_seconds / self.seconds)
        gap = offsets[None, :] - offsets[:, None] - self.pauses.get(index, 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            cost = 2.2 * np.log2(np.where(gap > 0, gap, np.nan) / ideal) ** 2
        cost += self.taste[index % len(self.taste)][np.rint(gap / self.grid).astype(np.int64) % 3]
        return np.where(gap * self.seconds >= max(LEAST_SECONDS, syllable.least_seconds), cost, math.inf)

    def _onsets(self, offsets: list[float]) -> tuple[Onset, ...]:
        starts = [self.slot.start + offset for offset in offsets]
        ends = [start - self.pauses.get(index, 0.0) for index, start in enumerate(starts[1:])]
        ends.append(self.slot.start + self.limit)
        for index in (*self.pauses, len(starts) - 1):
            ends[index] = min(ends[index], starts[index] + min(_LAST_NOTE_BEATS, _LAST_NOTE_SECONDS / self.seconds))
        return tuple(Onset(start, end) for start, end in zip(starts, ends, strict=True))


def _in_sequence(line: LyricLine, start: float, seconds_per_beat: float) -> tuple[Onset, ...]:
    """Syllable after syllable at their least lengths: for slots that hold no better rhythm."""
    onsets = []
    for index, syllable in enumerate(line.syllables):
        length = max(LEAST_SECONDS, syllable.least_seconds) / seconds_per_beat
        onsets.append(Onset(start, start + length))
        start += length + line.pauses.get(index, 0.0) / seconds_per_beat
    return tuple(onsets)
