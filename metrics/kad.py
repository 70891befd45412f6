"""KAD, the kernel audio distance: what FAD asks, without assuming normal distributions and with less small-set bias."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from metrics.embedding_sets import EmbeddingDistance, EmbeddingSets, array
from metrics.fad import MERT_FAMILY, NOT_THE_FIT, clap_procedure, mert_backend, mert_procedure
from metrics.features.analysis_copy import LOUDNESS
from metrics.features.laion_clap import CLAP_MUSIC, ClapWindows
from metrics.features.mert import LAYERS, MERT_95M, MertEmbedding
from metrics.features.musicnn import PATCH_SECONDS, MusicnnEmbedding
from metrics.functional.kernel_distance import KernelSums, median_distance
from songbench.domain.score import NotApplicable, Scores
from songbench.plugin import Field, Loudness, MetricCard, Procedure

FORMULA = "100 x unbiased MMD^2 with exp(-|x - y|^2 / (2 b^2)), b the median distance within the reference"
CITATION = "Chung et al., KAD: No More FAD!, arXiv 2502.15602 (kadtk); estimator: Gretton et al., JMLR 2012"
LIMITS = (
    "Not comparable across embeddings or suites: the kernel is as wide as the median distance within the suite's"
    " own reference. kad treats {unit} as independent, which those of one song are not, so few songs score above 0"
    " even when drawn from the reference distribution; kad_across does not, but scatters more. Slightly negative"
    " values mean that no difference was found. "
) + NOT_THE_FIT


def _fields(unit: str) -> tuple[Field, ...]:
    return (
        Field(
            "kad",
            unit="",
            direction="lower",
            high=200.0,
            decimals=2,
            description="Unbiased squared maximum mean discrepancy to the reference songs, times 100; about 0 at best.",
        ),
        Field(
            "kad_across",
            unit="",
            direction="lower",
            high=200.0,
            decimals=2,
            description=f"The same, comparing only {unit} of different songs within a set: unbiased over songs.",
            headline=False,
        ),
    )


KAD_MUSICNN = MetricCard(
    name="kad",
    backend="musicnn",
    version="2",
    tracks=("song", "v2a"),
    fields=_fields("patches"),
    summary=f"Kernel distance of the songs to the reference on musicnn embeddings of {PATCH_SECONDS:.0f} s patches.",
    limits=LIMITS.format(unit="patches")
    + " Judges timbre, style and production as mono up to 8 kHz at one loudness (-14 LUFS), not words or form.",
    citation=f"{CITATION}; embedding: Pons & Serra, musicnn, ISMIR 2019 late-breaking demo",
    licence="ISC (musicnn weights)",
    needs=("musicnn",),
    hears=("style", "sound"),
    mono=True,
    procedure=Procedure(
        model="musicnn (MSD_musicnn)",
        revision="package musicnn 0.1.0",
        layer="penultimate",
        rate="16 kHz mono",
        window=f"{PATCH_SECONDS:.3f} s, side by side",
        pooling="none: every patch is a sample",
        formula=FORMULA,
        loudness="-14 LUFS",
    ),
)

VERIFIED = (
    "Against the definition, by brute force over all pairs (tests/metrics/test_distances.py). Not against kadtk, which"
    " does not run beside this torch and takes the bandwidth from the evaluated songs."
)


def kad_mert_card(layer: int, loudness: float | None) -> MetricCard:
    """The card of KAD on one of MERT's layers."""
    return MetricCard(
        name="kad",
        backend=mert_backend(layer),
        version="2",
        tracks=("song", "v2a"),
        fields=_fields("seconds"),
        summary=f"Kernel distance of the songs to the reference on MERT-v1-95M seconds, layer {layer}.",
        limits=LIMITS.format(unit="seconds") + " Judges mono up to 12 kHz; level means nothing to it, nor do words.",
        citation=f"{CITATION}; embedding: Li et al., MERT, ICLR 2024",
        licence=f"{MERT_95M.licence} (MERT weights)",
        needs=(MERT_95M.name,),
        reference=True,
        hears=("style", "sound"),
        mono=True,
        procedure=mert_procedure(layer, loudness, pooling="mean of each second (75 frames)", formula=FORMULA),
        models=(MERT_FAMILY,),
        verified=VERIFIED,
    )


def kad_clap_card(loudness: float | None) -> MetricCard:
    """The card of KAD on LAION-CLAP's music checkpoint."""
    return MetricCard(
        name="kad",
        backend="clap-laion-music",
        version="2",
        tracks=("song", "v2a"),
        fields=_fields("windows"),
        summary="Kernel distance of the songs to the reference on LAION-CLAP (music) windows of 10 s.",
        limits=LIMITS.format(unit="windows") + " Windows overlap by 9 s. Judges mono up to 14 kHz.",
        citation=f"{CITATION}; embedding: Wu et al., Large-scale contrastive language-audio pretraining, ICASSP 2023",
        licence=CLAP_MUSIC.licence,
        needs=(CLAP_MUSIC.name,),
        reference=True,
        hears=("style", "sound"),
        mono=True,
        procedure=clap_procedure(
            loudness,
            window="10 s, hop 1 s, the last nine filled up with zeros",
            pooling="none: every window is a sample",
            formula=FORMULA,
        ),
        verified=VERIFIED,
    )


def kernel_scores(sets: EmbeddingSets[npt.NDArray[np.floating]]) -> Scores | NotApplicable:
    """KAD in both forms and their leave-one-prompt-out values.

    The kernel is Gaussian and the result is multiplied by 100, as in kadtk. Its width is the median distance between
    embeddings of the REFERENCE, as kadtk's description says; kadtk's code takes it from the evaluated set, which would
    give every system another ruler. It stays the same when a prompt is left out.

    Args:
        sets: embeddings of shape (n_i, d) of each song; at least two songs and two embeddings a side.

    Returns:
        The scores; not applicable when most embeddings of the reference are equal, which leaves the kernel without a
        width.
    """
    bandwidth = median_distance(np.concatenate(sets.reference))
    if bandwidth <= 0:
        return NotApplicable("the reference songs all sound the same; the kernel has no width")
    sums = KernelSums.of(sets.songs, sets.reference, bandwidth)
    values = _values(sums)
    left_out = {prompt: _values(sums.without(songs)) for prompt, songs in sets.of_prompt().items()}
    return Scores(
        values=values,
        n=len(sets.songs),
        leave_one_out={prompt: values for prompt, values in left_out.items() if values},
        detail={**sets.counts(), "bandwidth": bandwidth},
        missing={name: "too few embeddings to compare" for name in ("kad", "kad_across") if name not in values},
    )


def _values(sums: KernelSums) -> dict[str, float]:
    """Both fields, without those that have no pair to compare."""
    distances = {"kad": sums.kad(), "kad_across": sums.kad(across_songs=True)}
    return {name: value for name, value in distances.items() if value is not None}


def kad_musicnn() -> EmbeddingDistance[npt.NDArray[np.floating]]:
    """The entry point ``kad@musicnn``."""
    return EmbeddingDistance(
        card=KAD_MUSICNN,
        embedding=MusicnnEmbedding(),
        read=array("patches"),
        compare=kernel_scores,
        second_bytes=round(8 * 200 / PATCH_SECONDS),
    )


def kad_mert(layer: int = LAYERS, loudness: Loudness | None = LOUDNESS) -> EmbeddingDistance[npt.NDArray[np.floating]]:
    """The entry point ``kad@mert-v1-95m``.

    Args:
        layer: which hidden state, 0 to 12.
        loudness: of the analysis copy in LUFS; None: the audio as it is.

    Raises:
        InputError: for a layer that MERT does not have.
    """
    embedding = MertEmbedding(layer, loudness)
    return EmbeddingDistance(
        card=kad_mert_card(layer, loudness),
        embedding=embedding,
        read=array("seconds"),
        compare=kernel_scores,
        unit="seconds",
        second_bytes=8 * 768,
    )


def kad_clap(loudness: Loudness | None = LOUDNESS) -> EmbeddingDistance[npt.NDArray[np.floating]]:
    """The entry point ``kad@clap-laion-music``.

    Args:
        loudness: of the analysis copy in LUFS; None: the audio as it is.
    """
    return EmbeddingDistance(
        card=kad_clap_card(loudness),
        embedding=ClapWindows(loudness),
        read=array("vectors"),
        compare=kernel_scores,
        unit="windows",
        second_bytes=8 * 512,
    )
