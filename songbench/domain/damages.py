"""The controlled damage that metrics are validated with: what is done to a song, how much, and what that should change.

The system ``damaged`` does it; ``songbench validate-metrics`` compares what metrics say with what is declared here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
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
        name="noise",
        summary="Pink noise is added, so many dB below the song.",
        strengths=("30 dB", "20 dB", "10 dB", "0 dB"),
        harms=("sound",),
        touches=("words", "style", "form", "stereo", "voice", "pitch", "level"),
    ),
    Damage(
        name="lowpass",
        summary="What lies above a frequency is taken away.",
        strengths=("8 kHz", "4 kHz", "2 kHz", "1 kHz"),
        harms=("sound",),
        touches=("words", "style", "form", "stereo", "level"),
    ),
    Damage(
        name="clipping",
        summary="The song is driven so far beyond full scale and clipped there, then brought back to its loudness.",
        strengths=("6 dB", "12 dB", "18 dB", "24 dB"),
        harms=("sound",),
        touches=("words", "style", "form", "stereo", "level"),
    ),
    Damage(
        name="mp3",
        summary="The song goes through an MP3 file of a low rate.",
        strengths=("96 kbit/s", "56 kbit/s", "24 kbit/s", "16 kbit/s"),
        harms=("sound",),
        touches=("words", "style", "form", "stereo", "level"),
    ),
    Damage(
        name="mono",
        summary="The difference of the channels is taken away.",
        strengths=("a quarter of it", "half of it", "three quarters", "all"),
        harms=("stereo",),
        touches=("level", "style"),
    ),
    Damage(
        name="loudness",
        summary="The song is made softer.",
        strengths=("3 dB", "6 dB", "12 dB", "20 dB"),
        harms=("level",),
    ),
    Damage(
        name="wrong_lyrics",
        summary="Lines are sung with other words.",
        strengths=("1/4 of the lines", "1/2", "3/4", "all"),
        harms=("words",),
        touches=("form", "style", "pitch", "level"),
    ),
    Damage(
        name="dropped_lines",
        summary="The voice leaves out phrases; the band plays on.",
        strengths=("1/4 of the phrases", "1/2", "3/4", "all"),
        harms=("words",),
        touches=("voice", "form", "style", "level", "stereo", "sound"),
    ),
    Damage(
        name="repeated_lines",
        summary="Lines are sung twice in a row.",
        strengths=("1/4 of the lines", "1/2", "3/4", "all"),
        harms=("words",),
        touches=("form", "style", "pitch", "level"),
    ),
    Damage(
        name="shuffled_sections",
        summary="Sections change places, cut at their borders.",
        strengths=("1 pair", "2 pairs", "3 pairs", "4 pairs"),
        harms=("form",),
        touches=("words", "style", "level"),
    ),
    Damage(
        name="dropped_sections",
        summary="Sections are cut out.",
        strengths=("1/4 of the sections", "1/2", "3/4", "all but one"),
        harms=("form",),
        touches=("words", "style", "level", "voice"),
    ),
    Damage(
        name="detuned_voice",
        summary="The voice is shifted against the band.",
        strengths=("25 cents", "50 cents", "100 cents", "200 cents"),
        harms=("pitch",),
        touches=("words", "style", "form", "sound", "level"),
    ),
    Damage(
        name="tempo_wobble",
        summary="The tempo swings every four seconds, the pitch stays.",
        strengths=("2 %", "5 %", "10 %", "20 %"),
        harms=("timing",),
        touches=("words", "style", "form", "sound", "stereo", "level"),
    ),
    Damage(
        name="voice_removed",
        summary="The voice is made softer; the band is not.",
        strengths=("6 dB", "12 dB", "24 dB", "gone"),
        harms=("voice", "words"),
        touches=("form", "style", "level", "stereo", "sound"),
    ),
    Damage(
        name="prompt_copied",
        summary="The beginning of the song is replaced by the style prompt, repeated.",
        strengths=("1/4 of the song", "1/2", "3/4", "all"),
        harms=("originality", "form", "words"),
        touches=("style", "voice", "level", "sound", "stereo", "timing"),
    ),
)

DAMAGES: dict[str, Damage] = {damage.name: damage for damage in _DAMAGES}
"""Every damage by name, in the order of tables."""

STRENGTHS = (1, 2, 3, 4)
"""0 stands for the undamaged song."""
