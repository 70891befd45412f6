"""Similarity to the style prompt: how much a song sounds like its example in sound, and how much of it is a copy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from metrics.features.musicnn import HOP, MusicnnEmbedding, at_one_loudness, log_mel
from metrics.functional.copying import WINDOW_FRAMES, copied_share
from metrics.functional.cosine import cosine, patch_direction
from metrics.song_inputs import ACCOMPANIMENT_ALONE
from songbench.domain.audio import AudioSource
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure, Song
from songbench.plugin import Availability, Feature, Features, Field, MetricCard, Verdict

SIMILARITY_MUSICNN = MetricCard(
    name="similarity",
    backend="musicnn",
    version="1",
    tracks=("song", "v2a"),
    fields=(
        Field(
            "similarity",
            unit="",
            direction="higher",
            low=-1.0,
            high=1.0,
            decimals=3,
            description="Cosine of the mean musicnn embeddings of the song and of its prompt audio.",
        ),
        Field(
            "copied",
            unit="",
            direction="none",
            low=0.0,
            high=1.0,
            decimals=2,
            description="Share of the song's 1 s windows found in the prompt audio (log-mel correlation from 0.8 on).",
            hears=("originality",),
        ),
    ),
    summary="How much the song sounds like the style prompt it was given, and how much of it is a copy of that prompt.",
    limits=(
        "A cosine has no absolute meaning: compare systems on the same prompts, and with the reference songs that the"
        " prompts were cut from. A copy of the prompt scores highest; read similarity together with copied. Copies that"
        " were transposed, stretched or drowned in noise are not found, and music looped from like samples may count"
        " as one. Judges timbre, style and production as mono up to 8 kHz at one loudness (-14 LUFS)."
        f" {ACCOMPANIMENT_ALONE}"
    ),
    citation=(
        "Embedding: Pons & Serra, musicnn, ISMIR 2019 late-breaking demo; measure: SongBloom's MCC (arXiv 2506.07634),"
        " here with another embedding and renormalised means"
    ),
    licence="ISC (musicnn weights)",
    needs=("musicnn",),
    hears=("style",),
    mono=True,
)


class SimilarityMusicnn:
    """Cosine between song and prompt audio on musicnn embeddings, with a check for copying.

    Each patch embedding is brought to length 1, the mean over the patches is brought to length 1 again, and the two
    means are multiplied. Without the second step the result would shrink with the variety inside a song.
    """

    card = SIMILARITY_MUSICNN

    def __init__(self) -> None:
        """Cheap: the network is loaded when embeddings are computed."""
        self._embedding = MusicnnEmbedding()

    def availability(self) -> Availability:
        """Whether the weights are here."""
        return self._embedding.availability()

    def score(self, songs: Sequence[Song], features: Features) -> Iterator[Verdict]:
        """One verdict per song; not applicable without prompt audio or where either is silent."""
        for song in songs:
            prompt = song.request.prompt_audio
            if prompt is None:
                yield NotApplicable("the prompt has no audio to be similar to")
            else:
                yield self._verdict(song.source, prompt, features)

    def _verdict(self, song: AudioSource, prompt: AudioSource, features: Features) -> Verdict:
        embeddings = features.of(self._embedding, [song, prompt])
        for name, feature in zip(("song", "prompt audio"), embeddings, strict=True):
            if isinstance(feature, Failure):
                return feature
            if feature.data["silent"]:
                return NotApplicable(f"the {name} is silent")
        directions = [
            patch_direction(feature.arrays["patches"]) for feature in embeddings if isinstance(feature, Feature)
        ]
        values = {"similarity": cosine(*directions)}
        copied = _copied(song, prompt)
        if copied is None:
            return Scores(values=values, missing={"copied": "not checked: audio shorter than 1 s"})
        return Scores(values={**values, "copied": copied})


def _copied(song: AudioSource, prompt: AudioSource) -> float | None:
    """The share of the song that is in the prompt; None when one is too short to tell."""
    recordings = [at_one_loudness(source.load()) for source in (song, prompt)]
    if min(map(len, recordings)) < WINDOW_FRAMES * HOP:
        return None
    return copied_share(*map(log_mel, recordings))


def similarity_musicnn() -> SimilarityMusicnn:
    """The entry point ``similarity@musicnn``."""
    return SimilarityMusicnn()
