"""CLaMP 3's similarity: how near a song is to its style prompt, by another model than MCC's.

Against the prompt audio (`clamp3`) and against the style text (`clamp3_text`); two metrics, as levels differ.
"""

from __future__ import annotations

from dataclasses import replace

from metrics.condition_similarity import AudioSimilarity, TextSimilarity, audio_fields, text_fields
from metrics.features.clamp3 import Clamp3Vectors
from metrics.features.clamp3_encoder import CLAMP3
from metrics.features.mert import MERT_95M
from metrics.song_inputs import ACCOMPANIMENT_ALONE
from songbench.plugin import MetricCard, ModelFamily, Procedure

_PACKAGES = (("transformers", "embeddings"), ("torchaudio", "embeddings"))

_LIMITS = (
    "A cosine has no absolute meaning: read it beside {levels}, and compare systems on the same prompts only. Says"
    " nothing of words or quality; does not hear level. " + ACCOMPANIMENT_ALONE
)

CLAMP3_AUDIO = MetricCard(
    name="clamp3",
    backend="clamp3-saas",
    version="1",
    fields=audio_fields("clamp3"),
    summary="How near the song is to its prompt audio for CLaMP 3.",
    limits=_LIMITS.format(levels="clamp3_chance and clamp3_self")
    + " A copy of the prompt scores highest: read it together with copied of similarity@musicnn. clamp3_chance is the"
    " level of synthetic clips of a dozen styles; real songs may be nearer to each other.",
    citation="Wu et al., CLaMP 3, arXiv 2502.10362; frames: Li et al., MERT, arXiv 2306.00107",
    licence=f"CLaMP 3: {CLAMP3.licence} (weights and code); MERT: {MERT_95M.licence}",
    needs=tuple(one.name for one in Clamp3Vectors().needs),
    reference=True,
    tracks=("song", "v2a"),
    hears=("style",),
    mono=True,
    models=(ModelFamily("clamp3"),),
    procedure=Procedure(
        model="CLaMP 3 SAAS on m-a-p/MERT-v1-95M",
        revision="sha256 5033f868e397… (CLaMP 3)",
        layer="mean over MERT's 13 hidden states; the joint space, 768 numbers",
        rate="24 kHz mono, resampled as torchaudio does",
        window="5 s, hop 5 s, a rest of less than 1 s dropped; then up to 128 of these at once, zeros at both ends",
        pooling="mean over outputs; over segments of 128, weighted by what each adds",
        formula="cosine",
        loudness="zero mean and unit variance over the song",
    ),
    verified=(
        "CLaMP 3 is not on the package index; compared with a checkout of its repository at 9016d2b on random"
        " checkpoints of small size: vectors that its own scripts make of wav files of 1 to 700 s and of texts agree"
        " within 2e-6. In the tests: against transformers' HubertModel and a plain form of the encoders within 1e-4."
        " Not run with the released weights."
    ),
)

CLAMP3_TEXT = replace(
    CLAMP3_AUDIO,
    backend="clamp3-saas-text",
    fields=text_fields("clamp3_text"),
    summary="How near the song is to its style text for CLaMP 3.",
    limits=_LIMITS.format(levels="clamp3_text_chance")
    + " Lines of a text are joined in their order; the authors' script joins them in random order.",
)


def clamp3_saas() -> AudioSimilarity:
    """The entry point ``clamp3@clamp3-saas``."""
    return AudioSimilarity(CLAMP3_AUDIO, Clamp3Vectors(), _PACKAGES)


def clamp3_saas_text() -> TextSimilarity:
    """The entry point ``clamp3@clamp3-saas-text``."""
    return TextSimilarity(CLAMP3_TEXT, Clamp3Vectors(), _PACKAGES)
