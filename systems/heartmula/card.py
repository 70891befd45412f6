"""What HeartMuLa is, and what goes wrong in silence when it is used as it comes."""

from __future__ import annotations

from songbench.plugin import Dependence, Pitfall, SystemCard
from systems.heartmula.environment import CHECKOUT, LICENCE

PITFALLS = (
    Pitfall(
        "Lyrics or tags that are the name of a file are read from that file.",
        "Both are always given as files, under names of ours.",
    ),
    Pitfall("Everything is put in lower case.", "It is given, and recorded, in lower case."),
    Pitfall(
        "Section tags other than the plain ones are sung.",
        "Only those that its authors show are given; [inst] and [silence] are left out, which is recorded.",
    ),
    Pitfall("An audio prompt is an error of its library.", "It is not offered; prompt audio is not used."),
    Pitfall("Its program stops at 240 s and its library at 120 s unless told otherwise.", "The limit is always given."),
    Pitfall(
        "Nothing says whether a song was cut at the limit, which is counted after the first frame.",
        "A song as long as the limit is noted as cut.",
    ),
    Pitfall(
        "Short lyrics are sung again until the song is long enough, past the outro.",
        "Nothing can be done: what is sung twice counts in the error rates.",
    ),
    Pitfall("There is no option for the seed.", "All generators are seeded before the unmodified program starts."),
    Pitfall("MP3 is the usual format, which loses and needs further programs.", "WAV is asked for."),
    Pitfall(
        "The folder of the model has one name for every release.",
        "Each release is a variant; its weights and their commit are part of every song's key.",
    ),
    Pitfall(
        "Loading on demand is switched off in silence where the two models run on different devices.",
        "Those settings together are refused.",
    ),
    Pitfall("Guidance of exactly 1 switches its second branch off.", "The value in force is recorded."),
)


def card_of(variant: str, summary: str, limit_seconds: float) -> SystemCard:
    """The card of a release.

    Args:
        variant: as it is written behind ``heartmula:``, "" for the usual one.
        summary: which release it is.
        limit_seconds: where songs are cut.
    """
    return SystemCard(
        name=f"heartmula:{variant}" if variant else "heartmula",
        version="1",
        summary=f"Language model of 3 B parameters over codec tokens of 12.5 Hz: {summary}",
        licence=LICENCE,
        languages=("en", "zh", "ja", "ko", "es", "mixed"),
        conditions=("lyrics", "style text"),
        max_seconds=limit_seconds,
        sample_rate=48_000,
        citation="Yang et al., HeartMuLa: A Family of Open Sourced Music Foundation Models, 2026, arXiv 2601.10547",
        depends_on=(
            Dependence("muq-mulan", "tuned by DPO on MuQ similarity"),
            Dependence("songeval", "tuned by DPO on these ratings"),
            Dependence("audiobox-aesthetics", "tuned by DPO on these ratings"),
        ),
        upstream=f"{CHECKOUT.repository}@{CHECKOUT.commit}",
        code_licence=LICENCE,
        weights_licence=LICENCE,
        style_rule="text, as tags",
        lyric_rules=(
            "Sections under [intro], [verse], [chorus], [bridge] and [outro]; other tags would be sung.",
            "In lower case.",
        ),
        length_rule=f"the system decides, up to {limit_seconds:g} s",
        seed_rule="set by the worker",
        vram_gib=12.0,
        output="WAV, 48 kHz, 32-bit float",
        pitfalls=PITFALLS,
        verified="Its unmodified program with all of its models, random and small; with the models absent, the words"
        " and the style of every prompt reach its tokenizer; never with the released weights.",
    )
