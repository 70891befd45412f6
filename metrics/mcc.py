"""MCC, the MuLan cycle consistency: how near a song is to its style prompt in the space of MuQ-MuLan.

SongBloom's paper (arXiv 2506.07634) puts systems with an audio prompt and systems with a style text into one
column. Here they are two metrics: against the prompt audio (`mcc`), and against the style text (`mcc_text`).

The package's own number, `calc_similarity`, is the dot product of two means of unit vectors. That is the mean cosine
over all pairs of clips, and shrinks with the variety inside a song of more than 10 s; it is the field ``…_clips``. The
headline brings both means to length 1 first.
"""

from __future__ import annotations

from dataclasses import replace

from metrics.card_variants import at_loudness
from metrics.condition_similarity import AudioSimilarity, TextSimilarity, audio_fields, text_fields
from metrics.features.muq_mulan import MUQ_MULAN, MulanClips
from metrics.song_inputs import ACCOMPANIMENT_ALONE
from songbench.plugin import BatchSize, Loudness, MetricCard, ModelFamily, Procedure

_CLIPS = "Mean cosine over pairs of clips: the package's own calc_similarity, smaller than mcc where a song varies."

_PROCEDURE = Procedure(
    model="OpenMuQ/MuQ-MuLan-large (package muq 0.1.0)",
    revision="2e01c796b71dca71b45251384c04cd7b237c9020",
    layer="the joint space, 512 numbers",
    rate="24 kHz mono, resampled as librosa does",
    window="10 s, hop 10 s, the last one filled up from the beginning of the song",
    pooling="mean of the clips' unit vectors, brought to length 1",
    formula="dot product",
)

_PACKAGES = (("muq", "muq"),)

_CITATION = "Measure: SongBloom (arXiv 2506.07634, section 5.3); model: Zhu et al., MuQ, arXiv 2501.01108"

_LIMITS = (
    "A cosine has no absolute meaning: read it between mcc_chance and mcc_self, and compare systems on the same prompts"
    f" only. Says nothing of words or quality. {ACCOMPANIMENT_ALONE}"
)

_VERIFIED = (
    "Against muq 0.1.0 itself on one random checkpoint of small size: vectors of audio of 0.3 to 34 s and of texts, and"
    " calc_similarity, agree within 1e-5. Not run with the released weights."
)

MCC = MetricCard(
    name="mcc",
    backend="muq-mulan",
    version="1",
    fields=audio_fields("mcc", clips=_CLIPS),
    summary="How near the song is to its prompt audio for MuQ-MuLan, the model of SongBloom's MCC.",
    limits=f"{_LIMITS} A copy of the prompt scores highest: read it together with copied of similarity@musicnn."
    " mcc_chance is the level of synthetic clips of a dozen styles; real songs may be nearer to each other.",
    citation=_CITATION,
    licence=f"weights: {MUQ_MULAN.licence}; code: MIT",
    needs=tuple(one.name for one in MulanClips().needs),
    reference=True,
    tracks=("song", "v2a"),
    hears=("style",),
    mono=True,
    procedure=_PROCEDURE,
    models=(ModelFamily("muq-mulan"), ModelFamily("muq", part="the encoder inside")),
    verified=_VERIFIED,
)

MCC_TEXT = replace(
    MCC,
    backend="muq-mulan-text",
    fields=text_fields("mcc_text", clips=_CLIPS.replace("mcc", "mcc_text")),
    summary="How near the song is to its style text for MuQ-MuLan.",
    limits=f"{_LIMITS.replace('between mcc_chance and mcc_self', 'beside mcc_text_chance')}"
    " The model reads English and Mandarin; a text longer than 512 tokens is cut.",
    languages=(),
)


def mcc_muq_mulan(loudness: Loudness | None = None, batch: BatchSize = MulanClips.batch) -> AudioSimilarity:
    """The entry point ``mcc@muq-mulan``.

    Args:
        loudness: LUFS to which song and prompt are brought before they are embedded; None: as they are.
        batch: clips that go through the model together.
    """
    return AudioSimilarity(at_loudness(MCC, loudness), MulanClips(loudness=loudness, batch=batch), _PACKAGES)


def mcc_muq_mulan_text(loudness: Loudness | None = None, batch: BatchSize = MulanClips.batch) -> TextSimilarity:
    """The entry point ``mcc@muq-mulan-text``; arguments as for `mcc_muq_mulan`."""
    return TextSimilarity(at_loudness(MCC_TEXT, loudness), MulanClips(loudness=loudness, batch=batch), _PACKAGES)
