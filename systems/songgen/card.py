"""What SongGen is, what it takes, and what goes wrong when it is used as it comes."""

from __future__ import annotations

from songbench.plugin import Dependence, Pitfall, SystemCard
from systems.songgen.environment import CHECKOUT, LICENCE, MERT
from systems.songgen.rendering import LONGEST_SECONDS

PITFALLS = (
    Pitfall("Section tags in the lyrics are sung as words.", "Tags are left out, and the record says which."),
    Pitfall(
        "A line's end becomes a full stop, and with it words such as co, st or hon become company, saint, honorable.",
        "Such a word at the end of a line is set apart from the stop.",
    ),
    Pitfall(
        "Letters that are not in its vocabulary become unknown tokens.",
        "Such prompts are unsupported, and the line is named.",
    ),
    Pitfall(
        f"A song ends after {LONGEST_SECONDS:g} s, whether or not all words were sung, and nothing says so.",
        "Words that cannot be sung in that time are unsupported; a song that reaches the limit says so.",
    ),
    Pitfall(
        "No length can be asked for, and instrumental sections have no place.", "Both are named in the song's record."
    ),
    Pitfall(
        "Where nothing was generated it gives one sample of silence.", "Less than a tenth of a second is a failure."
    ),
    Pitfall("There is no option for the seed.", "All generators are seeded before each song."),
    Pitfall(
        "A separator, X-Codec and MERT are loaded in any case, from where its authors' machine had them.",
        "They are laid out at these places; nothing is fetched while it runs.",
    ),
    Pitfall(
        "The codec's weights have to lie inside its code.", "It runs from a copy of its code, and the checkout stays."
    ),
    Pitfall(
        "A voice can be given by 3 s of sound, from which one that starts too late or holds a band gives what it will.",
        "No voice is given: 3 s of a voice are no style, so prompt audio is not taken.",
    ),
    Pitfall("An undocumented reference clip of an unknown kind ends with KeyError.", "None is given."),
    Pitfall("It makes one song at a time.", "It is asked for one at a time; the model stays loaded."),
    Pitfall(
        "Its requirements name a package ffmpeg, which is not the program of that name.",
        "It is left out; no file of its own is compressed.",
    ),
    Pitfall(
        "Later versions of transformers have an X-Codec of their own and refuse the name of this one.",
        "The environment pins 4.43.3.",
    ),
    Pitfall(
        "It writes 16 kHz: nothing above 8 kHz is there, which some metrics hear and others do not.",
        "The rate is on the card and is kept.",
    ),
)


def card_of(name: str, *, tracks: bool) -> SystemCard:
    """The card of a variant.

    Args:
        name: the row of the leaderboard.
        tracks: whether it gives voice and band apart.
    """
    return SystemCard(
        name=name,
        version="1",
        summary="An autoregressive transformer over codec tokens, "
        + ("voice and band as two tracks." if tracks else "voice and band as one track."),
        licence=LICENCE,
        languages=("en",),
        conditions=("lyrics", "style text"),
        max_seconds=LONGEST_SECONDS,
        sample_rate=16_000,
        citation="Liu et al., SongGen: A Single Stage Auto-regressive Transformer for Text-to-Song Generation, 2025, "
        "arXiv 2502.13128",
        depends_on=(Dependence("mert", "trained with its features of reference voices"),),
        upstream=f"{CHECKOUT.repository}@{CHECKOUT.commit[:7]}",
        code_licence=LICENCE,
        weights_licence=f"{LICENCE}; MERT: {MERT.licence}",
        lyric_rules=("Plain lines without tags.", "English only."),
        length_rule=f"the model ends it, after {LONGEST_SECONDS:g} s at most",
        stems=("vocals", "accompaniment") if tracks else (),
        seed_rule="set by the worker",
        output="WAV, 16 kHz, mono, 32 bit float",
        pitfalls=PITFALLS,
        verified=(
            "Its unmodified processor with its tokenizer and all that it loads by name, without models; never with "
            "the released weights."
        ),
    )
