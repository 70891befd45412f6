"""What DiffRhythm 1.2 is, what it takes, and what goes wrong when it is used as it comes."""

from __future__ import annotations

from songbench.plugin import Dependence, Pitfall, SystemCard
from systems.diffrhythm.environment import CHECKOUT, LICENCE

PITFALLS = (
    Pitfall("Structure tags in the lyrics are sung as words.", "Tags are left out, and the record says which."),
    Pitfall(
        "Lyrics need a time for every line; gaps that are too short skip words, too long ones repeat them.",
        "Lines get their times from the published rule, which the record names with all times.",
    ),
    Pitfall(
        "Of the last line the base model makes nothing.",
        "A last line that nobody asked for is added, and recorded.",
    ),
    Pitfall(
        "A line without a letter (a bare stamp, 123, ..., an emoji, Hangul) ends the program without a file.",
        "Such prompts are unsupported, and the line is named.",
    ),
    Pitfall(
        "Kana vanish from a Mandarin line, and are sung as the words 'Japanese letter' in an English one.",
        "Prompts with letters of other scripts are unsupported.",
    ),
    Pitfall(
        "A byte-order mark loses the first line; stamps of other than two digits spoil or lose theirs.",
        "Lyrics are written without a mark, with stamps in the columns that are read.",
    ),
    Pitfall(
        "Lines that start at or after the song's end are dropped in silence.",
        "Lines are timed to end before; where they cannot be sung so fast, the prompt is unsupported.",
    ),
    Pitfall(
        "Lengths other than exactly 95 s, or 96 to 285 s, are refused, and the length chooses the weights.",
        "The base model is asked for 95 s, the full one for the nearest length it has; the record says so.",
    ),
    Pitfall("A prompt audio of less than 10 s ends the program.", "It is refused with its length."),
    Pitfall(
        "With both kinds of style, or none, the program ends.",
        "The setting style chooses one; a prompt that lacks it is unsupported.",
    ),
    Pitfall("The file is always called output.wav, so that songs replace each other.", "Each song has its own folder."),
    Pitfall(
        "Of several candidates one is taken, always the same one, without regard to how it sounds.",
        "One candidate is made; the setting candidates makes more, and the record says so.",
    ),
    Pitfall("There is no option for the seed.", "All generators are seeded before the program starts."),
    Pitfall(
        "Weights are loaded without checking their names: those of version 1 or of anything else do as well.",
        "Weights come from the repository of version 1.2; others are not accepted under its name.",
    ),
    Pitfall(
        "py3langid is not pinned (0.4.0 breaks it), wandb not named; transformers from 4.57 on break its layers.",
        "The environment names all three.",
    ),
    Pitfall(
        "Assets are found only from the root of the repository, and weights beside them.",
        "It runs there, in a tree of links, so that nothing is written into the checkout.",
    ),
)


def card_of(name: str, *, full: bool, style: str) -> SystemCard:
    """The card of a variant.

    Args:
        name: the row of the leaderboard.
        full: the full model instead of the base model.
        style: ``text`` or ``audio``.
    """
    return SystemCard(
        name=name,
        version="1",
        summary="Latent diffusion of whole songs from lyrics with line times and a style.",
        licence=LICENCE,
        languages=("en", "zh", "mixed"),
        conditions=("lyrics", "style text" if style == "text" else "prompt audio"),
        max_seconds=285.0 if full else 95.1,
        sample_rate=44_100,
        citation="Ning et al., DiffRhythm, 2025, arXiv 2503.01183",
        depends_on=(
            Dependence("muq-mulan", "conditioned on this very encoder"),
            Dependence("songeval", "from the same laboratory; a third of the rated songs are its own"),
            Dependence("songformer", "from the laboratory that made SongFormer"),
        ),
        upstream=f"{CHECKOUT.repository}@{CHECKOUT.commit[:7]}",
        code_licence=LICENCE,
        weights_licence=f"{LICENCE}; style encoder MuQ-MuLan: CC BY-NC 4.0",
        style_rule="text or audio, exactly one",
        lyric_rules=("A time for every line, and no tags.", "English and Mandarin, also within one line."),
        length_rule="96 to 285 s as asked" if full else "always 95 s",
        seed_rule="set by the worker",
        vram_gib=8.0,
        output="WAV, 44.1 kHz, stereo, 16 bit, peak at full scale",
        pitfalls=PITFALLS,
        verified=(
            "Its unmodified program with the package muq and tiny random weights (a stand-in for the autoencoder), and "
            "its own tokenizer on every prompt; never with the released weights."
        ),
    )
