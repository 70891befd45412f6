"""What ACE-Step 1.5 is, and what goes wrong in silence when it is used as it comes, in each state of its code."""

from __future__ import annotations

from songbench.plugin import Pitfall, SystemCard
from systems.acestep15.environment import CHECKOUT, LICENCE
from systems.acestep15.rendering import CAPTION_CHARACTERS, LONGEST_SECONDS, LYRIC_CHARACTERS, SHORTEST_SECONDS
from systems.acestep15.revision import Revision
from systems.acestep15.variants import Task, Variant

LANGUAGES = (
    *("ar", "az", "bg", "bn", "ca", "cs", "da", "de", "el", "en"),
    *("es", "fa", "fi", "fr", "he", "hi", "hr", "ht", "hu", "id"),
    *("is", "it", "ja", "ko", "la", "lt", "ms", "ne", "nl", "no"),
    *("pa", "pl", "pt", "ro", "ru", "sa", "sk", "sr", "sv", "sw"),
    *("ta", "te", "th", "tl", "tr", "uk", "ur", "vi", "yue", "zh"),
    *("mixed",),
)
"""Its own list; English mixed with Mandarin is given as of unknown language."""

STYLE_RULES = {
    "text": "text",
    "audio": "prompt audio, as a reference of timbre",
    "both": "text, and prompt audio as a reference of timbre",
}

VRAM_GIB = {"none": 4.0, "0.6B": 6.0, "1.7B": 12.0, "4B": 16.0}
"""By language model, as its authors say."""

_ALWAYS = (
    Pitfall(
        "The seed among the parameters is never read; only one in the configuration counts, and only when random seeds"
        " are switched off there.",
        "The seed is in the configuration, random seeds are off, and the seed reported is compared with it.",
    ),
    Pitfall(
        "With random seeds the list is drawn twice, so that the seed reported is not the one that made the sound.",
        "Random seeds are off.",
    ),
    Pitfall("One seed for several songs seeds only the first.", "One song per call."),
    Pitfall(
        "The language model samples from the global generators, whatever the seed.",
        "All generators are seeded before each song.",
    ),
    Pitfall(
        "Of reference audio three pieces of 10 s are taken at random, without the seed.",
        "The generator they come from is seeded before each song.",
    ),
    Pitfall(
        "Reference audio that is silent or cannot be read is left out, and the song made without it.",
        "Such a song is a failure.",
    ),
    Pitfall(
        "Reference audio is a reference of timbre and no style prompt in the sense of other systems.",
        "The card says so, and variants that take it are rows of their own.",
    ),
    Pitfall(
        "The language model rewrites the style text, and may replace the language.",
        "Both are off; a setting turns them on, and what became of the text is noted with the song.",
    ),
    Pitfall(
        "Where the language model cannot be loaded, songs are made without it, or by another backend.",
        "That is an error.",
    ),
    Pitfall(
        "A style text of more than 512 characters, lyrics of more than 4096 are not what it was made for.",
        "Such prompts are unsupported.",
    ),
    Pitfall(
        "Of the style text with its instruction 256 tokens are read, of the lyrics 2048, and the rest is left out.",
        "A style text that was cut is noted with the song; lyrics that were cut are a failure.",
    ),
    Pitfall("An open length is filled by the language model.", "Every song is asked for with a length."),
    Pitfall(
        "Errors are caught and only reported: the result then says that it has no success.",
        "Its text is the cause of the failure.",
    ),
    Pitfall('A file that could not be saved has the path "", and success.', "That is a failure."),
    Pitfall(
        "Files are named by a digest of the parameters, so that the same song writes the same file again.",
        "Each song has a folder of its own, and its file is the only one there.",
    ),
    Pitfall(
        "The usual shift of 1 splits what turbo makes; 3 is advised.",
        "Each model has its advised shift; others than it was made for are refused.",
    ),
    Pitfall(
        "Turbo takes no guidance, and cuts its steps to 8.", "Settings of guidance or more steps are refused for turbo."
    ),
    Pitfall(
        "Formats other than its own become FLAC under the suffix that was asked for.",
        "FLAC is asked for, which it has.",
    ),
    Pitfall(
        "Weights that are not in its folder are fetched from wherever they are found.",
        "Only what was set up is laid out for it, and nothing is fetched.",
    ),
    Pitfall(
        "A device that is not there is replaced by the CPU.",
        "A device that was asked for and is not there is an error.",
    ),
    Pitfall("Release candidates of Python 3.11.0 crash in vLLM.", "They are refused with vLLM."),
    Pitfall(
        "Blanks between Chinese characters and many tags make it lose lyrics.",
        "Lines are given as they are written, one plain tag per section.",
    ),
)
_AT_PINNED = (
    Pitfall(
        "Without a length, that of the reference audio is taken: 10 s of it give a song of 10 s.",
        "Every song is asked for with a length.",
    ),
    Pitfall(
        "Lengths above what the memory of the device allows are cut, with a line in the log only: to 180 s on a CPU.",
        "The length that was made is compared with the one asked for; less is noted with the song.",
    ),
    Pitfall(
        "It reads reference audio by the libraries of FFmpeg, and makes the song without it where they are absent.",
        "It is read by soundfile.",
    ),
    Pitfall("A silent song is not saved, and is a success.", "It is a failure that says so."),
    Pitfall(
        "It looks for weights beside its own code, whichever folder it is given.",
        "It is given a folder of links that takes that place; the checkout is only read.",
    ),
    Pitfall("A cover without any source becomes a song from text.", "Only songs from text are asked for."),
)
_LATER = (
    Pitfall("Songs are brought to a peak of -1 dBFS unless that is switched off.", "It is switched off."),
    Pitfall("A silent song is saved like any other.", "It is a failure that says so."),
    Pitfall("It writes its own code over that beside the weights.", "It is given copies of such files to write to."),
)


_COMPLETION = (
    Pitfall(
        "Only the base model completes a vocal; turbo models do something else with the same words, and say nothing.",
        "The variant is that of the base model, without a language model.",
    ),
    Pitfall(
        "With a language model that thinks, the codes it writes are followed instead of the vocal.",
        "There is no language model.",
    ),
    Pitfall(
        "A vocal that cannot be read or is silent is left out, and music of a random length is made from the text.",
        "Such a vocal is a failure that says so.",
    ),
    Pitfall(
        "What is to be added is an English sentence, of which nothing checks that it is the one it learnt.",
        "The sentence of its own code is written, and stands in the song's record.",
    ),
    Pitfall(
        "Whether the vocal sounds in what comes out is not documented: it is called mixed accompaniment tracks.",
        "Nothing is taken away from it; the card and every song say that this is not known, and leakage shows it.",
    ),
)


def pitfalls_of(revision: Revision, task: Task = "song") -> tuple[Pitfall, ...]:
    """Those of one state of the code."""
    return (*_ALWAYS, *(_LATER if revision.later else _AT_PINNED), *(_COMPLETION if task == "complete" else ()))


def card_of(variant: Variant, revision: Revision) -> SystemCard:
    """The card of a variant, by a state of the authors' code."""
    release = variant.release
    guided = "guidance-distilled" if release.turbo else "guided"
    planning = "without a language model" if variant.lm == "none" else f"planned by a language model of {variant.lm}"
    completes = variant.task == "complete"
    conditions = {"text": ("style text",), "audio": ("prompt audio",), "both": ("style text", "prompt audio")}
    return SystemCard(
        name=f"acestep15:{variant.name}" if variant.name else "acestep15",
        version="1",
        summary=f"Diffusion transformer {variant.model} ({guided}, {release.steps} steps), {planning}"
        + (", which completes a vocal." if completes else "."),
        licence=LICENCE,
        languages=() if completes else LANGUAGES,
        conditions=(*(["vocal"] if completes else []), "lyrics", *conditions[variant.style]),
        vocals=not completes,
        max_seconds=LONGEST_SECONDS,
        sample_rate=48_000,
        citation="Gong et al., ACE-Step 1.5: Pushing the Boundaries of Open-Source Music Generation, 2026,"
        " arXiv 2602.00744",
        tracks=("v2a",) if completes else ("song",),
        track_variants=() if completes else ("acestep15:complete",),
        upstream=f"{CHECKOUT.repository}@{revision.commit or 'unknown'}",
        code_licence=LICENCE,
        weights_licence=LICENCE,
        style_rule=STYLE_RULES[variant.style],
        lyric_rules=(
            "Sections under tags such as [Verse] and [Chorus]; [Instrumental] for those without words, whose length"
            " cannot be said.",
            f"At most {LYRIC_CHARACTERS} characters, the style text at most {CAPTION_CHARACTERS}.",
            "One language per song, by its code.",
        ),
        length_rule=f"the vocal's, {LONGEST_SECONDS:g} s at most (less on small devices)"
        if completes
        else f"as asked, {SHORTEST_SECONDS:g} to {LONGEST_SECONDS:g} s (less on small devices); timed by the lyrics"
        " where the prompt leaves it open",
        vocal_rule="not known" if completes else "",
        seed_rule="honoured",
        vram_gib=None if release.xl else VRAM_GIB[variant.lm],
        output="FLAC, 48 kHz, stereo",
        pitfalls=pitfalls_of(revision, variant.task),
        verified=_COMPLETION_VERIFIED if completes else _NOT_VERIFIED if revision.later else _VERIFIED,
    )


_VERIFIED = (
    "The authors' own code at this commit (generate_music, handlers, autoencoder, text encoder, language model) was run"
    " through the adapter on tiny random weights, with a stand-in for the diffusion transformer, whose code lies on the"
    " hub; nothing was run with the released weights."
)
_NOT_VERIFIED = (
    "This state of the code is later than the one that was read whole: its pitfalls are those found in parts of it, and"
    " the adapter was run against a stand-in only."
)
_COMPLETION_VERIFIED = (
    "A stand-in with the names and signatures of the code at this commit, as that was read for this task; never the"
    " code itself with a vocal, and never the released weights."
)
