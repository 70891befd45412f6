"""What YuE is, what it takes, and what goes wrong when it is used as it comes."""

from __future__ import annotations

from songbench.plugin import Pitfall, SystemCard
from systems.yue.environment import CHECKOUT, LICENCE

PITFALLS = (
    Pitfall(
        "The last section is never sung, and lyrics of one section end the program.",
        "A last section without words is added, and recorded: it stands in the header that the model reads.",
    ),
    Pitfall(
        "Labels with a blank or a hyphen vanish with their words; a bracket inside a line starts a section.",
        "Labels are the plain section tags, and lines cannot hold brackets.",
    ),
    Pitfall(
        "Sections without words are made up as they come, with no length.",
        "They are left out, and the record says which.",
    ),
    Pitfall(
        "The genre becomes part of file names: a slash or a long text ends the program after minutes of work.",
        "Separators become blanks, and what is beyond 100 bytes is cut at a word; the record says so.",
    ),
    Pitfall(
        "A section is cut off at --max_new_tokens (30 s), whatever its words.",
        "Sections that probably need more are named in the record.",
    ),
    Pitfall(
        "The stems of a song replace those of the song before in the same folder.", "Each song has its own folder."
    ),
    Pitfall("File names hold a random number.", "The song is found by its pattern in an empty folder."),
    Pitfall("An output folder with stage1 in its path is rewritten.", "The folder is given relative to where it runs."),
    Pitfall(
        "When the tracks differ in length, the mix fails and only a message is printed.",
        "Success is judged by the file of the mix.",
    ),
    Pitfall(
        "When all sections together are shorter than 6 s, the program ends without a song.",
        "That is a failure with that cause; prompts so short are none of songs.",
    ),
    Pitfall(
        "Both models are compiled, which needs a C compiler and is part of the first minutes of every song.",
        "Times hold that and the loading, and are no speed.",
    ),
    Pitfall("Files are read in the machine's own encoding.", "Python's UTF-8 mode is switched on for it."),
    Pitfall("Abbreviated options are accepted.", "Options are written out."),
    Pitfall(
        "The main branch has been another program since September 2026.",
        "The commit of the first version is fetched; yue2 is a system of its own.",
    ),
    Pitfall("A clip as prompt needs the icl checkpoint.", "The variant icl asks for that checkpoint by itself."),
    Pitfall("The file that is written is an MP3.", "The record says so; it is kept as decoded."),
)


def card_of(name: str, *, audio: bool, languages: tuple[str, ...], max_new_tokens: int) -> SystemCard:
    """The card of a variant.

    Args:
        name: the row of the leaderboard.
        audio: conditioned on the prompt audio too.
        languages: that the checkpoints in use sing.
        max_new_tokens: of a section.
    """
    return SystemCard(
        name=name,
        version="1",
        summary="Two language models over codec tokens of voice and accompaniment, section by section.",
        licence=LICENCE,
        languages=(*languages, *(("mixed",) if "zh" in languages else ())),
        conditions=("lyrics", "style text", *(("prompt audio",) if audio else ())),
        sample_rate=44_100,
        citation="Yuan et al., YuE, 2025, arXiv 2503.08638",
        upstream=f"{CHECKOUT.repository}@{CHECKOUT.commit[:7]}",
        code_licence=LICENCE,
        weights_licence=LICENCE,
        style_rule="text; with the icl checkpoints a clip too",
        lyric_rules=("Blocks under a plain label, a blank line between them.", "About 30 s of words in a block."),
        length_rule=f"up to {max_new_tokens / 100:g} s for each section with words",
        stems=("vocals", "accompaniment"),
        seed_rule="honoured",
        vram_gib=80.0,
        output="MP3, 44.1 kHz",
        pitfalls=PITFALLS,
        verified=(
            "Its unmodified program with its own tokenizer and tiny random language models (stand-ins for the clone of "
            "xcodec_mini_infer and flash-attn); never with the released weights."
        ),
    )
