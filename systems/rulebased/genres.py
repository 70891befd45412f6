"""What makes a genre: tempo, progressions, instruments and the patterns they play. The genres are in genres.yaml."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, RootModel

from songbench.domain.checking import Flag, Number, Schema, Whole
from songbench.domain.tables import read_table, split_words

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
"""General MIDI keys of drums."""
TOMS = (48, 47, 45, 43)

_DRUM_KEYS = {
    "kick": KICK,
    "rim": RIM,
    "snare": SNARE,
    "clap": CLAP,
    "closed hi-hat": CLOSED,
    "pedal hi-hat": PEDAL,
    "open hi-hat": OPEN,
    "ride": RIDE,
    "shaker": SHAKER,
    "tambourine": TAMBOURINE,
    "low tom": 45,
    "cowbell": 56,
    "high conga": 63,
    "low conga": 64,
    "claves": 75,
    "high woodblock": 76,
    "low woodblock": 77,
}


def _by_key(patterns: Any) -> Any:
    """Patterns by the key of their drum, instead of its name."""
    if unknown := [name for name in patterns if name not in _DRUM_KEYS]:
        raise ValueError(f"there is no drum '{unknown[0]}', only {', '.join(_DRUM_KEYS)}")
    return {_DRUM_KEYS[name]: pattern for name, pattern in patterns.items()}


_Program = Annotated[Whole, Field(ge=0, le=127)]
_Velocity = Annotated[Whole, Field(ge=1, le=127)]
_Share = Annotated[Number, Field(ge=0, le=1)]
_Progression = Annotated[tuple[str, ...], BeforeValidator(split_words)]
_Patterns = Annotated[Mapping[int, Annotated[str, Field(pattern="^[xo.]{16}$")]], BeforeValidator(_by_key)]


class Kit(Schema):
    """Drums.

    Attributes:
        preset: of bank 128.
        tom_gain: factor on the velocity of toms, which some kits sampled louder than the rest.
        soft: patterns of quiet sections by General MIDI drum key (in the file: by name); a pattern is one bar of
            sixteenths, ``x`` hit, ``o`` soft hit, ``.`` nothing.
        full: patterns of full sections.
    """

    preset: _Program
    tom_gain: Number
    soft: _Patterns
    full: _Patterns


class Bass(Schema):
    """The bass.

    Attributes:
        program: General MIDI program, 0-127.
        soft: its figure in quiet sections, one of `systems.rulebased.figures.BASS`.
        full: its figure in full sections.
    """

    program: _Program
    soft: str
    full: str


class Instrument(Schema):
    """An accompanying instrument.

    Attributes:
        name: for the score.
        program: General MIDI program, 0-127.
        figure: how it plays, one of `systems.rulebased.figures.COMPING`.
        centre: MIDI pitch around which chords are voiced.
        level: velocity 1-127, chosen so that the instruments of a genre sound about equally loud.
        pan: -1 left to 1 right.
        least: intensity of the quietest sections it plays in, 0-1 (`systems.rulebased.dynamics`).
        most: intensity of the loudest ones.
        double: whether it is recorded twice, the second time on the other side.
    """

    name: str
    program: _Program
    figure: str
    centre: Whole
    level: _Velocity
    pan: Annotated[Number, Field(ge=-1, le=1)]
    least: _Share = 0.0
    most: _Share = 1.0
    double: Flag = False


class Lead(Schema):
    """The instrument that plays the tune in instrumental sections.

    Attributes:
        program: General MIDI program, 0-127.
        velocity: 1-127.
    """

    program: _Program
    velocity: _Velocity


class Genre(Schema):
    """A genre.

    Attributes:
        tempo: slowest, usual and fastest beats per minute.
        minor_share: how often a song is in minor when nothing else says so, 0-1.
        swing: share of a beat the first eighth takes: 0.5 straight, 0.66 triplets.
        scale: the tones of a tune: all seven of the key, or the five without half steps.
        progressions: by mode; at least three each. A progression is chord numerals, one per bar (in the file: with
            blanks between them).
        kit: drums.
        bass: the bass.
        instruments: accompanying instruments.
        lead: who plays the tune in instrumental sections.
    """

    tempo: tuple[Number, Number, Number]
    minor_share: _Share
    swing: _Share
    scale: Literal["diatonic", "pentatonic"] = "diatonic"
    progressions: Mapping[str, Annotated[tuple[_Progression, ...], Field(min_length=3)]]
    kit: Kit
    bass: Bass
    lead: Lead
    instruments: tuple[Instrument, ...]


GENRE_TABLE: Mapping[str, Genre] = read_table("systems.rulebased", "genres.yaml", RootModel[dict[str, Genre]]).root
"""The genres by name."""
