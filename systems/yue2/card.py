"""The card of YuE2."""

from __future__ import annotations

from songbench.plugin import Pitfall, SystemCard
from systems.yue2.environment import CHECKOUT, LICENCE
from systems.yue2.rendering import MOST_SECONDS

PITFALLS = (
    Pitfall(
        "Asked for nothing, it sings a Mandarin example of its own.",
        "Every call has a request file with id, style, lyrics, plan and seed.",
    ),
    Pitfall(
        "A request with an unknown field, or a batch without unique ids, is refused.",
        "A request has the fields of its protocol, and an id of prompt and take.",
    ),
    Pitfall(
        "An output folder that is not empty is an error without --resume.",
        "Every call has an empty folder; what is missing is made again by songbench.",
    ),
    Pitfall(
        "At its limit of tokens a song is cut short and counts as complete.",
        "The 'truncated' of its result.json becomes a note of the song.",
    ),
    Pitfall(
        "Scores of its authors come from the decoder YuE2-Vae-legacy; the default is YuE2-Vae.",
        "The setting 'vae' chooses, and the record names the decoder.",
    ),
    Pitfall(
        "Its published 'YuE2' is the better of two songs by their error in words, 'bo8' the best of eight.",
        "One request gives one song, and the record says best of 1.",
    ),
    Pitfall(
        "The guidance depends on the plan: 1.0 with one, 1.01 without.",
        "Plan and guidance in force are in the record.",
    ),
    Pitfall(
        "--offload-nar is on and the flag of that name changes nothing; only --no-offload-nar does.",
        "The setting 'offload' gives the latter or nothing.",
    ),
    Pitfall(
        "With --stage plan no audio is written.",
        "The option is not given, so that the stage is audio.",
    ),
    Pitfall(
        "Request files are read in the encoding of the machine.",
        "They are written in ASCII.",
    ),
    Pitfall(
        "The style text is to name the language.",
        "English or Mandarin is put before it where it does not, which the record shows.",
    ),
    Pitfall(
        "Other devices or versions can give another song for the same seed.",
        "The environment is pinned, and the record names device and packages.",
    ),
    Pitfall(
        "The time that it prints holds the loading of the transformer.",
        "The seconds of its parts are taken from result.json; they hold no loading but that of the small decoder.",
    ),
    Pitfall(
        "Its wheel is on no package index, and the name YuE at its address was another model before September 2026.",
        "It runs from the pinned commit of its repository; the model before it is the system 'yue'.",
    ),
)


def card_of(name: str) -> SystemCard:
    """The card, whose name is the row of the leaderboard."""
    return SystemCard(
        name=name,
        version="1",
        summary="One transformer plans a score, sings it as tokens and renders these by flow matching.",
        licence=f"Apache-2.0; weights: {LICENCE}",
        languages=("en", "zh", "mixed"),
        conditions=("lyrics", "style text"),
        max_seconds=MOST_SECONDS,
        sample_rate=48_000,
        citation="https://github.com/multimodal-art-projection/YuE",
        upstream=f"{CHECKOUT.repository}@{CHECKOUT.commit}",
        code_licence=CHECKOUT.licence,
        weights_licence=LICENCE,
        style_rule="text",
        lyric_rules=(
            "A line each under tags such as [Verse] and [Chorus]; which other tags it knows nobody says.",
            "Style text: genre, instruments, voice, language and tempo.",
        ),
        length_rule=f"the model ends the song, by {MOST_SECONDS:g} s at the latest",
        seed_rule="honoured",
        vram_gib=24.0,
        output="FLAC, 48 kHz, stereo, 24 bit",
        pitfalls=PITFALLS,
        verified=(
            "Arguments against a parser built from its contract, read in a file index of the pinned commit; the rest"
            " against a stand-in. None of its code was run."
        ),
    )
