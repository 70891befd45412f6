"""FAD, the Fréchet audio distance: how far the embeddings of a system's songs are from those of the reference songs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from metrics.embedding_sets import EmbeddingDistance, EmbeddingSets, moments, moments_bytes, stored_moments
from metrics.fadtk_environment import FADTK
from metrics.features.analysis_copy import LOUDNESS
from metrics.features.laion_clap import CLAP_MUSIC, ClapWindows
from metrics.features.mert import FRAMES_PER_SECOND, LAYERS, LIMIT_SECONDS, MERT_95M, MertEmbedding
from metrics.features.ms_clap import DIMENSIONS, MS_CLAP, WINDOW_SECONDS, MsClapWindows
from metrics.features.musicnn import PATCH_SECONDS, MusicnnEmbedding
from metrics.functional.extrapolation import Extrapolation
from metrics.functional.frechet_distance import MIN_SONGS, FrechetAudioDistance, FrechetDistances, Moments, Subsets
from songbench.domain.hashing import Json
from songbench.domain.score import NotApplicable, Scores
from songbench.plugin import Field, Loudness, MetricCard, ModelFamily, Procedure

_NOT_EXTRAPOLATED = f"not extrapolated: needs at least {MIN_SONGS} songs"
NOT_THE_FIT = (
    "In track v2a the reference is the true accompaniments of the suite as a set, so an accompaniment that does not fit"
    " its vocal loses nothing."
)
FORMULA = "|m_x - m_y|^2 + tr(C_x + C_y - 2 (C_x C_y)^(1/2)), by symmetric eigenvalues in float64"


def _fields(decimals: int) -> tuple[Field, ...]:
    return (
        Field(
            "fad",
            unit="",
            direction="lower",
            low=0.0,
            decimals=decimals,
            description="Squared Fréchet distance to the reference songs.",
        ),
        Field(
            "fad_inf",
            unit="",
            direction="lower",
            decimals=decimals,
            description=f"FAD extrapolated to infinitely many songs, may fall below 0; absent below {MIN_SONGS} songs.",
            headline=False,  # on few songs its interval is wider than any difference
        ),
    )


FAD_MUSICNN = MetricCard(
    name="fad",
    backend="musicnn",
    version="2",
    tracks=("song", "v2a"),
    fields=_fields(2),
    summary=f"Fréchet distance of the songs to the reference on musicnn embeddings of {PATCH_SECONDS:.0f} s patches.",
    limits=(
        "Not comparable with FAD on other embeddings, nor across suites or numbers of songs. The covariance in 200"
        " dimensions lacks full rank until there are several hundred patches of many songs, and few songs inflate the"
        " distance: in a simulation 20 songs from the reference distribution itself scored 51 and 40 songs 33. fad_inf"
        " removes a part of that (31 and 17 there), not all. On the demo suite only gross differences count."
        " Judges timbre, style and production as mono up to 8 kHz at one loudness (-14 LUFS), not words or form."
        f" {NOT_THE_FIT}"
    ),
    citation=(
        "Kilgour et al., Fréchet Audio Distance, Interspeech 2019; FAD-inf: Gui et al., ICASSP 2024;"
        " embedding: Pons & Serra, musicnn, ISMIR 2019 late-breaking demo"
    ),
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


def fad_mert_card(layer: int, loudness: float | None) -> MetricCard:
    """The card of FAD on one of MERT's layers; the column of another layer than the last has its number."""
    return MetricCard(
        name="fad",
        backend=mert_backend(layer),
        version="2",
        tracks=("song", "v2a"),
        fields=_fields(3),
        summary=f"Fréchet distance of the songs to the reference on MERT-v1-95M frames, layer {layer}: fadtk's"
        f" {'MERT-v1-95M' if layer == LAYERS else f'MERT-v1-95M-{layer}'}.",
        limits=(
            "Not comparable across layers, suites, reference sets or numbers of songs; papers rarely say their layer."
            f" A covariance in 768 dimensions has full rank after 11 s, but the {FRAMES_PER_SECOND} frames of a second"
            " depend on each other, so the songs are what counts: with fewer than some hundred songs the distance is"
            " inflated, the more the fewer. fad_inf removes a part of that. detail has songs, frames and both ranks."
            f" Of a song the first {LIMIT_SECONDS // 60} minutes are heard, as in fadtk. Judges mono up to 12 kHz;"
            " level means nothing to it, nor do words. fadtk keeps 16-bit copies of the audio and embeddings in"
            " float16 and resamples by torchaudio; here float32 throughout and soxr. On the same 24 kHz files the"
            " values agreed within 0.03 %, on 44.1 kHz stereo files within 0.4 %; the tests allow 0.1 % and 2 %."
            f" {NOT_THE_FIT}"
        ),
        citation=(
            "Kilgour et al., Fréchet Audio Distance, Interspeech 2019; FAD-inf and toolkit (fadtk): Gui et al., ICASSP"
            " 2024; embedding: Li et al., MERT, ICLR 2024"
        ),
        licence=f"{MERT_95M.licence} (MERT weights)",
        needs=(MERT_95M.name,),
        reference=True,
        hears=("style", "sound"),
        mono=True,
        procedure=mert_procedure(
            layer, loudness, pooling="none: every frame (75 per second) is a sample", formula=FORMULA
        ),
        models=(MERT_FAMILY,),
        verified=(
            "Against fadtk 1.1.0, its FrechetAudioDistance and its command, on the same files and the same random"
            " weights of MERT's architecture: within 0.1 %. Not yet run with the published weights."
        ),
    )


MERT_FAMILY = ModelFamily("mert")


def mert_backend(layer: int) -> str:
    """The backend's name, which names the layer as fadtk does: not where it is the last."""
    return "mert-v1-95m" if layer == LAYERS else f"mert-v1-95m-{layer}"


def mert_procedure(layer: int, loudness: float | None, *, pooling: str, formula: str) -> Procedure:
    """How MERT is asked, whatever is done with its frames."""
    return Procedure(
        model="m-a-p/MERT-v1-95M",
        revision="12af15fef9d0ac838c3f475bfbbf26d2060dd4f5",
        layer=f"hidden_states[{layer}] of 0..12",
        rate="24 kHz mono (mean of the channels, soxr)",
        window=f"the whole song at once, its first {LIMIT_SECONDS} s",
        pooling=pooling,
        formula=formula,
        loudness=loudness_text(loudness) + ", then zero mean and unit variance (part of the model)",
    )


def loudness_text(loudness: float | None) -> str:
    """A loudness as `Procedure` gives it."""
    return "as it is" if loudness is None else f"{loudness:g} LUFS"


def fad_clap_card(loudness: float | None) -> MetricCard:
    """The card of FAD on LAION-CLAP's music checkpoint."""
    return MetricCard(
        name="fad",
        backend="clap-laion-music",
        version="2",
        tracks=("song", "v2a"),
        fields=_fields(4),
        summary="Fréchet distance of the songs to the reference on LAION-CLAP (music) windows of 10 s: fadtk's"
        " clap-laion-music.",
        limits=(
            "Not comparable across suites, reference sets or numbers of songs. The embeddings have length 1, so the"
            " distance is below 4 and usually below 1. 512 dimensions lack full rank until there are several hundred"
            " windows, which overlap by 9 s: detail has songs, windows and both ranks. As in fadtk the last 9 windows"
            " of every song end in silence. Judges mono at 48 kHz up to 14 kHz; samples beyond full scale are clipped,"
            " as the model hears 16 bits. fadtk keeps embeddings in float16 and resamples by torchaudio."
            f" {NOT_THE_FIT}"
        ),
        citation=(
            "Kilgour et al., Fréchet Audio Distance, Interspeech 2019; FAD-inf and toolkit (fadtk): Gui et al., ICASSP"
            " 2024; embedding: Wu et al., Large-scale contrastive language-audio pretraining, ICASSP 2023"
        ),
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
        verified=(
            "Embeddings against fadtk 1.1.0's CLAPLaionModel (laion_clap 1.1.7) on the same random weights: within"
            " 1e-4, FAD within 0.1 %. Not yet run with the published weights."
        ),
    )


def fad_ms_clap_card(loudness: float | None) -> MetricCard:
    """The card of FAD on MS-CLAP 2023."""
    return MetricCard(
        name="fad",
        backend="clap-2023",
        version="1",
        fields=(
            *_fields(2),
            Field(
                "windows",
                unit="",
                direction="none",
                low=0,
                decimals=0,
                description=f"Windows of {WINDOW_SECONDS} s, one a second, that the distance of the songs rests on.",
                hears=(),
            ),
        ),
        summary="Fréchet distance of the songs to the reference on MS-CLAP 2023 windows of 7 s: fadtk's clap-2023.",
        limits=(
            "Not comparable across suites, reference sets or numbers of songs, nor with papers that say neither"
            f" reference nor length. Not given with fewer windows than the embedding's {DIMENSIONS} dimensions on a"
            f" side, as no covariance has full rank there: that is {DIMENSIONS / 60:.0f} minutes of music. Windows"
            " overlap by 6 s, so some hundred songs are what it takes; fad_inf removes a part of what few songs add."
            " The interval is over songs. Slow: fadtk embeds window by window. Judges mono up to 8 kHz; level and words"
            f" mean nothing to it. {NOT_THE_FIT}"
        ),
        citation=(
            "Kilgour et al., Fréchet Audio Distance, Interspeech 2019; FAD-inf and toolkit (fadtk): Gui et al., ICASSP"
            " 2024; embedding: Elizalde et al., Natural Language Supervision for General-Purpose Audio Representations,"
            " arXiv 2309.05767"
        ),
        licence=f"{FADTK.licence}; {MS_CLAP.licence}",
        needs=(FADTK.name, MS_CLAP.name),
        reference=True,
        tracks=("song", "v2a"),
        hears=("style", "sound"),
        mono=True,
        procedure=Procedure(
            model="microsoft/msclap, CLAP_weights_2023.pth (HTSAT), by fadtk 1.1.0 and msclap 1.3.4",
            revision=f"of the weights {MS_CLAP.name}",
            layer="projected audio embedding, not brought to length 1, float16",
            rate="44.1 kHz mono, 16 bit, resampled by fadtk",
            window=f"{WINDOW_SECONDS} s, hop 1 s, the last ones filled up with zeros",
            pooling="none: every window is a sample",
            formula=FORMULA,
            loudness=loudness_text(loudness),
        ),
        verified=(
            "The embeddings are fadtk's; on the same ones its own distance agrees within 0.1 %, with random weights of"
            " full size. Not yet run with the published weights."
        ),
    )


def clap_procedure(loudness: float | None, *, window: str, pooling: str, formula: str) -> Procedure:
    """How LAION-CLAP's audio tower is asked."""
    return Procedure(
        model="lukewys/laion_clap, music_audioset_epoch_15_esc_90.14.pt (HTSAT-base, RoBERTa)",
        revision="b3708341862f581175dba5c356a4ebf74a9b6651",
        layer="audio projection, length 1",
        rate="48 kHz mono (mean of the channels, soxr), rounded to 16 bits",
        window=window,
        pooling=pooling,
        formula=formula,
        loudness=loudness_text(loudness),
    )


def frechet_scores(sets: EmbeddingSets[Moments], subsets: Subsets = "windows") -> Scores:
    """FAD, FAD-infinity and their leave-one-prompt-out values, see `metrics.functional.frechet_distance`.

    Args:
        sets: at least two songs a side, with at least two embeddings a side.
        subsets: which subsets `fad_inf` rests on.
    """
    distances = FrechetDistances(sets.songs, sets.reference, subsets)
    distance = distances.without()
    left_out = {prompt: distances.without(songs) for prompt, songs in sets.of_prompt().items() if _covers(sets, songs)}
    detail: dict[str, Json] = {
        **sets.counts(),
        "rank": distances.gaussian(distances.order).rank,
        "reference_rank": distances.reference.rank,
        "dimensions": len(distances.reference.mean),
        "mean_term": distance.mean_term,
        "covariance_term": distance.covariance_term,
        "clipped_spectrum": distance.clipped,
        "fad_inf": _line_json(distance.extrapolation, distances.seed),
    }
    return Scores(
        values=_values(distance),
        n=len(sets.songs),
        leave_one_out={prompt: _values(partial) for prompt, partial in left_out.items()},
        detail=detail,
        missing={} if distance.extrapolation else {"fad_inf": _NOT_EXTRAPOLATED},
    )


def _covers(sets: EmbeddingSets[Moments], left_out: Sequence[int]) -> bool:
    """Whether two embeddings remain, the least that has a covariance."""
    return sum(len(song) for i, song in enumerate(sets.songs) if i not in left_out) >= 2


def _values(distance: FrechetAudioDistance) -> dict[str, float]:
    return {"fad": distance.fad} | ({} if distance.fad_inf is None else {"fad_inf": distance.fad_inf})


def _line_json(line: Extrapolation | None, seed: int) -> Json:
    if line is None:
        return _NOT_EXTRAPOLATED
    return {"r2": line.r2, "slope": line.slope, "points": line.points, "seed": seed}


def fad_musicnn() -> EmbeddingDistance[Moments]:
    """The entry point ``fad@musicnn``."""
    return EmbeddingDistance(
        card=FAD_MUSICNN,
        embedding=MusicnnEmbedding(),
        read=moments("patches"),
        compare=frechet_scores,
        song_bytes=moments_bytes(200),
    )


def frechet_scores_in_many_dimensions(sets: EmbeddingSets[Moments]) -> Scores:
    """`frechet_scores` with fewer subsets behind `fad_inf`: under half a minute for 100 prompts in 768 dimensions."""
    return frechet_scores(sets, "parts")


def fad_mert(layer: int = LAYERS, loudness: Loudness | None = LOUDNESS) -> EmbeddingDistance[Moments]:
    """The entry point ``fad@mert-v1-95m``.

    Args:
        layer: which hidden state, 0 to 12.
        loudness: of the analysis copy in LUFS; None: the audio as it is.

    Raises:
        InputError: for a layer that MERT does not have.
    """
    embedding = MertEmbedding(layer, loudness)
    card = fad_mert_card(layer, loudness)
    return EmbeddingDistance(
        card=card,
        embedding=embedding,
        read=stored_moments,
        compare=frechet_scores_in_many_dimensions,
        unit="frames",
        song_bytes=moments_bytes(768),
    )


def fad_clap(loudness: Loudness | None = LOUDNESS) -> EmbeddingDistance[Moments]:
    """The entry point ``fad@clap-laion-music``.

    Args:
        loudness: of the analysis copy in LUFS; None: the audio as it is.
    """
    embedding = ClapWindows(loudness)
    card = fad_clap_card(loudness)
    return EmbeddingDistance(
        card=card,
        embedding=embedding,
        read=moments("vectors"),
        compare=frechet_scores_in_many_dimensions,
        unit="windows",
        song_bytes=moments_bytes(512),
    )


def frechet_scores_of_full_rank(sets: EmbeddingSets[Moments]) -> Scores | NotApplicable:
    """`frechet_scores_in_many_dimensions` with the number of windows; not applicable to fewer than `DIMENSIONS`."""
    counts = {"songs": sum(map(len, sets.songs)), "reference songs": sum(map(len, sets.reference))}
    for name, count in counts.items():
        if count < DIMENSIONS:
            return NotApplicable(
                f"{count} {sets.unit} of the {name} are fewer than the embedding's {DIMENSIONS} dimensions: at least"
                f" {DIMENSIONS / 60:.0f} minutes of music are needed, and better hours"
            )
    scores = frechet_scores_in_many_dimensions(sets)
    return replace(scores, values={**scores.values, "windows": float(counts["songs"])})


def fad_ms_clap(loudness: Loudness | None = LOUDNESS) -> EmbeddingDistance[Moments]:
    """The entry point ``fad@clap-2023``.

    Args:
        loudness: of the analysis copy in LUFS; None: the audio as it is, as fadtk hears it.
    """
    return EmbeddingDistance(
        card=fad_ms_clap_card(loudness),
        embedding=MsClapWindows(loudness),
        read=moments("vectors"),
        compare=frechet_scores_of_full_rank,
        unit="windows",
        song_bytes=moments_bytes(DIMENSIONS),
    )
