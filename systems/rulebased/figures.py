"""How a chord is played for one bar: comping figures, arpeggios and bass lines."""

from collections.abc import Mapping, Sequence

from systems.rulebased.harmony import PlacedChord
from systems.rulebased.score import Tone
from systems.rulebased.theory import Chord

_STEP = 0.25
"""Beats per pattern character."""

_BLOCKS: Mapping[str, tuple[str, float]] = {
    "sustain": ("x", 0.0),
    "halves": ("x.......x.......", 1.9),
    "beats": ("x...o...x...o...", 0.9),
    "strum": ("x...x.o...o.x.o.", 0.45),
    "comping": ("x.....o...x.....", 0.6),
    "charleston": ("x.....o.........", 0.4),
    "pumping": ("..x...x...x...x.", 0.4),
}
_ARPEGGIOS: Mapping[str, tuple[float, tuple[int, ...], float]] = {
    "arpeggio": (0.5, (0, 1, 2, 3, 2, 1, 2, 1), 1.0),
    "picking": (0.5, (0, 2, 1, 3, 0, 2, 1, 2), 0.9),
    "sixteenths": (0.25, (0, 1, 2, 1, 3, 2, 1, 2), 0.22),
}
_BASS: Mapping[str, tuple[str, float]] = {
    "long": ("r", 0.0),
    "roots": ("r.......r.......", 1.85),
    "halves": ("r.......5.......", 1.85),
    "root_fifth": ("r.......5.....r.", 1.0),
    "eighths": ("r.r.r.r.r.r.r.r.", 0.45),
    "pop": ("r.....r.r.....5.", 0.7),
    "offbeats": ("..r...8...r...8.", 0.45),
}
_BASS_LOW = 29


def voicing(chord: Chord, centre: int, previous: Sequence[int]) -> tuple[int, ...]:
    """The inversion of a chord that moves least from the previous voicing, around a centre pitch.

    Args:
        chord: the chord.
        centre: MIDI pitch.
        previous: pitches of the voicing before; empty at the start.
    """
    tones = len(chord.pitch_classes)
    goal = sum(previous) / len(previous) if previous else float(centre)
    candidates = []
    for inversion in range(tones):
        for octave in range(2, 8):
            stack, floor = [], 12 * octave
            for index in range(tones):
                pitch_class = chord.pitch_classes[(inversion + index) % tones]
                floor = floor + (pitch_class - floor) % 12
                stack.append(floor)
            candidates.append(tuple(stack))
    return min(candidates, key=lambda c: (abs(sum(c) / tones - goal) + 0.6 * abs(sum(c) / tones - centre), c))


def comp(figure: str, placed_chord: PlacedChord, pitches: Sequence[int], level: int) -> list[Tone]:
    """Plays a voiced chord as a named figure until the chord ends.

    Raises:
        KeyError: no such figure.
    """
    if figure in _BLOCKS:
        return _blocks(*_BLOCKS[figure], placed_chord, pitches, level, strum=0.02 if figure == "strum" else 0.0)
    if figure in _ARPEGGIOS:
        return _arpeggio(*_ARPEGGIOS[figure], placed_chord, pitches, level)
    low = 40 + (placed_chord.chord.root - 40) % 12
    shape = {"power": (low, low + 7, low + 12), "eighths": (low, low + 7)}[figure]
    return _blocks(
        "xox.xox.xox.xox." if figure == "power" else "x.x.x.x.x.x.x.x.", 0.4, placed_chord, shape, level, strum=0.0
    )


def _blocks(
    pattern: str, gate: float, placed_chord: PlacedChord, pitches: Sequence[int], level: int, *, strum: float
) -> list[Tone]:
    tones = []
    for index, mark in enumerate(pattern):
        start = placed_chord.start + index * _STEP
        if mark == "." or start >= placed_chord.end:
            continue
        end = min(placed_chord.end, start + gate) if gate else placed_chord.end
        velocity = level if mark == "x" else int(level * 0.78)
        tones += [Tone(pitch, start + strum * rank, end, velocity) for rank, pitch in enumerate(pitches)]
    return tones


def _arpeggio(
    step: float, order: Sequence[int], gate: float, placed_chord: PlacedChord, pitches: Sequence[int], level: int
) -> list[Tone]:
    ladder = [*pitches, pitches[0] + 12] if len(pitches) < 4 else list(pitches)
    tones, index, at = [], 0, placed_chord.start
    while at < placed_chord.end - 1e-6:
        velocity = level if index % 4 == 0 else int(level * 0.85)
        tones.append(Tone(ladder[order[index % len(order)]], at, min(placed_chord.end, at + gate), velocity))
        index, at = index + 1, at + step
    return tones


def bass_line(figure: str, placed_chord: PlacedChord, following: Chord, level: int) -> list[Tone]:
    """The bass under one chord.

    Args:
        figure: `walking` or a name in the table of bass figures.
        placed_chord: the chord.
        following: the next chord, which a walking bass leads to.
        level: velocity.
    """
    root = _BASS_LOW + (placed_chord.chord.root - _BASS_LOW) % 12
    if figure == "walking":
        return _walk(root, placed_chord, following, level)
    pattern, gate = _BASS[figure]
    fifth = 6 if "b5" in placed_chord.chord.quality or placed_chord.chord.quality == "dim" else 7
    pitches = {"r": root, "5": root + fifth, "8": root + 12}
    tones = []
    for index, mark in enumerate(pattern):
        start = placed_chord.start + index * _STEP
        if mark != "." and start < placed_chord.end:
            tones.append(
                Tone(pitches[mark], start, min(placed_chord.end, start + gate) if gate else placed_chord.end, level)
            )
    return tones


def _walk(root: int, placed_chord: PlacedChord, following: Chord, level: int) -> list[Tone]:
    """Root, third, fifth, then a half step below the next root."""
    goal = _BASS_LOW + (following.root - _BASS_LOW) % 12
    steps = [(pitch - placed_chord.chord.root) % 12 for pitch in placed_chord.chord.pitch_classes]
    line = [root, root + steps[1], root + steps[2], goal - 1 if goal - 1 != root + steps[2] else goal + 1]
    return [
        Tone(line[beat], placed_chord.start + beat, placed_chord.start + beat + 0.92, level)
        for beat in range(min(4, int(placed_chord.end - placed_chord.start)))
    ]
