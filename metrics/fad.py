"""FAD, the Fréchet audio distance: how far the embeddings of a system's songs are from those of the reference songs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from metrics.embedding_sets import EmbeddingDistance, EmbeddingSets
from metrics.features.musicnn import PATCH_SECONDS, MusicnnEmbedding
from songbench.contracts.cards import FieldCard, MetricCard
from songbench.domain.hashing import Json, derived_seed
from songbench.domain.score import Scores

if TYPE_CHECKING:
    from metrics.distances import Extrapolation, Frechet

MIN_SONGS = 5
"""Below this many songs no extrapolation is tried."""

FAD_MUSICNN = MetricCard(
    name="fad",
    backend="musicnn",
    version="1",
    fields=(
        FieldCard(
            "fad", "", "lower", low=0.0, decimals=2, description="Squared Fréchet distance to the reference songs."
        ),
        FieldCard(
            "fad_inf",
            "",
            "lower",
            decimals=2,
            description=f"FAD extrapolated to infinitely many songs, may fall below 0; absent below {MIN_SONGS} songs.",
            headline=False,  # on few songs its interval is wider than any difference
        ),
    ),
    summary=f"Fréchet distance of the songs to the reference on musicnn embeddings of {PATCH_SECONDS:.0f} s patches.",
    limits=(
        "Not comparable with FAD on other embeddings, nor across suites or numbers of songs. The covariance in 200"
        " dimensions lacks full rank until there are several hundred patches of many songs, and few songs inflate the"
        " distance: in a simulation 20 songs from the reference distribution itself scored 51 and 40 songs 33. fad_inf"
        " removes a part of that (31 and 17 there), not all. On the demo suite only gross differences count."
        " Judges timbre, style and production as mono up to 8 kHz at one loudness (-14 LUFS), not words or form."
    ),
    citation=(
        "Kilgour et al., Fréchet Audio Distance, Interspeech 2019; FAD-inf: Gui et al., ICASSP 2024;"
        " embedding: Pons & Serra, musicnn, ISMIR 2019 late-breaking demo"
    ),
    licence="ISC (musicnn weights)",
    needs=("musicnn",),
)


def frechet_scores(sets: EmbeddingSets) -> Scores:
    """FAD, FAD-infinity and their leave-one-prompt-out values.

    The order in which songs enter the subsets of `fad_inf` follows from a seed that depends on the number of songs
    alone, so systems with equally many songs are extrapolated from the same subsets.

    Args:
        sets: at least two songs a side, with at least two patches a side.
    """
    import numpy as np

    from metrics.distances import Gaussian, Moments, extrapolate, frechet

    moments = [Moments.of(song) for song in sets.songs]
    target = Gaussian(Moments.joined(Moments.of(song) for song in sets.reference))
    seed = derived_seed("fad_inf", len(moments))
    order: list[int] = np.random.default_rng(seed).permutation(len(moments)).tolist()

    def distance(chosen: Sequence[int]) -> Frechet:
        return frechet(target, Gaussian(Moments.joined(moments[i] for i in chosen)))

    def both(chosen: Sequence[int]) -> tuple[Frechet, Extrapolation | None]:
        enough = len(moments) >= MIN_SONGS
        return distance(chosen), extrapolate(lambda part: distance(part).distance, chosen) if enough else None

    whole, line = both(order)
    groups = sets.of_prompt()
    left = {prompt: both([i for i in order if i not in out]) for prompt, out in groups.items() if _covers(sets, out)}
    detail: dict[str, Json] = {
        **sets.counts(),
        "mean_term": whole.mean_term,
        "covariance_term": whole.covariance_term,
        "clipped_spectrum": whole.clipped,
        "fad_inf": _line_json(line, seed),
    }
    return Scores(
        _values(whole, line),
        n=len(moments),
        leave_one_out={prompt: _values(*found) for prompt, found in left.items()},
        detail=detail,
    )


def _covers(sets: EmbeddingSets, out: Sequence[int]) -> bool:
    """Whether two patches remain, the least that has a covariance."""
    return sum(len(song) for i, song in enumerate(sets.songs) if i not in out) >= 2


def _values(whole: Frechet, line: Extrapolation | None) -> dict[str, float]:
    return {"fad": whole.distance} | ({"fad_inf": line.value} if line else {})


def _line_json(line: Extrapolation | None, seed: int) -> Json:
    if line is None:
        return f"not extrapolated: needs at least {MIN_SONGS} songs"
    return {"r2": line.r2, "slope": line.slope, "points": line.points, "seed": seed}


def fad_musicnn() -> EmbeddingDistance:
    """The entry point ``fad@musicnn``."""
    return EmbeddingDistance(FAD_MUSICNN, MusicnnEmbedding(), frechet_scores)
