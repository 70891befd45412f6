"""CLAP score: how near a song is to its style text in the space of LAION-CLAP's music checkpoint."""

from __future__ import annotations

from metrics.condition_similarity import TextSimilarity, text_fields
from metrics.fad import clap_procedure
from metrics.features.laion_clap import CLAP_MUSIC, ClapWindows
from metrics.song_inputs import ACCOMPANIMENT_ALONE
from songbench.plugin import Loudness, MetricCard

HOP_SECONDS = 10


def clap_card(loudness: float | None) -> MetricCard:
    """The card of the CLAP score."""
    return MetricCard(
        name="clap",
        backend="laion-music",
        version="1",
        fields=text_fields("clap", clips="Mean of the windows' cosines, what most papers average."),
        summary="How near the song is to its style text for LAION-CLAP (music).",
        limits=(
            "A cosine has no absolute meaning: read it beside clap_chance, and compare systems on the same prompts"
            " only. Says nothing of lyrics or quality; authors of song generators called CLAP unsuited to singing, and"
            " its agreement with listeners is weak (.33 at clip level in MuRA-Bench). The text is read as it stands,"
            " in English, its first 77 tokens. laion_clap itself judges a long song by 10 s at random; here all of it"
            f" is heard. {ACCOMPANIMENT_ALONE}"
        ),
        citation="Wu et al., Large-scale contrastive language-audio pretraining, ICASSP 2023",
        licence=CLAP_MUSIC.licence,
        needs=tuple(one.name for one in ClapWindows().needs),
        reference=True,
        tracks=("song", "v2a"),
        hears=("style",),
        mono=True,
        procedure=clap_procedure(
            loudness,
            window=f"10 s, hop {HOP_SECONDS} s, the last one ends with the song; shorter songs are repeated",
            pooling="mean of the windows' unit vectors, brought to length 1",
            formula="cosine with the embedding of the style text",
        ),
        verified=(
            "Against laion_clap 1.1.7 itself on the same random weights: embeddings of 10 s windows, of shorter audio"
            " and of texts agree within 1e-4. Not yet run with the published weights."
        ),
    )


def clap_laion_music(loudness: Loudness | None = None) -> TextSimilarity:
    """The entry point ``clap@laion-music``.

    Args:
        loudness: LUFS to which the song is brought before it is embedded; None: as it is, as everywhere else.
    """
    return TextSimilarity(clap_card(loudness), ClapWindows(loudness, HOP_SECONDS, "whole"))
