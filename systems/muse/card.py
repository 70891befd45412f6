"""The card of Muse."""

from __future__ import annotations

from songbench.plugin import Dependence, Pitfall, SystemCard
from systems.muse.environment import CHECKOUT, CODEC_CHECKOUT, CODEC_ENVIRONMENT

CODE_LICENCE = "MIT"
WEIGHTS_LICENCE = "Muse-0.6b: as its page on the hub says; MuCodec and MuQ: CC BY-NC 4.0"

PITFALLS = (
    Pitfall(
        "An output file from before makes the whole run do nothing, with exit code 0.",
        "Every song has an empty folder.",
    ),
    Pitfall(
        "A song that fails becomes a line that begins with __VLLM_FAIL__, with exit code 0; why is in another file.",
        "Such a line is a failure, with the reason from that file.",
    ),
    Pitfall(
        "It decodes greedily, so that all takes of a prompt have the same tokens.",
        "The seed reaches the codec's noise alone; several takes say next to nothing about its variety.",
    ),
    Pitfall(
        "Its own decode_audio.py takes neither tokens nor paths, imports files that are not there, and picks a GPU"
        " by itself.",
        "MuCodec's own class is called with that script's settings: layer 7, 50 steps, windows of 40.96 s.",
    ),
    Pitfall(
        "Its tokens and the files that the decoder reads are in different forms, and no script turns one into the"
        " other; users found the joined sections choppy, and nobody answered.",
        "The tokens of all sections are joined in order; whether that is what its authors do is not known.",
    ),
    Pitfall(
        "Every section of its examples has phonemes, which its documents do not mention, and a lexicon that makes them"
        " is not published.",
        "Phonemes are written by the rules of its own code with CMUdict and pypinyin: as in 3621 of 3627 Mandarin and"
        " 1926 of 2011 English lines of its examples. Words without any are noted.",
    ),
    Pitfall(
        "Every section of its examples has a description of its own.",
        "Prompts have none, so the style text describes every section, which the record says.",
    ),
    Pitfall(
        "Every song of its examples begins with [Intro]; intros have no words, and of a hundred outros one has.",
        "An intro is put before where there is none; sung intros become verses, sung outros closing choruses.",
    ),
    Pitfall(
        "Its examples know no instrumental section between others.",
        "[inst] and [silence] are left out, which the record says.",
    ),
    Pitfall(
        "A section ends at 3000 tokens (120 s) even where the music does not.",
        "Sections that were cut are noted.",
    ),
    Pitfall(
        "The repetition penalty has no default, and without it nothing runs.",
        "It is a setting, 1.1 as in its documents.",
    ),
    Pitfall(
        "The error log is written to the folder it runs in, and goes on from run to run.",
        "It is written to the song's own folder.",
    ),
    Pitfall(
        "Model and codec need packages that contradict each other.",
        "Each has an environment and a process of its own.",
    ),
    Pitfall(
        "omegaconf 2.0.6 is refused by pip from 24.1 on, and fairseq 0.12.2 has to be built beside torch.",
        "uv installs the first; fairseq comes in a second step, without its dependencies.",
    ),
)

CARD = SystemCard(
    name="muse",
    version="1",
    summary="Muse-0.6b, a language model that writes a song section by section in tokens of MuCodec.",
    licence=f"{CODE_LICENCE}; weights: CC BY-NC 4.0 (MuCodec, MuQ)",
    languages=("en", "zh", "mixed"),
    conditions=("lyrics", "style text"),
    sample_rate=48_000,
    needs=(CODEC_ENVIRONMENT.name,),
    citation="Jiang et al., Muse: Towards Reproducible Long-Form Song Generation with Fine-Grained Style Control,"
    " arXiv 2601.03973",
    depends_on=(Dependence("muq", "its codec hears through MuQ"),),
    upstream=f"{CHECKOUT.repository}@{CHECKOUT.commit} and {CODEC_CHECKOUT.repository}@{CODEC_CHECKOUT.commit}",
    code_licence=CODE_LICENCE,
    weights_licence=WEIGHTS_LICENCE,
    style_rule="text, as tags with commas",
    lyric_rules=(
        "A turn of a conversation for each section: label, description, lines, phonemes.",
        "Labels of its examples: [Intro], [Verse 1], [Chorus1], [Bridge], [Chorus (Outro)], [Outro].",
    ),
    length_rule="the model ends each section, by 120 s at the latest",
    seed_rule="set by the worker",
    output="WAV, 48 kHz, stereo, from a codec of 0.35 kbit/s",
    pitfalls=PITFALLS,
    verified=(
        "Its own program with its conversation, and MuCodec's own decoding of windows, with the models absent: all"
        " sections reach the one and all tokens the other; conversation and phonemes against the examples beside it. No"
        " song was made with its weights."
    ),
)
