"""The controlled damage that metrics are validated with: what is done to a song, how much, and what that should change.

The system ``damaged`` does it; ``songbench validate-metrics`` compares what metrics say with what is declared here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Damage:
    """One way to damage a song, in four strengths.

    Attributes:
        name: as in ``damaged:NAME-STRENGTH``.
        summary: what is done, one sentence.
        strengths: the four strengths, for people, mildest first.
        harms: the `songbench.contracts.cards.ASPECTS` it surely makes worse: a metric that hears one of them and does
            not react is blind.
        touches: aspects it may change besides: a metric that hears only these may react or not.
    """

    name: str
    summary: str
    strengths: tuple[str, str, str, str]
    harms: tuple[str, ...]
    touches: tuple[str, ...] = ()


_DAMAGES = (
    Damage(
        "noise",
        "Pink noise is added, so many dB below the song.",
        ("30 dB", "20 dB", "10 dB", "0 dB"),
        ("sound",),
        ("words", "style", "form", "stereo", "voice", "pitch", "level"),
    ),
    Damage(
        "lowpass",
        "What lies above a frequency is taken away.",
        ("8 kHz", "4 kHz", "2 kHz", "1 kHz"),
        ("sound",),
        ("words", "style", "form", "stereo", "level"),
    ),
    Damage(
        "clipping",
        "The song is driven so far beyond full scale and clipped there, then brought back to its loudness.",
        ("6 dB", "12 dB", "18 dB", "24 dB"),
        ("sound",),
        ("words", "style", "form", "stereo", "level"),
    ),
    Damage(
        "mp3",
        "The song goes through an MP3 file of a low rate.",
        ("96 kbit/s", "56 kbit/s", "24 kbit/s", "16 kbit/s"),
        ("sound",),
        ("words", "style", "form", "stereo", "level"),
    ),
    Damage(
        "mono",
        "The difference of the channels is taken away.",
        ("a quarter of it", "half of it", "three quarters", "all"),
        ("stereo",),
        ("level", "style"),
    ),
    Damage(
        "loudness",
        "The song is made softer.",
        ("3 dB", "6 dB", "12 dB", "20 dB"),
        ("level",),
    ),
    Damage(
        "wrong_lyrics",
        "Lines are sung with other words.",
        ("1/4 of the lines", "1/2", "3/4", "all"),
        ("words",),
        ("form", "style", "pitch", "level"),
    ),
    Damage(
        "dropped_lines",
        "The voice leaves out phrases; the band plays on.",
        ("1/4 of the phrases", "1/2", "3/4", "all"),
        ("words",),
        ("voice", "form", "style", "level", "stereo", "sound"),
    ),
    Damage(
        "repeated_lines",
        "Lines are sung twice in a row.",
        ("1/4 of the lines", "1/2", "3/4", "all"),
        ("words",),
        ("form", "style", "pitch", "level"),
    ),
    Damage(
        "shuffled_sections",
        "Sections change places, cut at their borders.",
        ("1 pair", "2 pairs", "3 pairs", "4 pairs"),
        ("form",),
        ("words", "style", "level"),
    ),
    Damage(
        "dropped_sections",
        "Sections are cut out.",
        ("1/4 of the sections", "1/2", "3/4", "all but one"),
        ("form",),
        ("words", "style", "level", "voice"),
    ),
    Damage(
        "detuned_voice",
        "The voice is shifted against the band.",
        ("25 cents", "50 cents", "100 cents", "200 cents"),
        ("pitch",),
        ("words", "style", "form", "sound", "level"),
    ),
    Damage(
        "tempo_wobble",
        "The tempo swings every four seconds, the pitch stays.",
        ("2 %", "5 %", "10 %", "20 %"),
        ("timing",),
        ("words", "style", "form", "sound", "stereo", "level"),
    ),
    Damage(
        "voice_removed",
        "The voice is made softer; the band is not.",
        ("6 dB", "12 dB", "24 dB", "gone"),
        ("voice", "words"),
        ("form", "style", "level", "stereo", "sound"),
    ),
    Damage(
        "prompt_copied",
        "The beginning of the song is replaced by the style prompt, repeated.",
        ("1/4 of the song", "1/2", "3/4", "all"),
        ("originality", "form", "words"),
        ("style", "voice", "level", "sound", "stereo", "timing"),
    ),
)

DAMAGES: dict[str, Damage] = {damage.name: damage for damage in _DAMAGES}
"""Every damage by name, in the order of tables."""

STRENGTHS = (1, 2, 3, 4)
"""0 stands for the undamaged song."""
