"""Keys, scales and chords."""

import re
from dataclasses import dataclass

NOTE_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")

_SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
_PENTATONIC = {"major": (0, 2, 4, 7, 9), "minor": (0, 3, 5, 7, 10)}
_NUMERALS = ("I", "II", "III", "IV", "V", "VI", "VII")
_QUALITIES = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "dim": (0, 3, 6),
    "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "m7": (0, 3, 7, 10),
    "m7b5": (0, 3, 6, 10),
    "sus4": (0, 5, 7),
}
_NUMERAL = re.compile(r"^(b?)([IViv]+)(7|maj7|m7b5|sus4|dim)?$")


@dataclass(frozen=True)
class Key:
    """A key.

    Attributes:
        tonic: pitch class, 0 = C.
        mode: `major` or `minor` (natural).
    """

    tonic: int
    mode: str

    @property
    def name(self) -> str:
        """Such as `Eb major`."""
        return f"{NOTE_NAMES[self.tonic]} {self.mode}"

    @property
    def pitch_classes(self) -> tuple[int, ...]:
        """The seven pitch classes of the scale, from the tonic up."""
        return tuple((self.tonic + step) % 12 for step in _SCALES[self.mode])

    @property
    def pentatonic(self) -> tuple[int, ...]:
        """The five pitch classes of the scale that are no half step from each other, from the tonic up."""
        return tuple((self.tonic + step) % 12 for step in _PENTATONIC[self.mode])


@dataclass(frozen=True)
class Chord:
    """A chord.

    Attributes:
        root: pitch class, 0 = C.
        quality: a suffix such as `m7`.
    """

    root: int
    quality: str

    @property
    def name(self) -> str:
        """Such as `F#m7`."""
        return NOTE_NAMES[self.root] + self.quality

    @property
    def pitch_classes(self) -> tuple[int, ...]:
        """From the root up."""
        return tuple((self.root + step) % 12 for step in _QUALITIES[self.quality])


def chord_of(key: Key, numeral: str) -> Chord:
    """The chord a Roman numeral means in a key.

    Args:
        key: the key; its own scale gives the roots.
        numeral: upper case major, lower case minor, with `7`, `maj7`, `m7b5`, `sus4` or `dim`; `b` lowers the root.

    Raises:
        ValueError: not a numeral.
    """
    match = _NUMERAL.match(numeral)
    if not match:
        raise ValueError(f"{numeral!r} is not a chord numeral such as I, vi7 or bVII")
    flat, degree, suffix = match.groups()
    root = key.pitch_classes[_NUMERALS.index(degree.upper())] - (1 if flat else 0)
    minor = degree.islower() and suffix not in ("m7b5", "dim")
    return Chord(root % 12, ("m" if minor else "") + (suffix or ""))


def nearest_pitch(target: float, pitch_classes: tuple[int, ...], low: int, high: int) -> int:
    """The MIDI pitch nearest to a target among pitch classes within [low, high]; the lower one of two equally near."""
    candidates = [pitch for pitch in range(low, high + 1) if pitch % 12 in pitch_classes]
    return min(candidates, key=lambda pitch: (abs(pitch - target), pitch))
