"""The card of LeVo."""

from __future__ import annotations

from songbench.plugin import Dependence, Pitfall, SystemCard
from systems.levo.environment import CHECKOUT, LICENCE
from systems.levo.rendering import STEMS, LevoCall

CONDITIONS = {
    "text": ("lyrics", "style text"),
    "audio": ("lyrics", "prompt audio"),
    "auto": ("lyrics",),
}
"""By style. With ``auto`` the program draws a clip from its own library."""

PITFALLS = (
    Pitfall(
        "Generation 1 or 2 is decided by the last part of the model's path: a slash at its end, or any unknown name,"
        " silently means generation 2.",
        "The model lies in a folder of its released name, and its path ends without a slash.",
    ),
    Pitfall(
        "The same command samples otherwise on another GPU: temperature 0.8 and top-k 5000 above 24, 32 or 36 GiB of"
        " device memory by model, 0.9 and 50 below.",
        "The setting 'memory' decides; 'normal' fails where the program falls back, and the song's record names the"
        " values in force.",
    ),
    Pitfall(
        "Generation 2 puts [Musicality-very-high] before every description, unasked.",
        "It cannot be switched off; the record has it in the style text and under 'added'.",
    ),
    Pitfall(
        "torch is never seeded, and numpy is seeded from the clock.",
        "torch is seeded from outside before the program begins, and nothing of a song but the choice of a library clip"
        " comes from numpy: so seeds are honoured with text and audio, and not with 'auto'.",
    ),
    Pitfall(
        "Vocals of an audio prompt are kept in ./tmp by the file's name alone: another clip of that name gets the old"
        " vocals.",
        "Every song has a work tree of its own, so that there is no ./tmp from before.",
    ),
    Pitfall(
        "A description and an audio prompt together are accepted, though its authors warn of it.",
        "A variant takes one of the two.",
    ),
    Pitfall(
        "Descriptions have to be tags with commas between them; sentences follow badly, and capitals are made small.",
        "The style text is parted at its punctuation and made lower case; a part of more than five words is noted.",
    ),
    Pitfall(
        "The semicolon sets sections apart, a full stop ends a sentence, and full-width punctuation is not known.",
        "Lines are written in half-width punctuation; semicolons in them become commas.",
    ),
    Pitfall(
        "Only [verse], [chorus] and [bridge] take words; sections without words are known by a length in their name.",
        "A sung intro or outro becomes [verse]; seconds become -short (to 10 s), -medium (to 20 s) and -long.",
    ),
    Pitfall(
        "Its own choice of a library clip divides by the length of the lyrics.",
        "Lyrics are never empty: prompts in which nothing is sung are unsupported.",
    ),
    Pitfall(
        "A blank line or one bad line of the list ends the run before the first song; an unknown prompt type, too.",
        "A list holds one song, as JSON in ASCII; types are checked before.",
    ),
    Pitfall(
        "idx becomes part of a path unchecked, and fails at save time, after all the work.",
        "idx is a fixed name without a slash.",
    ),
    Pitfall(
        "Without a GPU it prints a line and ends with exit code 0; so it does when songs are missing.",
        "Whether there is a song is judged by the file alone.",
    ),
    Pitfall(
        "In low-memory mode a crash while the last song is decoded loses all songs of the list.",
        "A list holds one song.",
    ),
    Pitfall(
        "Lyrics or descriptions that are longer than the text encoder takes are cut with a warning only.",
        "The warning becomes a note of the song.",
    ),
    Pitfall(
        "The README says that songs are in audio/, the program writes audios/; its copy of the list is .jsonl.jsonl.",
        "The adapter looks for audios/ and leaves the copy alone.",
    ),
    Pitfall(
        "With --generate_type separate the mix and the two stems are three separate decodings, which do not add up; in"
        " low-memory mode the stems are decoded without the audio prompt.",
        "Stems are off unless the setting 'stems' is on, and the song then says so.",
    ),
    Pitfall(
        "With --generate_type bgm the lyrics become a full stop, and without a description all of generation 2's do.",
        "The mode is not used; prompts in which nothing is sung are unsupported.",
    ),
    Pitfall(
        "The checkpoint is loaded with strict=False, so that a wrong file is not noticed.",
        "Weights are named by their release and checked by their recorded sha256.",
    ),
    Pitfall(
        "hydra 1.0.7 and omegaconf 2.2.0 cannot be installed together by their own account.",
        "They are installed in a second step, without their dependencies.",
    ),
)


def card_of(name: str, call: LevoCall) -> SystemCard:
    """The card of one model with one kind of style.

    Args:
        name: the row of the leaderboard.
        call: what is the same for all songs.
    """
    release, low = call.release, call.memory == "low"
    vram = release.vram_audio_gib if call.style == "audio" else release.vram_gib
    return SystemCard(
        name=name,
        version="1",
        summary=f"SongGeneration-{release.name}: a hierarchical language model over codec tokens, then diffusion.",
        licence=LICENCE,
        languages=release.languages,
        conditions=CONDITIONS[call.style],
        max_seconds=release.max_seconds,
        sample_rate=48_000,
        citation="Lei et al., LeVo: High-Quality Song Generation with Multi-Preference Alignment, arXiv 2506.07520",
        upstream=f"{CHECKOUT.repository}@{CHECKOUT.commit}",
        code_licence=LICENCE,
        weights_licence=LICENCE,
        style_rule="text, audio, or a clip of its own library; one of them",
        lyric_rules=(
            "Sections are set apart by ' ; '; [verse], [chorus] and [bridge] take words.",
            "English sentences end with a full stop; Chinese phrases are parted by one, and the last has none.",
            "Sections without words are [intro], [inst] or [outro] with -short, -medium or -long, or [silence].",
        ),
        length_rule=f"the model ends the song, by {release.max_seconds:g} s at the latest",
        stems=tuple(STEMS) if call.stems else (),
        seed_rule="not reachable" if call.style == "auto" else "set by the worker",
        vram_gib=vram if low else release.normal_gib,
        output="FLAC, 48 kHz, stereo",
        pitfalls=PITFALLS,
        depends_on=(Dependence("tencent-songbench", "from the group that made this scorer"),),
        verified=(
            "Its unmodified program from the argument parser to the file it writes, with the models absent: the words"
            " and the style of every prompt reach the model; tags against its vocabulary. No song was made with its"
            " weights."
        ),
    )
