"""The card of DiffRhythm 2."""

from __future__ import annotations

from songbench.plugin import Dependence, Pitfall, SystemCard
from systems.diffrhythm2.environment import CHECKOUT
from systems.diffrhythm2.rendering import MOST_SECONDS

CONDITIONS = {"text": ("lyrics", "style text"), "audio": ("lyrics", "prompt audio")}
"""By style."""

PITFALLS = (
    Pitfall(
        "A tag is known only if the whole line equals it; [Verse], [verse 1] and '[verse] ' are sung.",
        "Tags come from a table of the fixed list, each alone in its line.",
    ),
    Pitfall(
        "An empty line, also the one after a line end at the end of the file, raises 'Unknown language', and the run"
        " ends without a song.",
        "No empty line is written, and no line end at the end.",
    ),
    Pitfall(
        "So does a line without a Latin letter or a Chinese character, such as '123' or '…'.",
        "Such prompts are unsupported.",
    ),
    Pitfall(
        "Letters of other scripts inside a line are left out (kana) or spelled (Cyrillic) without a word.",
        "Such prompts are unsupported.",
    ),
    Pitfall(
        "The lyrics of a song are the path of a file, not a text.",
        "They are written to a file; the list names it by its absolute path.",
    ),
    Pitfall(
        "A style clip of more than 10 s is cut at a random place, out of a generator that is never seeded.",
        "The first 10 s are given, at the encoder's 24 kHz.",
    ),
    Pitfall(
        "A style text that is the name of an existing file is listened to instead.",
        "Style texts that look like a file's name are unsupported.",
    ),
    Pitfall(
        "--fake-stereo takes any text for true, 'False' and '0' too.",
        "The setting 'fake_stereo' gives 'True' or an empty text.",
    ),
    Pitfall(
        "The right channel is the left one, 10 ms later and 0.8 times as loud: their mean is a comb filter.",
        "The song is the left channel alone, and no metric of stereo width applies to it.",
    ),
    Pitfall(
        "Songs are written as MP3 only.",
        "The record says that they are lossy.",
    ),
    Pitfall(
        "song_name becomes a file's name unchecked: a slash fails, and equal names overwrite each other.",
        "It is a fixed name, one song a call.",
    ),
    Pitfall(
        "A song without lyrics or style is skipped with exit code 0; a blank line of the list ends the run.",
        "The list holds one song with both; whether there is a song is judged by the file alone.",
    ),
    Pitfall(
        "There is no seed.",
        "All generators are seeded from outside before the program begins, and nothing seeds them again.",
    ),
    Pitfall(
        "Files are read in the encoding of the machine.",
        "The list is ASCII, and Python runs in its UTF-8 mode.",
    ),
    Pitfall(
        "py3langid is not pinned and breaks it from 0.4.0 on; inflect is imported and not required; librosa 0.9.2 needs"
        " pkg_resources, which newer setuptools no longer has; transformers 4.57 breaks it.",
        "The environment pins all four.",
    ),
    Pitfall(
        "The same code at xiaomi-research/diffrhythm2@c48bb20 stops at two breakpoints.",
        "The pinned commit has none.",
    ),
    Pitfall(
        "Weights are asked for at the hub in each run.",
        "They lie where the program looks for them, and the hub is switched off.",
    ),
    Pitfall(
        "Japanese has a reader of its own in its code, which the program does not use.",
        "Its card has English and Mandarin only.",
    ),
)


def card_of(name: str, style: str) -> SystemCard:
    """The card with one kind of style.

    Args:
        name: the row of the leaderboard.
        style: a key of `CONDITIONS`.
    """
    return SystemCard(
        name=name,
        version="1",
        summary="Block flow matching over 5 Hz latents, ending by itself.",
        licence="Apache-2.0",
        languages=("en", "zh", "mixed"),
        conditions=CONDITIONS[style],
        max_seconds=MOST_SECONDS,
        sample_rate=48_000,
        citation="Jiang et al., DiffRhythm 2: Efficient and High Fidelity Song Generation via Block Flow Matching,"
        " arXiv 2510.22950",
        depends_on=(
            Dependence("muq-mulan", "conditioned on this very encoder"),
            Dependence("songeval", "from the same laboratory; a third of the rated songs are its own"),
            Dependence("songformer", "from the laboratory that made SongFormer"),
        ),
        upstream=f"{CHECKOUT.repository}@{CHECKOUT.commit}",
        code_licence=CHECKOUT.licence,
        weights_licence="Apache-2.0; MuQ and MuQ-MuLan inside: CC BY-NC 4.0",
        style_rule="text or audio, not both",
        lyric_rules=(
            "A line each; [start] first and [end] last.",
            "Tags: [intro] [verse] [chorus] [bridge] [inst] [outro], to the letter.",
            "Every line has a Latin letter or a Chinese character.",
        ),
        length_rule=f"the model ends the song, by {MOST_SECONDS:g} s at the latest",
        seed_rule="set by the worker",
        output="MP3, 48 kHz, the second channel made out of the first",
        pitfalls=PITFALLS,
        verified=(
            "Its unmodified program with all of its models, random and small, in single precision; the words and the"
            " style of every prompt reach them, by its own reader and tokenizer. No song was made with its weights."
        ),
    )
