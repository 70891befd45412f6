"""KAD, the kernel audio distance: what FAD asks, without assuming normal distributions and with less small-set bias."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metrics.embedding_sets import EmbeddingDistance, EmbeddingSets
from metrics.features.musicnn import PATCH_SECONDS, MusicnnEmbedding
from songbench.contracts.cards import FieldCard, MetricCard
from songbench.domain.score import NotApplicable, Scores

if TYPE_CHECKING:
    from metrics.distances import KernelSums

KAD_MUSICNN = MetricCard(
    name="kad",
    backend="musicnn",
    version="1",
    fields=(
        FieldCard(
            "kad",
            "",
            "lower",
            high=200.0,
            decimals=2,
            description="Unbiased squared maximum mean discrepancy to the reference songs, times 100; about 0 at best.",
        ),
        FieldCard(
            "kad_across",
            "",
            "lower",
            high=200.0,
            decimals=2,
            description="The same, comparing only patches of different songs within a set: unbiased over songs.",
            headline=False,
        ),
    ),
    summary=f"Kernel distance of the songs to the reference on musicnn embeddings of {PATCH_SECONDS:.0f} s patches.",
    limits=(
        "Not comparable across embeddings or suites: the kernel is as wide as the median distance within the suite's"
        " own reference. kad treats patches as independent, which those of one song are not, so few songs score above 0"
        " even when drawn from the reference distribution; kad_across does not, but scatters more. Slightly negative"
        " values mean that no difference was found."
        " Judges timbre, style and production as mono up to 8 kHz at one loudness (-14 LUFS), not words or form."
    ),
    citation=(
        "Chung et al., KAD: No More FAD!, arXiv 2502.15602 (kadtk); estimator: Gretton et al., JMLR 2012;"
        " embedding: Pons & Serra, musicnn, ISMIR 2019 late-breaking demo"
    ),
    licence="ISC (musicnn weights)",
    needs=("musicnn",),
)


def kernel_scores(sets: EmbeddingSets) -> Scores | NotApplicable:
    """KAD in both forms and their leave-one-prompt-out values.

    The kernel is Gaussian and the result is multiplied by 100, as in kadtk. Its width is the median distance between
    patches of the REFERENCE, as kadtk's description says; kadtk's code takes it from the evaluated set, which would
    give every system another ruler. It stays the same when a prompt is left out.

    Args:
        sets: at least two songs a side, with at least two patches a side.

    Returns:
        The scores; not applicable when most patches of the reference are equal, which leaves the kernel without a
        width.
    """
    import numpy as np

    from metrics.distances import KernelSums, median_distance

    bandwidth = median_distance(np.concatenate(sets.reference))
    if bandwidth <= 0:
        return NotApplicable("the reference songs all sound the same; the kernel has no width")
    sums = KernelSums.of(sets.songs, sets.reference, bandwidth)
    left = {prompt: _values(sums.without(out)) for prompt, out in sets.of_prompt().items()}
    return Scores(
        _values(sums),
        n=len(sets.songs),
        leave_one_out={prompt: values for prompt, values in left.items() if values},
        detail={**sets.counts(), "bandwidth": bandwidth},
    )


def _values(sums: KernelSums) -> dict[str, float]:
    """Both fields, without those that have no pair to compare."""
    from metrics.distances import KAD_SCALE

    found = {"kad": sums.mmd2(), "kad_across": sums.mmd2(across_songs=True)}
    return {name: KAD_SCALE * value for name, value in found.items() if value is not None}


def kad_musicnn() -> EmbeddingDistance:
    """The entry point ``kad@musicnn``."""
    return EmbeddingDistance(KAD_MUSICNN, MusicnnEmbedding(), kernel_scores)
