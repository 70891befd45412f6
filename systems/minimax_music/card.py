"""What MiniMax Music 3 is, as its pipeline's source and its authors' pages say."""

from __future__ import annotations

from songbench.plugin import Pitfall, SystemCard

LONGEST_SECONDS = 300.0

CARD = SystemCard(
    name="minimax_music",
    version="1",
    summary="MiniMax Music 3 from its published weights: a language model over audio tokens, a flow-matching decoder.",
    licence="code Apache-2.0; weights under the MiniMax-Music3 Community License",
    languages=("en", "zh", "mixed"),
    conditions=("lyrics", "style text"),
    max_seconds=LONGEST_SECONDS,
    sample_rate=44_100,
    citation="https://huggingface.co/MiniMaxAI/MiniMax-Music3",
    upstream="huggingface/diffusers, release 0.42.1",
    code_licence="Apache-2.0",
    weights_licence="MiniMax-Music3 Community License",
    lyric_rules=(
        "Every tag stands on a line of its own; tags are made small over there.",
        "Style and lyrics together have at most 5000 tokens.",
        "Its languages are not documented; English and Mandarin are those of its examples.",
    ),
    length_rule="the model decides, at most as long as max_seconds says (300 s; its authors speak of five minutes)",
    seed_rule="honoured",
    output="WAV, 44.1 kHz, stereo, 32-bit float; the authors' own server resamples to 32 kHz",
    pitfalls=(
        Pitfall(
            "Words on the line of a tag vanish in silence.",
            "Every tag stands on a line of its own.",
        ),
        Pitfall(
            "The length that can be given is a bound at which a song is cut; its default is 60 s.",
            "The bound is 300 s whatever the prompt wants, and a song that reaches it says so.",
        ),
        Pitfall(
            "Loaded from a folder, the pipeline still fetches its parts from the hub, by the names in its index.",
            "All parts are loaded from the folder, and the hub is shut off.",
        ),
        Pitfall(
            "A part that cannot be loaded is left out with a message on the log.",
            "A missing part is an error before the first song.",
        ),
        Pitfall(
            "A style without words is an error, and marks such as ** or # are taken out of it.",
            "Prompts without a style are unsupported.",
        ),
        Pitfall(
            "Special tokens such as <|lyrics_end|> within the words are tokens, and ' ^ ' ends a line.",
            "Prompts that hold them are unsupported.",
        ),
        Pitfall(
            "A prompt without words is still sung, as its users report.",
            "It is unsupported.",
        ),
    ),
    verified="Its pipeline as released in diffusers 0.42.1, unmodified, with tiny random weights, through this worker;"
    " never with the released weights.",
)
