"""What JAM is, what it takes, and what goes wrong when it is used as it comes."""

from __future__ import annotations

from songbench.plugin import Dependence, Pitfall, SystemCard
from systems.jam.environment import CHECKOUT, CODE_LICENCE, WEIGHTS_LICENCE
from systems.jam.rendering import LONGEST_SECONDS, MOST_STYLE_LETTERS

PITFALLS = (
    Pitfall(
        "Every word needs a start and an end; its authors take them from a recording of the very song.",
        "They come from the published rule and are recorded as predicted: another task than its authors'.",
    ),
    Pitfall("Section tags have no place.", "They are left out, and the record says so."),
    Pitfall(
        "A word of which its phonemizer keeps no letter raises an error, for which the whole song is skipped, exit code"
        " 0.",
        "Only words with letters are given; accents are taken off, and other scripts are unsupported.",
    ),
    Pitfall(
        "Words such as st, co or hon are read as saint, company and honorable, and words in capitals letter by letter.",
        "Words are given in small letters, with an apostrophe inside those, which is dropped after that step.",
    ),
    Pitfall(
        "A word shorter than a lyric frame (11.6 ms) is dropped.", "By the rule none is timed faster than it is spoken."
    ),
    Pitfall(
        "Words that start after the song's end are dropped; without words an instrumental is made, without a message.",
        "The length holds all words; where they cannot be sung so fast, the prompt is unsupported.",
    ),
    Pitfall("A style text is cut after 300 characters.", f"More than {MOST_STYLE_LETTERS} characters are unsupported."),
    Pitfall("A path of audio has to be given with a style in words as well.", "The key is there, and nothing is read."),
    Pitfall(
        "A missing checkpoint or list, or a song that was skipped, ends it with exit code 0.",
        "Success is judged by the song's file.",
    ),
    Pitfall(
        "The id of a song becomes a part of four paths, unchecked.",
        "Each song has an id of ours and a folder of its own.",
    ),
    Pitfall(
        "A seed stands in its configuration, and nothing reads it.",
        "All generators are seeded before the program starts.",
    ),
    Pitfall(
        "A random piece of the style audio fails when that is shorter than 30 s.",
        "The first 30 s are taken, as by default.",
    ),
    Pitfall(
        "A second group of sampling settings is drawn from at random for each song.", "There is one group of settings."
    ),
    Pitfall("Unknown options are accepted in silence.", "The names of those given are held to its configuration."),
    Pitfall(
        f"Songs are cut to the length asked for and never padded; it makes {LONGEST_SECONDS:g} s at most.",
        "Longer wishes are cut down, and the record says so.",
    ),
    Pitfall(
        "It writes MP3 only, brought to -14 LUFS.",
        "The record names the codec; its level says nothing beside others.",
    ),
    Pitfall("A silent song becomes NaN when it is brought to that level.", "A file that holds NaN is a failure."),
    Pitfall(
        "torchaudio writes MP3 through the shared libraries of FFmpeg (4 to 6), which no package brings.",
        "They have to be installed in the operating system; without them each song is a failure that says so.",
    ),
    Pitfall(
        "Its start script ends with exit code 0 whatever becomes of the program.", "The program is run without it."
    ),
)


def card_of(style: str) -> SystemCard:
    """The card of a variant.

    Args:
        style: ``text`` or ``audio``.
    """
    return SystemCard(
        name="jam" if style == "text" else "jam:audio",
        version="1",
        summary="A small flow model of whole songs from words with their times and a style.",
        licence=WEIGHTS_LICENCE,
        languages=("en",),
        conditions=("lyrics", "style text" if style == "text" else "prompt audio"),
        max_seconds=LONGEST_SECONDS,
        sample_rate=44_100,
        citation="Liu et al., JAM: A Tiny Flow-based Song Generator, 2025, arXiv 2507.20880",
        depends_on=(Dependence("muq-mulan", "conditioned on this very encoder"),),
        upstream=f"{CHECKOUT.repository}@{CHECKOUT.commit[:7]}",
        code_licence=CODE_LICENCE,
        weights_licence=f"{WEIGHTS_LICENCE}; style encoder MuQ-MuLan: CC BY-NC 4.0",
        style_rule="text or audio, exactly one",
        lyric_rules=("A start and an end for every word, and no tags.", "English only."),
        length_rule=f"as asked, {LONGEST_SECONDS:g} s at most; what the words need where nothing is asked",
        seed_rule="set by the worker",
        vram_gib=8.0,
        output="MP3, 44.1 kHz, stereo, -14 LUFS",
        pitfalls=PITFALLS,
        verified=(
            "Its unmodified program without its networks: list, words, style, level, length and file; never with the "
            "released weights."
        ),
    )
