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


@dataclass(frozen=True, kw_only=True)
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


@dataclass(frozen=True, kw_only=True)
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
        tempo=(88, 108, 126),
        minor_share=0.3,
        swing=0.5,
        progressions=_POP,
        kit=Kit(
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
        bass=(33, "roots", "pop"),
        voices=(
            Voice(name="piano", program=0, figure="beats", centre=62, level=95, pan=-0.25),
            Voice(name="guitar", program=25, figure="strum", centre=60, level=64, pan=0.4, soft=False),
            Voice(name="pad", program=89, figure="sustain", centre=64, level=47, pan=0.1, soft=False),
            Voice(name="guitar arpeggio", program=27, figure="arpeggio", centre=64, level=70, pan=0.45, full=False),
        ),
        lead=(80, 107),
    ),
    "rock": Genre(
        tempo=(104, 126, 148),
        minor_share=0.4,
        swing=0.5,
        progressions=_ROCK,
        kit=Kit(
            16,
            0.65,
            {KICK: "x.......x.x.....", SNARE: "....x.......x...", CLOSED: "x.x.x.x.x.x.x.x."},
            {KICK: "x..x..x.x.x.....", SNARE: "....x.......x...", OPEN: "x...x...x...x...", RIDE: "..o...o...o...o."},
        ),
        bass=(34, "roots", "eighths"),
        voices=(
            Voice(name="rhythm guitar left", program=29, figure="power", centre=50, level=79, pan=-0.6, soft=False),
            Voice(name="rhythm guitar right", program=30, figure="power", centre=50, level=62, pan=0.6, soft=False),
            Voice(name="muted guitar", program=28, figure="eighths", centre=52, level=58, pan=-0.35, full=False),
            Voice(name="organ", program=18, figure="sustain", centre=62, level=53, pan=0.3),
        ),
        lead=(30, 78),
    ),
    "ballad": Genre(
        tempo=(60, 72, 84),
        minor_share=0.35,
        swing=0.5,
        progressions=_BALLAD,
        kit=Kit(
            0,
            1.0,
            {KICK: "x.......x.......", RIM: "........x.......", CLOSED: "x...x...x...x..."},
            {KICK: "x......xx.......", SNARE: "....x.......x...", CLOSED: "x.o.x.o.x.o.x.o.", RIDE: "x...x...x...x..."},
        ),
        bass=(33, "long", "roots"),
        voices=(
            Voice(name="piano", program=0, figure="arpeggio", centre=62, level=95, pan=-0.15),
            Voice(name="strings", program=48, figure="sustain", centre=62, level=62, pan=0.2, soft=False),
            Voice(name="piano chords", program=0, figure="halves", centre=58, level=76, pan=-0.1, soft=False),
        ),
        lead=(73, 57),
    ),
    "folk": Genre(
        tempo=(84, 100, 120),
        minor_share=0.3,
        swing=0.5,
        progressions=_FOLK,
        kit=Kit(
            40,
            0.48,
            {SHAKER: "o.o.x.o.o.o.x.o."},
            {KICK: "x.......x.......", RIM: "....x.......x...", SHAKER: "x.o.x.o.x.o.x.o."},
        ),
        bass=(32, "long", "root_fifth"),
        voices=(
            Voice(name="steel guitar", program=25, figure="picking", centre=57, level=80, pan=-0.3),
            Voice(name="second guitar", program=24, figure="strum", centre=60, level=53, pan=0.35, soft=False),
            Voice(name="accordion", program=21, figure="sustain", centre=62, level=58, pan=0.15, soft=False),
        ),
        lead=(22, 78),
    ),
    "electronic": Genre(
        tempo=(108, 122, 132),
        minor_share=0.6,
        swing=0.5,
        progressions=_POP,
        kit=Kit(
            25,
            1.15,
            {KICK: "x...x...x...x...", CLOSED: "..o...o...o...o."},
            {KICK: "x...x...x...x...", CLAP: "....x.......x...", OPEN: "..x...x...x...x.", CLOSED: "o.oxo.oxo.oxo.ox"},
        ),
        bass=(38, "eighths", "offbeats"),
        voices=(
            Voice(name="pluck", program=84, figure="sixteenths", centre=64, level=75, pan=0.4),
            Voice(name="pad", program=90, figure="sustain", centre=60, level=57, pan=-0.2),
            Voice(name="saw chords", program=81, figure="pumping", centre=62, level=68, pan=-0.4, soft=False),
        ),
        lead=(81, 90),
    ),
    "jazz": Genre(
        tempo=(84, 108, 132),
        minor_share=0.35,
        swing=0.6,
        progressions=_JAZZ,
        kit=Kit(
            40,
            0.48,
            {RIDE: "x...x.o.x...x.o.", PEDAL: "....x.......x..."},
            {RIDE: "x...x.o.x...x.o.", PEDAL: "....x.......x...", KICK: "o.......o.......", SNARE: "......o.......o."},
        ),
        bass=(32, "halves", "walking"),
        voices=(
            Voice(name="electric piano", program=4, figure="comping", centre=60, level=91, pan=-0.25),
            Voice(name="jazz guitar", program=26, figure="charleston", centre=58, level=48, pan=0.35, soft=False),
        ),
        lead=(66, 78),
    ),
}
