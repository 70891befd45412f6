"""What ACE-Step v1 is, and what goes wrong in silence when it is used as it comes."""

from __future__ import annotations

from songbench.plugin import Dependence, Pitfall, SystemCard
from systems.acestep.environment import CHECKOUT, LICENCE
from systems.acestep.rendering import LONGEST_SECONDS

LANGUAGES = (
    *("en", "zh", "ja", "ko", "de", "fr", "es", "it", "pt", "pl", "tr", "ru", "cs", "nl", "ar", "hu", "hi"),
    "mixed",
)
"""Those its lyric tokenizer has a mark for."""

PITFALLS = (
    Pitfall("A length of 0 or less means a random one of 30 to 240 s.", "Every song is asked for with a length."),
    Pitfall(
        "With several songs in one call and a file to save to, each overwrites the one before.",
        "One song per call, each in a folder of its own.",
    ),
    Pitfall(
        "In a folder, files are named by the second, so that two songs of one second are one file.",
        "The file is named, never the folder.",
    ),
    Pitfall(
        "A bare file name makes it create a folder without a name, which fails.", "The file is named by its whole path."
    ),
    Pitfall(
        "audio2audio starts from the audio's own latents and takes its length: that is no style prompt.",
        "It is not offered; prompt audio is not used.",
    ),
    Pitfall(
        "A line that its tokenizer cannot read is left out, with a printed line only.",
        "Such lines are noted with the song.",
    ),
    Pitfall(
        "The language of each line is guessed; what is not among its 17 languages is read as English.",
        "Other languages are unsupported; what lines were read as is recorded, and noted where it is another language.",
    ),
    Pitfall("Of a style text only 256 tokens are read.", "Noted with the song where it is longer."),
    Pitfall(
        "Lines may be skipped in singing; its authors advise tags and sections of four lines.",
        "Lyrics are given as they are: what is not sung counts in the error rates.",
    ),
    Pitfall(
        "Where a part of the weights is not in its folder, all are fetched from the hub, whatever is there now.",
        "Missing parts are an error, and nothing is fetched.",
    ),
    Pitfall("The model is loaded by the first song, whose time then holds it.", "It is loaded before the first song."),
    Pitfall(
        "The variable ACE_PIPELINE_DTYPE overrides the precision that was asked for.", "It is taken away beforehand."
    ),
    Pitfall(
        "Without a seed each song has a random one.",
        "The seed is given, and compared with the one reported; all generators are seeded besides.",
    ),
    Pitfall(
        "infer-api.py passes its arguments by position in an order that is no longer the signature's.",
        "The pipeline is called with names.",
    ),
)

CARD = SystemCard(
    name="acestep",
    version="1",
    summary="Diffusion transformer over the latents of a mel autoencoder, 3.5 B parameters.",
    licence=LICENCE,
    languages=LANGUAGES,
    conditions=("lyrics", "style text"),
    max_seconds=LONGEST_SECONDS,
    sample_rate=48_000,
    citation="Gong et al., ACE-Step: A Step Towards Music Generation Foundation Model, 2025, arXiv 2506.00045",
    depends_on=(Dependence("mert", "aligned to MERT's representations in training"),),
    upstream=f"{CHECKOUT.repository}@{CHECKOUT.commit}",
    code_licence=LICENCE,
    weights_licence=LICENCE,
    style_rule="text",
    lyric_rules=(
        "Sections under tags such as [verse] and [chorus]; [inst] for instrumental ones, whose length cannot be said.",
        "[silence] is left out.",
        "The language of each line is guessed by the system.",
    ),
    length_rule=f"as asked, up to {LONGEST_SECONDS:g} s; timed by the lyrics where the prompt leaves it open",
    seed_rule="honoured",
    vram_gib=8.0,
    output="WAV, 48 kHz, stereo, 32-bit float",
    pitfalls=PITFALLS,
    verified="The authors' own code at this commit was run through the adapter as it is, on random weights of tiny"
    " sizes; nothing was run with the released weights.",
)
