"""What makes a genre: tempo, progressions, instruments and the patterns they play.

Patterns are strings over one bar of sixteenths (`x` hit, `o` soft hit, `.` nothing). Programs are 0-based General MIDI
numbers. Progressions are commonplaces of each genre, one chord per bar.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Kit:
    """Drums.

    Attributes:
        preset: of bank 128.
        tom_gain: factor on the velocity of toms, which some kits sampled louder than the rest.
        soft: patterns of quiet sections by General MIDI drum key.
        full: patterns of full sections.
    """

    preset: int
    tom_gain: float
    soft: Mapping[int, str]
    full: Mapping[int, str]


@dataclass(frozen=True)
class Voice:
    """An accompanying instrument.

    Attributes:
        name: for the score.
        program: General MIDI program, 0-127.
        figure: how it plays, a name in `systems.rulebased.figures`.
        centre: MIDI pitch around which chords are voiced.
        level: velocity 1-127, chosen so that the instruments of a genre sound about equally loud.
        pan: -1 left to 1 right.
        soft: whether it also plays in quiet sections.
        full: whether it plays in full sections.
    """

    name: str
    program: int
    figure: str
    centre: int
    level: int
    pan: float
    soft: bool = True
    full: bool = True


@dataclass(frozen=True)
class Genre:
    """A genre.

    Attributes:
        tempo: slowest, usual and fastest beats per minute.
        minor_share: how often a song is in minor when nothing else says so, 0-1.
        swing: share of a beat the first eighth takes: 0.5 straight, 0.66 triplets.
        progressions: by mode; at least three each.
        kit: drums.
        bass: (program, soft figure, full figure).
        voices: accompanying instruments.
        lead: (program, velocity) of the tune in instrumental sections.
    """

    tempo: tuple[float, float, float]
    minor_share: float
    swing: float
    progressions: Mapping[str, tuple[tuple[str, ...], ...]]
    kit: Kit
    bass: tuple[int, str, str]
    voices: tuple[Voice, ...]
    lead: tuple[int, int]


KICK, RIM, SNARE, CLAP, CLOSED, PEDAL, OPEN, CRASH, RIDE, SHAKER, TAMBOURINE = (
    36,
    37,
    38,
    39,
    42,
    44,
    46,
    49,
    51,
    82,
    54,
)
TOMS = (48, 47, 45, 43)

_POP = {
    "major": (("I", "V", "vi", "IV"), ("vi", "IV", "I", "V"), ("I", "vi", "IV", "V"), ("IV", "I", "V", "vi")),
    "minor": (("i", "VI", "III", "VII"), ("i", "iv", "VI", "VII"), ("VI", "VII", "i", "i"), ("iv", "i", "VII", "III")),
}
_ROCK = {
    "major": (("I", "IV", "V", "IV"), ("I", "V", "vi", "IV"), ("IV", "V", "I", "I"), ("vi", "IV", "I", "V")),
    "minor": (("i", "VII", "VI", "VII"), ("i", "III", "VII", "iv"), ("VI", "VII", "i", "i"), ("i", "VI", "III", "VII")),
}
_BALLAD = {
    "major": (
        ("I", "iii", "IV", "V"),
        ("vi", "IV", "I", "V"),
        ("I", "V", "vi", "iii", "IV", "I", "ii", "V"),
        ("ii", "V", "I", "vi"),
    ),
    "minor": (("i", "VI", "III", "VII"), ("i", "v", "VI", "III"), ("iv", "VII", "III", "VI"), ("VI", "VII", "i", "v")),
}
_FOLK = {
    "major": (("I", "I", "IV", "I"), ("I", "IV", "I", "V"), ("vi", "IV", "I", "V"), ("I", "V", "IV", "I")),
    "minor": (("i", "i", "VII", "i"), ("i", "III", "VII", "i"), ("VI", "III", "VII", "i"), ("iv", "i", "VII", "i")),
}
_JAZZ = {
    "major": (
        ("ii7", "V7", "Imaj7", "vi7"),
        ("Imaj7", "vi7", "ii7", "V7"),
        ("iii7", "vi7", "ii7", "V7"),
        ("IVmaj7", "iii7", "ii7", "V7"),
    ),
    "minor": (
        ("i7", "iv7", "VII7", "IIImaj7"),
        ("iim7b5", "v7", "i7", "i7"),
        ("VImaj7", "VII7", "i7", "i7"),
        ("iv7", "VII7", "IIImaj7", "VImaj7"),
    ),
}

GENRE_TABLE: Mapping[str, Genre] = {
    "pop": Genre(
        (88, 108, 126),
        0.3,
        0.5,
        _POP,
        Kit(
            0,
            1.0,
            {KICK: "x.......x.x.....", RIM: "....x.......x...", CLOSED: "x.o.x.o.x.o.x.o."},
            {
                KICK: "x.....x.x.......",
                SNARE: "....x.......x...",
                CLOSED: "x.x.x.x.x.x.x.x.",
                TAMBOURINE: "....o.......o...",
            },
        ),
        (33, "roots", "pop"),
        (
            Voice("piano", 0, "beats", 62, 95, -0.25),
            Voice("guitar", 25, "strum", 60, 64, 0.4, soft=False),
            Voice("pad", 89, "sustain", 64, 47, 0.1, soft=False),
            Voice("guitar arpeggio", 27, "arpeggio", 64, 70, 0.45, full=False),
        ),
        (80, 107),
    ),
    "rock": Genre(
        (104, 126, 148),
        0.4,
        0.5,
        _ROCK,
        Kit(
            16,
            0.65,
            {KICK: "x.......x.x.....", SNARE: "....x.......x...", CLOSED: "x.x.x.x.x.x.x.x."},
            {KICK: "x..x..x.x.x.....", SNARE: "....x.......x...", OPEN: "x...x...x...x...", RIDE: "..o...o...o...o."},
        ),
        (34, "roots", "eighths"),
        (
            Voice("rhythm guitar left", 29, "power", 50, 79, -0.6, soft=False),
            Voice("rhythm guitar right", 30, "power", 50, 62, 0.6, soft=False),
            Voice("muted guitar", 28, "eighths", 52, 58, -0.35, full=False),
            Voice("organ", 18, "sustain", 62, 53, 0.3),
        ),
        (30, 78),
    ),
    "ballad": Genre(
        (60, 72, 84),
        0.35,
        0.5,
        _BALLAD,
        Kit(
            0,
            1.0,
            {KICK: "x.......x.......", RIM: "........x.......", CLOSED: "x...x...x...x..."},
            {KICK: "x......xx.......", SNARE: "....x.......x...", CLOSED: "x.o.x.o.x.o.x.o.", RIDE: "x...x...x...x..."},
        ),
        (33, "long", "roots"),
        (
            Voice("piano", 0, "arpeggio", 62, 95, -0.15),
            Voice("strings", 48, "sustain", 62, 62, 0.2, soft=False),
            Voice("piano chords", 0, "halves", 58, 76, -0.1, soft=False),
        ),
        (73, 57),
    ),
    "folk": Genre(
        (84, 100, 120),
        0.3,
        0.5,
        _FOLK,
        Kit(
            40,
            0.48,
            {SHAKER: "o.o.x.o.o.o.x.o."},
            {KICK: "x.......x.......", RIM: "....x.......x...", SHAKER: "x.o.x.o.x.o.x.o."},
        ),
        (32, "long", "root_fifth"),
        (
            Voice("steel guitar", 25, "picking", 57, 80, -0.3),
            Voice("second guitar", 24, "strum", 60, 53, 0.35, soft=False),
            Voice("accordion", 21, "sustain", 62, 58, 0.15, soft=False),
        ),
        (22, 78),
    ),
    "electronic": Genre(
        (108, 122, 132),
        0.6,
        0.5,
        _POP,
        Kit(
            25,
            1.15,
            {KICK: "x...x...x...x...", CLOSED: "..o...o...o...o."},
            {KICK: "x...x...x...x...", CLAP: "....x.......x...", OPEN: "..x...x...x...x.", CLOSED: "o.oxo.oxo.oxo.ox"},
        ),
        (38, "eighths", "offbeats"),
        (
            Voice("pluck", 84, "sixteenths", 64, 75, 0.4),
            Voice("pad", 90, "sustain", 60, 57, -0.2),
            Voice("saw chords", 81, "pumping", 62, 68, -0.4, soft=False),
        ),
        (81, 90),
    ),
    "jazz": Genre(
        (84, 108, 132),
        0.35,
        0.6,
        _JAZZ,
        Kit(
            40,
            0.48,
            {RIDE: "x...x.o.x...x.o.", PEDAL: "....x.......x..."},
            {RIDE: "x...x.o.x...x.o.", PEDAL: "....x.......x...", KICK: "o.......o.......", SNARE: "......o.......o."},
        ),
        (32, "halves", "walking"),
        (
            Voice("electric piano", 4, "comping", 60, 91, -0.25),
            Voice("jazz guitar", 26, "charleston", 58, 48, 0.35, soft=False),
        ),
        (66, 78),
    ),
}
